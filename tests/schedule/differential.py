#!/usr/bin/env python3
"""Compares `pgsluice schedule next` with other implementations over years and twenty time zones: croniter (python3-croniter) and croner
(npm) say which times of a calendar without a clock change match, Python's zoneinfo when they are.

    differential.py PGSLUICE

Their own handling of time zones is left out: behind a clock change croniter's slots are an hour off ("15 1 1,15 * *" in Berlin gives 00:15
on 2020-04-01). The rules at a change are ours, and are written here a second time:
  - a time of the day that is skipped is due once, right behind the gap
  - a time of the day that comes twice is due the first time
  - with `*` or a step in the hour every time that the wall clock shows is due, so twice where it comes twice, and never where it is skipped

Where the two do not say the same, DISAGREEMENTS has whom pgsluice follows, and why; what neither of them reads is written here once more
(THE_RULE). Without npm croner is left out, with a word.
"""

import calendar
import datetime
import json
import os
import pathlib
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
YEARS = 10
# With how many years of it are compared: a slot each minute would take croniter hours.
EXPRESSIONS = {"0 3 * * *": YEARS, "30 2 * * 1-5": YEARS, "15 1 1,15 * *": YEARS, "0 12 29 2 *": YEARS, "59 23 31 * *": YEARS,
               "0 0 1 * mon": YEARS, "5 4 * jan,jul sun": YEARS, "@weekly": YEARS, "0 */6 * * *": 3, "10-50/20 * * * *": 0.15,
               # last days and weekdays
               "30 2 L * *": YEARS, "0 4 L,15 * *": YEARS, "0 3 L-3 * *": YEARS, "30 1 L-30,L-1 * *": YEARS, "30 2 15W * *": YEARS,
               "0 5 1W,31W * *": YEARS, "0 0 29W 2 *": YEARS, "30 2 LW * *": YEARS, "0 1 * * 5L": YEARS, "30 2 * * 7L": YEARS,
               "0 2 * * 1#2": YEARS, "30 3 * * sun#5": YEARS, "0 2 * * 1#1,3#2,0#3": YEARS, "15 1 ? * mon": YEARS, "15 1 10 * ?": YEARS,
               "0 6 * 3,10 0#1": YEARS,
               # seconds
               "30 0 3 * * *": YEARS, "15,45 30 2 * * sun": YEARS, "5-55/25 59 1 L * *": YEARS, "0 */20 */4 1 * *": 3,
               "*/20 * * * * *": 0.02,
               # where the others differ
               "0 0 1 * mon#2": YEARS, "0 0 L * 5L": YEARS, "0 0 * * mon#2,fri": YEARS, "0 0 */2 * mon": YEARS}
# Whom pgsluice follows where croniter and croner differ. It has crontab(5) for its rule: where both days are given (neither has a `*`),
# either counts.
DISAGREEMENTS = {
    "0 0 1 * mon#2": "croner",      # either day; croniter wants both, and finds none
    "0 0 L * 5L": "croner",         # either day; croniter wants both
    "0 0 * * mon#2,fri": "croner",  # croniter reads no list of the two kinds
    "0 0 */2 * mon": "the rule",    # crontab(5): a star in a day's field, a step too, gives no day; the others take either day
}


def in_croniter(expression):
    """As croniter writes it; None: it cannot."""
    fields = expression.replace("?", "*").split(" ")
    if "W" in expression or "L-" in expression:
        return None
    fields[-1] = ",".join(f"L{day[:-1]}" if day.endswith("L") else day for day in fields[-1].split(","))
    return " ".join(fields[1:] + fields[:1] if len(fields) == 6 else fields)


def the_rule(day, expression):
    """Whether a day matches, for what nobody else reads."""
    last = calendar.monthrange(day.year, day.month)[1]
    if "L-" in expression:
        return any(day.day == last - int(one[2:]) for one in expression.split(" ")[2].split(","))
    return day.day % 2 == 1 and day.weekday() == 0  # */2 and mon


THE_RULE = {"0 3 L-3 * *", "30 1 L-30,L-1 * *", "0 0 */2 * mon"}


def fetched_croner():
    root = pathlib.Path(__file__).resolve().parents[2]
    fetched = subprocess.run([root / "script/fetch-croner"], capture_output=True, text=True)
    if fetched.returncode == 3:
        print(f"croner is left out: {fetched.stderr.strip()}")
        return None
    if fetched.returncode != 0:
        sys.exit(fetched.stderr)
    return fetched.stdout.strip()


