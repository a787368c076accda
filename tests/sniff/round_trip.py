#!/usr/bin/env python3
"""What `load --create` stores is what the file says: values of many kinds, mixed by chance, are read back from the table.

    round_trip.py PGSLUICE URL [--seed N] [--files N]

The type of each column is pgsluice's choice; whether a value means the same in it is judged by Python (decimal, datetime, ipaddress,
uuid). Fails where a file is refused, a record is rejected, or a value comes back as another."""

import argparse
import csv
import datetime
import decimal
import io
import ipaddress
import json
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import uuid

NULL = "(null of the table)"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def day(rng):
    return datetime.datetime(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59),
                             rng.randint(0, 59))


def kinds():
    """name: what writes a value of it."""
    digits = lambda rng, most: str(rng.randint(0, 10 ** rng.randint(1, most)))
    number = lambda rng: rng.choice(["", "-"]) + digits(rng, 9) + "." + digits(rng, 6)
    return {
        "integer": lambda rng: str(rng.randint(-(2**31), 2**31 - 1)),
        "bigint": lambda rng: str(rng.randint(-(2**63), 2**63 - 1)),
        "huge": lambda rng: rng.choice(["", "-"]) + digits(rng, 60),
        "small": lambda rng: str(rng.randint(0, 9)),
        "decimal": number,
        "comma": lambda rng: number(rng).replace(".", ","),
        "thousands": lambda rng: f"{rng.randint(-10**9, 10**9) / 100:,.2f}",
        "exponent": lambda rng: f"{rng.uniform(-10, 10):.{rng.randint(0, 17)}e}",
        "boolean": lambda rng: rng.choice(["true", "false"]),
        "letters": lambda rng: rng.choice("tfynTFYN"),
        "date": lambda rng: day(rng).date().isoformat(),
        "timestamp": lambda rng: day(rng).isoformat(sep=rng.choice(" T")),
        "fraction": lambda rng: day(rng).isoformat(sep=" ") + "." + digits(rng, 7),
        "timestamptz": lambda rng: day(rng).isoformat() + rng.choice(["Z", "+02:00", "-0330", "+14", "-00:00"]),
        "time": lambda rng: day(rng).time().isoformat(),
        "timetz": lambda rng: day(rng).time().isoformat() + rng.choice(["Z", "+02:00", "-03"]),
        "german day": lambda rng: day(rng).strftime("%d.%m.") + f"{rng.randint(1000, 9999)}",
        "american day": lambda rng: f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/{rng.randint(1900, 2099)}",
        "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
        "ipv4": lambda rng: str(ipaddress.IPv4Address(rng.getrandbits(32))),
        "ipv6": lambda rng: str(ipaddress.IPv6Address(rng.getrandbits(128) >> rng.randint(0, 120))),
        "json": lambda rng: json.dumps({"a": [rng.random(), None, {}], "b": chr(rng.randint(1, 0x2FF))}),
        "word": lambda rng: "".join(rng.choice("abc \u00e9,\"\n") for _ in range(rng.randint(1, 8))),
    }


