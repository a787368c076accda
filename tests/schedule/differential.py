#!/usr/bin/env python3
"""Compares `pgsluice schedule next` with two other implementations over years and twenty time zones: croniter (python3-croniter)
says which minutes of a calendar without a clock change match, Python's zoneinfo when they are.

    differential.py PGSLUICE

croniter's own handling of time zones is left out: behind a clock change its slots are an hour off ("15 1 1,15 * *" in Berlin gives 00:15 on
2020-04-01). The rules at a change are ours, and are written here a second time:
  - a time of the day that is skipped is due once, right behind the gap
  - a time of the day that comes twice is due the first time
  - with `*` or a step in the hour every minute that the wall clock shows is due, so twice where it comes twice, and never where it is skipped
"""

import datetime
import os
import subprocess
import sys
import zoneinfo

try:
    from croniter import croniter
except ImportError:  # Debian's packages belong to Debian's Python
    if sys.executable == "/usr/bin/python3":
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

UTC = datetime.timezone.utc
BEGIN = datetime.datetime(2020, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "Europe/London", "Europe/Moscow", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo",
         "America/St_Johns", "America/Santiago", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Tehran", "Africa/Cairo",
         "Africa/Casablanca", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia"]
# With how many years of it are compared: a slot each minute would take croniter hours.
EXPRESSIONS = {"0 3 * * *": 10, "30 2 * * 1-5": 10, "15 1 1,15 * *": 10, "0 12 29 2 *": 10, "59 23 31 * *": 10, "0 0 1 * mon": 10,
               "5 4 * jan,jul sun": 10, "@weekly": 10, "0 */6 * * *": 3, "10-50/20 * * * *": 0.15}


def ours(program, expression, zone, end):
    command = [program, "schedule", "next", expression, "--tz", zone, "--from", BEGIN.strftime("%Y-%m-%dT%H:%M:%SZ"), "--count", "5000"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    slots = set()
    for line in out.splitlines():
        slot = datetime.datetime.fromisoformat(line.split(" ")[0].replace("Z", "+00:00"))
        if slot >= end:
            return slots
        slots.add(slot)
    sys.exit(f"{expression!r} in {zone}: 5000 slots do not reach {end}")


def offset(instant, rules):
    return instant.astimezone(rules).utcoffset()


def end_of_gap(before, after, rules):
    """The instant between these two when the clock changes."""
    while after - before > datetime.timedelta(seconds=1):
        middle = before + (after - before) / 2
        middle -= datetime.timedelta(microseconds=middle.microsecond)
        before, after = (middle, after) if offset(middle, rules) == offset(before, rules) else (before, middle)
    return after


def instants(local, rules, in_real_time):
    """When a wall clock shows this minute."""
    found = []
    for fold in (0, 1):
        instant = local.replace(tzinfo=rules, fold=fold).astimezone(UTC)
        if instant.astimezone(rules).replace(tzinfo=None) == local and instant not in found:
            found.append(instant)
    if in_real_time:
        return found
    if found:
        return found[:1]
    day = datetime.timedelta(hours=25)
    near = local.replace(tzinfo=rules).astimezone(UTC)
    return [end_of_gap(near - day, near + day, rules)]


def theirs(expression, zone, end):
    rules, slots = zoneinfo.ZoneInfo(zone), set()
    hour = {"@weekly": "0"}.get(expression) or expression.split(" ")[1]
    in_real_time = "*" in hour or "/" in hour
    clock = croniter(expression, (BEGIN - datetime.timedelta(days=2)).replace(tzinfo=None))
    while True:
        local = clock.get_next(datetime.datetime)
        if local > (end + datetime.timedelta(days=2)).replace(tzinfo=None):
            return slots
        slots |= {slot for slot in instants(local, rules, in_real_time) if BEGIN < slot < end}


def main():
    program, compared = sys.argv[1], 0
    for zone in ZONES:
        for expression, years in EXPRESSIONS.items():
            end = BEGIN + datetime.timedelta(days=int(365.25 * years))
            a, b = ours(program, expression, zone, end), theirs(expression, zone, end)
            compared += len(b)
            for slot in sorted(a ^ b):
                sys.exit(f"{expression!r} in {zone}: {slot} is only {'ours' if slot in a else 'theirs'}")
    if compared < 100_000:
        sys.exit(f"only {compared} slots compared")
    print(f"{compared} slots compared, and none differs")


main()