def ours(program, expression, zone, end, count):
    command = [program, "schedule", "next", expression, "--tz", zone, "--from", BEGIN.strftime("%Y-%m-%dT%H:%M:%SZ"), "--count", str(count)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    slots = set()
    for line in out.splitlines():
        slot = datetime.datetime.fromisoformat(line.split(" ")[0].replace("Z", "+00:00"))
        if slot >= end:
            return slots
        slots.add(slot)
    sys.exit(f"{expression!r} in {zone}: {count} slots do not reach {end}")


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
    """When a wall clock shows this time."""
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


def calendar_range(years):
    day = datetime.timedelta(days=2)
    return (BEGIN - day).replace(tzinfo=None), (BEGIN + datetime.timedelta(days=int(365.25 * years)) + day).replace(tzinfo=None)


def by_croniter(expression, years):
    """The slots of a calendar without a clock change, or why there are none."""
    begin, end = calendar_range(years)
    written, slots = in_croniter(expression), []
    if written is None:
        return "croniter cannot say it"
    try:
        clock = croniter(written, begin)
        while (local := clock.get_next(datetime.datetime)) < end:
            slots.append(local)
    except (ValueError, KeyError) as error:  # what it cannot read, and what it never finds
        return f"{type(error).__name__}: {error}"
    return slots


def by_croner(module, expressions):
    answers = {}
    for years in sorted(set(expressions.values())):
        begin, end = calendar_range(years)
        asked = {"from": begin.isoformat() + "Z", "to": end.isoformat() + "Z", "expressions": [e for e, y in expressions.items() if y == years]}
        command = ["node", pathlib.Path(__file__).with_name("croner.cjs"), module]
        out = subprocess.run(command, check=True, capture_output=True, text=True, input=json.dumps(asked)).stdout
        for expression, slots in json.loads(out).items():
            answers[expression] = slots if isinstance(slots, str) else [datetime.datetime.fromisoformat(slot) for slot in slots]
    return answers


def by_the_rule(expression, years):
    begin, end = calendar_range(years)
    minute, hour = (int(field) for field in expression.split(" ")[:2])
    days = (begin + datetime.timedelta(days=n) for n in range((end - begin).days))
    return [day.replace(hour=hour, minute=minute) for day in days if the_rule(day, expression)]


def calendars():
    """For each expression the slots that are right, of the implementation that is followed."""
    module = fetched_croner()
    croner = by_croner(module, EXPRESSIONS) if module else {}
    right, agreed = {}, 0
    for expression, years in EXPRESSIONS.items():
        answers = {"croniter": by_croniter(expression, years)}
        if module:
            answers["croner"] = croner[expression]
        if expression in THE_RULE:
            answers["the rule"] = by_the_rule(expression, years)
        read = {who: slots for who, slots in answers.items() if not isinstance(slots, str)}
        followed = DISAGREEMENTS.get(expression)
        if not read and not module:
            continue  # only croner, which is left out, could say it
        if followed is None:
            first, *others = read.values() or sys.exit(f"{expression!r}: nobody reads it: {answers}")
            if any(other != first for other in others):
                sys.exit(f"{expression!r}: {' and '.join(read)} differ, and DISAGREEMENTS does not say whom to follow")
            right[expression] = first
            agreed += len(read) > 1
        elif followed in answers:
            if all(slots == answers[followed] for slots in answers.values()):
                sys.exit(f"{expression!r}: they agree by now: DISAGREEMENTS is wrong")
            right[expression] = read[followed]
    if module and agreed < 25:
        sys.exit(f"croniter and croner agree on {agreed} expressions only: one of them was not asked")
    return right


def theirs(calendar_slots, expression, zone, end):
    rules, slots = zoneinfo.ZoneInfo(zone), set()
    fields = expression.split(" ")
    hour = "0" if len(fields) == 1 else fields[1 if len(fields) == 5 else 2]
    in_real_time = "*" in hour or "/" in hour
    for local in calendar_slots:
        slots |= {slot for slot in instants(local, rules, in_real_time) if BEGIN < slot < end}
    return slots


def main():
    program, compared = sys.argv[1], 0
    right = calendars()
    for zone in ZONES:
        for expression, slots in right.items():
            end = BEGIN + datetime.timedelta(days=int(365.25 * EXPRESSIONS[expression]))
            b = theirs(slots, expression, zone, end)
            a = ours(program, expression, zone, end, len(b) + 100)
            compared += len(b)
            for slot in sorted(a ^ b):
                sys.exit(f"{expression!r} in {zone}: {slot} is only {'ours' if slot in a else 'theirs'}")
    if compared < 150_000:
        sys.exit(f"only {compared} slots compared")
    print(f"{compared} slots of {len(right)} expressions compared, and none differs")


main()