ODD = """007 +1 -0 0 -0.0 0.0 00 1. .5 -.5 1e5 1E+05 1e400 1e-400 5e-324 1.7976931348623157e308 0.1e-20 1_000 1,000 1.000 1,5 1.50 0x10 0b1 1e 1e+
NaN nan -NaN inf Infinity -inf infinity 1/2 12% $5 5-3 9223372036854775808 2147483648 12345678901234567890.123456789012345678901234567890
true TRUE True t f yes no on off y n 1 0 2025-02-29 2024-02-29 0000-01-01 0001-01-01 9999-12-31 10000-01-01 294276-12-31 5874897-12-31 2025-1-1
20250101 2025-13-01 2025-01-32 24:00:00 24:00 23:59:60 25:00 10:15 10:15:00.1234567 10:15:00.123456 10:15+02 10:15:00+15:59 10:15:00+16:00 now
today epoch tomorrow allballs 31.12.2025 12/31/2025 31/12/2025 01/02/03 1/2/2025 31-Dec-2025 {} [] {"a":1,"a":2} {"a":1e400} {"a":"\\u0000"} {a:1} null
NULL N/A NA - -- ? none \\N . .. 127.0.0.1 127.0.0.1/8 127.0.0.1/32 127.1 010.1.1.1 ::ffff:1.2.3.4 ::1 ::1/64 fe80::1%eth0 1:2:3:4:5:6:7::
A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11 {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11} a0eebc999c0b4ef8bb6d6bb9bd380a11 \u0663 \uff12 \u2212 1\u00a0000 \ufeff1
\u200b1 e E + 1- (1) 1d 1f 1L 1n""".split() + [
    "", " ", "  1 ", "1 ", "\t1", "1\n", "1\r", "\r\n", "\x0b1", "2025-01-01 10:15", "2025-01-01T10:15Z", "2025-01-01 24:00:00", "2025-01-01 23:59:60",
    "2025-01-01 10:15:00.1234567", "2025-01-01 10:15:00+15:59", "2025-01-01 10:15 UTC", "2025-01-01 10:15 Europe/Berlin", "2025-01-01 BC", "4713-01-01 BC",
    "2025-01-01 10:15 AM", "31.12.2025 10:15", "12/31/2025 1:02 PM", "Jan 2, 2025", "[1,2", "\"a\"", "'1'", "1 000", "1 ,5", "- 5", "1'000", "10:15 PM",
    "31-Feb-2025", "29-Feb-2025", "29-Feb-24", "29.02.25", "29/02/2024", "1-Jan-0000", "01.01.0000", "31.12.2025 0:15 AM", "12/31/2025 12:15 AM",
    "12/31/2025 13:15 PM", "31.12.2025 24:00", "31.12.2025 23:59:60", "31.12.2025 10:15:00.1234567", "31.12.9999", "2025/12/31", "25-12-31",
]


def instant(text):
    """(datetime without the fraction, the fraction, the offset in seconds) of an ISO text, None where it is none."""
    found = re.fullmatch(r"(?:(\d{4,6})-(\d\d?)-(\d\d?)(?:[ T]|$))?(?:(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
                         r"\s*(Z|[+-]\d\d(?::?\d\d){0,2})?", text)
    if not found or not text:
        return None
    year, month, date, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    offset = None
    if found[8]:
        parts = re.findall(r"\d\d", found[8])
        offset = sum(int(part) * unit for part, unit in zip(parts, (3600, 60, 1))) * (-1 if found[8][0] == "-" else 1)
    # Days are counted by hand: Python knows no year above 9999, and a day has its 24:00 and 23:59:60.
    days = None
    if year is not None:
        before = (year - (month <= 2)) * 365 + (year - (month <= 2)) // 4 - (year - (month <= 2)) // 100 + (year - (month <= 2)) // 400
        days = before + (153 * ((month + 9) % 12) + 2) // 5 + date
    seconds = None if hour is None else hour * 3600 + minute * 60 + (second or 0)
    return days, seconds, (found[7] or "").rstrip("0"), offset


def local_day(text, form):
    """An ISO text of what `--date-format` says, for the forms that pgsluice proposes."""
    names = {"DD": r"(?P<d>\d\d?)", "MM": r"(?P<m>\d\d?)", "YYYY": r"(?P<y>\d{4,})", "YY": r"(?P<y>\d\d)", "Mon": r"(?P<mon>[A-Za-z]{3,9})",
             "HH24": r"(?P<h>\d\d?)", "HH12": r"(?P<h>\d\d?)", "MI": r"(?P<mi>\d\d)", "SS": r"(?P<s>\d\d)", "US": r"(?P<f>\d+)",
             "AM": r"(?P<am>[AaPp]\.?[Mm]\.?)"}
    pattern = re.sub("|".join(sorted(map(re.escape, names), key=len, reverse=True)), lambda word: names[word[0]], re.escape(form).replace("\\ ", " "))
    found = re.fullmatch(pattern, text.strip())
    if not found:
        return None
    part = found.groupdict()
    month = int(part["m"]) if part.get("m") else MONTHS.index(part["mon"][:3].lower()) + 1
    year = int(part["y"]) if len(part["y"]) > 2 else int(part["y"]) + (2000 if int(part["y"]) < 70 else 1900)
    iso = f"{year:04}-{month:02}-{int(part['d']):02}"
    if part.get("h"):
        hour = int(part["h"]) % 12 + 12 * (part["am"][0] in "Pp") if part.get("am") else int(part["h"])
        iso += f" {hour:02}:{part['mi']}:{part.get('s') or '00'}.{part.get('f') or '0'}"
    return iso


def flags_of(notes):
    """The flags that the columns' types need, as the load says them."""
    flags = {"null-for": {}, "date-format": {}, "null-quoted": set(), "decimal": ".", "thousands": ""}
    for note in notes:
        words = shlex.split(note.partition(" it is read with ")[2])
        for word, value in zip(words, words[1:] + [""]):
            if word.startswith("--null-quoted="):
                flags["null-quoted"].update(next(csv.reader([word.partition("=")[2]])))
            elif word in ("--decimal", "--thousands"):
                flags[word[2:]] = value
            elif word == "--null-for":
                column, _, values = value.partition("=")
                flags["null-for"].setdefault(column, set()).update(next(csv.reader([values])))
            elif word == "--date-format":
                column, _, form = value.partition("=")
                flags["date-format"][column] = form
    return flags


def is_same(written, read, kind, form, flags):
    """Whether a value of the table means what the file says."""
    if kind == "text":
        return read == written
    bare = written.strip(" \t\n\r\v\f")
    if kind in ("integer", "bigint"):
        return bool(re.fullmatch(r"-?\d+", bare)) and read == bare
    if kind in ("numeric", "double precision"):
        if flags["thousands"]:
            bare = bare.replace(flags["thousands"], "")
        bare = bare.replace(flags["decimal"], ".")
        if bare.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            return bare.lower().replace("inf", "infinity").replace("infinityinity", "infinity").lstrip("+") == read.lower()
        one, other = decimal.Decimal(bare), decimal.Decimal(read)
        is_equal = one == other or kind == "double precision" and float(bare) == float(read) and len(one.as_tuple().digits) <= 17
        return is_equal and one.is_signed() == other.is_signed() and (
            kind != "numeric" or min(0, one.as_tuple().exponent) == other.as_tuple().exponent)
    if kind == "boolean":
        return {"t": {"true", "t", "yes"}, "f": {"false", "f", "no"}}[read].__contains__(bare.lower())
    if kind == "uuid":
        return uuid.UUID(bare) == uuid.UUID(read)
    if kind == "inet":
        return ipaddress.ip_interface(bare) == ipaddress.ip_interface(read)
    if kind == "json":
        return read == written and json.loads(written) is not None
    one, other = instant(local_day(bare, form) or "" if form else bare), instant(read)
    if one is None or other is None:
        return False
    if kind == "date":
        return one[0] == other[0] and not one[1] and not one[2] and one[3] is None
    if kind.startswith("time with"):  # or without a zone
        return one[0] is None and one[1:] == other[1:]
    if kind == "timestamp without time zone":
        return one[3] is None and (one[0], one[1] or 0, one[2]) == other[:3] or is_midnight(one, other)
    zone = lambda what: what[0] * 86400 + (what[1] or 0) - (what[3] or 0)
    return one[3] is not None and zone(one) == zone(other) and one[2] == other[2]


def is_midnight(one, other):
    """24:00 of a day is 0:00 of the next."""
    return one[0] * 86400 + (one[1] or 0) == other[0] * 86400 + other[1] and one[2] == other[2]


class Columns:
    """A file's, by chance: mostly values of one kind, among them those of others, and odd ones."""

    def __init__(self, rng):
        self.rng = rng
        writers = kinds()
        self.writers = [self.column(writers) for _ in range(rng.randint(2, 12))]

    def column(self, writers):
        kinds_of_it = [writers[name] for name in self.rng.sample(sorted(writers), self.rng.choice([1, 1, 1, 2, 3]))]
        odd = self.rng.sample(ODD, self.rng.choice([0, 1, 1, 2, 4]))
        share = self.rng.choice([0.02, 0.2, 1])
        return lambda: self.rng.choice(odd) if odd and self.rng.random() < share else self.rng.choice(kinds_of_it)(self.rng)

    def rows(self):
        return [[str(number)] + [write() for write in self.writers] for number in range(self.rng.choice([1, 3, 40, 400]))]


def written_as(rng, value, quotes):
    if value and (quotes == "needed" or rng.random() < 0.5) and not re.search(r'[",\n\r]', value):
        return value
    return "" if not value and rng.random() < 0.5 else '"' + value.replace('"', '""') + '"'


def psql(url, text):
    return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url, "-c", "set timezone to 'UTC'", "-c", text], check=True,
                          capture_output=True).stdout.decode()


def judge(args, rng, number, folder):
    """What is wrong with a file's table, and how many of its values were compared."""
    rows = Columns(rng).rows()
    names = ["id"] + [f"c{i}" for i in range(1, len(rows[0]))]
    quotes = rng.choice(["needed", "some"])
    path = pathlib.Path(folder) / f"{number}.csv"
    texts = [[written_as(rng, value, quotes) for value in row] for row in rows]
    path.write_bytes(("".join(",".join(row) + "\n" for row in [names] + texts)).encode())
    table = f"rt_{args.seed}_{number}"
    done = subprocess.run([args.program, "load", str(path), "-t", table, "--create", "-d", args.url, "--progress", "none", "--output", "json"],
                          capture_output=True, text=True)
    if done.returncode:
        return [f"{path.name}: exit code {done.returncode}: {done.stdout or done.stderr}"], 0
    flags = flags_of(json.loads(done.stdout)["loads"][0]["notes"])
    types = psql(args.url, f"select data_type from information_schema.columns where table_name = '{table}' order by ordinal_position").split("\n")
    back = psql(args.url, f"copy (select * from {table} order by id) to stdout (format csv, force_quote *, null '{NULL}')")
    psql(args.url, f"drop table {table}")
    wrong = []
    read_rows = list(csv.reader(io.StringIO(back, newline="")))
    if len(read_rows) != len(rows):
        return [f"{path.name}: {len(read_rows)} rows of {len(rows)}"], 0
    for row, text, read_row in zip(rows, texts, read_rows):
        for name, value, raw, read, kind in zip(names, row, text, read_row, types):
            if read == NULL:
                is_right = raw == "" or value.strip(" ") in flags["null-for"].get(name, ()) or value == "" and name in flags["null-quoted"]
            elif raw == "":
                is_right = False
            else:
                try:
                    is_right = is_same(value, read, kind, flags["date-format"].get(name), flags)
                except (ValueError, ArithmeticError, TypeError, KeyError):
                    is_right = False
            if not is_right:
                wrong.append(f"{path.name}: {name} {kind}: {raw!r} is {read!r} ({flags})")
    return wrong, len(rows) * len(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("url")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=60)
    args = parser.parse_args()
    decimal.getcontext().prec = 200
    wrong, compared = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.files):
            found, values = judge(args, random.Random(f"{args.seed} {number}"), number, folder)
            wrong += found[:3]
            compared += values
    print(f"{args.files} files, {compared} values, {len(wrong)} wrong")
    print("\n".join(wrong[:40]))
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
