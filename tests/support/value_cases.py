#!/usr/bin/env python3
"""Files whose values are written as people write them, and the same files as COPY takes them: a
reference of docs/values.md with regular expressions and datetime, that knows nothing of how the
program does it.

usage: value_cases.py SEED COUNT     one JSON object a line
"""

import datetime
import json
import random
import re
import sys

REFUSED = object()
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
INTEGER = re.compile(r"\s*[+-]?\d{1,9}\s*")
BLANKS = " \t"
SPACE = " \t\n\v\f\r"

DATE_FORMATS = {
    "DD/MM/YYYY": "%d/%m/%Y", "DD.MM.YYYY HH24:MI": "%d.%m.%Y %H:%M",
    "MM-DD-YYYY": "%m-%d-%Y", "YYYYMMDD": "%Y%m%d", "DD Mon YYYY": "%d %b %Y",
    "MM/DD/YYYY HH12:MI:SS AM": "%m/%d/%Y %I:%M:%S %p", 'YYYY-MM-DD"T"HH24:MI:SS.US':
    "%Y-%m-%dT%H:%M:%S.%f", "DD/MM/YY": "%d/%m/%y", "epoch": None, "epoch_ms": None,
}
ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")


class Rules:
    def __init__(self, draw):
        self.nulls = draw.choice([[""], [""], ["NA"], ["", "NA"], ["-", "", "null"]])
        self.null_for = draw.choice([None, None, "x", "0"])
        self.null_quoted = draw.choice([False, False, True])
        self.trim = draw.choice(["", "", "unquoted", "all"])
        self.decimal, self.thousands = draw.choice(
            [("", ""), (",", ""), (",", "."), ("", ","), (",", " "), (",", "'")])
        self.booleans = draw.choice([[], ["Y,N"], ["ja,nein", "J,N"], ["0,1"]])
        self.date_format = draw.choice([""] + list(DATE_FORMATS))


def number(text, rules, whole):
    """Its text for COPY, or REFUSED."""
    point = rules.decimal or "."
    if point == "." and not rules.thousands:
        return text
    bare = text.strip(SPACE)
    between = re.escape(rules.thousands)
    grouped = rf"[1-9]\d{{0,2}}(?:{between}\d{{3}})+" if rules.thousands else r"(?!)"
    shape = re.fullmatch(
        rf"([+-]?)({grouped}|\d*)(?:({re.escape(point)})(\d*))?([eE][+-]?\d+)?", bare)
    fits = shape and re.search(r"\d", shape[2] + (shape[4] or ""))
    if not fits:
        return REFUSED if point != "." and "." in text else text
    if whole and (shape[3] or shape[5]):
        return text
    digits = shape[2].replace(rules.thousands, "") if rules.thousands else shape[2]
    return shape[1] + digits + ("." + shape[4] if shape[3] else "") + (shape[5] or "")


def boolean(text, rules):
    word = text.strip(SPACE).lower()
    for pair in rules.booleans:
        yes, no = pair.lower().split(",")
        if word == yes:
            return "true"
        if word == no:
            return "false"
    return REFUSED if rules.booleans == ["0,1"] else text


def moment(text, rules):
    name = rules.date_format
    bare = text.strip(SPACE)
    if not name or not re.search(r"\d", bare):
        return text
    try:
        if name.startswith("epoch"):
            if not re.fullmatch(r"[+-]?\d+(\.\d{1,6})?" if name == "epoch" else
                                r"[+-]?\d+(\.\d{1,3})?", bare):
                raise ValueError
            whole, _, part = bare.partition(".")
            unit = 10**6 if name == "epoch" else 1000
            micros = abs(int(whole)) * unit + int(part.ljust(6 if name == "epoch" else 3, "0"))
            if whole.startswith("-"):
                micros = -micros
            value = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
        else:
            value = datetime.datetime.strptime(bare, DATE_FORMATS[name])
            # strptime is content with one digit.
            if name == "YYYYMMDD" and len(bare) != 8:
                raise ValueError
        return value.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")
    except (ValueError, OverflowError):
        return text if ISO.fullmatch(bare) else REFUSED


def is_valid(kind, text):
    """Whether the server takes it, of what is drawn here."""
    if kind == "int":
        return INTEGER.fullmatch(text)
    if kind in ("numeric", "float8"):
        return NUMBER.fullmatch(text) or text.strip(SPACE) == "NaN"
    if kind == "boolean":
        word = text.strip(SPACE).lower()
        return word in ("1", "0", "on", "of", "off") or (
            word and any(w.startswith(word) for w in ("true", "false", "yes", "no")))
    if kind in ("timestamp", "date"):
        if text.strip(SPACE) in ("infinity", "-infinity"):
            return True
        found = ISO.fullmatch(text.strip(SPACE))
        try:
            return found and datetime.datetime.fromisoformat(text.strip(SPACE)[:10])
        except ValueError:
            return False
    return True


def draw_value(draw, kind, rules):
    null = draw.choice(["", "NA", "null", "-", "x", "0", " ", " NA "])
    if draw.random() < 0.15:
        return null
    sign = draw.choice(["", "", "-", "+"])
    if kind in ("int", "numeric", "float8"):
        text = draw.choice(["1", "12", "123", "1234", "0", "987654"])
        for _ in range(draw.choice([0, 0, 1, 2])):
            text += draw.choice([".", ",", "'", " ", rules.thousands]) + draw.choice(
                ["123", "000", "456", "45", "5"])
        if draw.random() < 0.3:
            text += draw.choice([".", ","]) + draw.choice(["", "5", "25", "123"])
        text = sign + text + draw.choice(["", "", "", "e2"])
    elif kind == "boolean":
        text = draw.choice(["Y", "n", "ja", "NEIN", "J", "t", "true", "0", "1", "on", "maybe"])
    elif kind in ("timestamp", "date"):
        value = datetime.datetime(draw.randint(1971, 2067), draw.randint(1, 12),
                                  draw.randint(1, 28), draw.randint(0, 23), draw.randint(0, 59),
                                  draw.randint(0, 59), draw.randint(0, 999999))
        form = DATE_FORMATS.get(draw.choice([rules.date_format, rules.date_format,
                                             draw.choice(list(DATE_FORMATS))]))
        text = value.strftime(form or "%Y-%m-%d %H:%M") if draw.random() < 0.8 else draw.choice(
            [str(draw.randint(-10**9, 10**9)), "1700000000.5", "31/02/2024", "2024-02-30",
             "infinity", "1/2/2024", "2024-01-02"])
    else:
        text = draw.choice(["abc", "a b", "", "NULL", "x y "])
    pad = draw.choice(["", "", "", " ", "\t", "  "])
    return pad + text + draw.choice(["", "", pad])


def apply(kind, value, quoted, rules, own):
    """None is NULL."""
    nulls = rules.nulls + own
    if not quoted and value in nulls:
        return None
    if rules.trim == "all" or (rules.trim and not quoted):
        value = value.strip(BLANKS)
    if value in nulls and (not quoted or rules.null_quoted):
        return None
    if kind in ("int", "numeric", "float8"):
        return number(value, rules, kind == "int")
    if kind == "boolean":
        return boolean(value, rules)
    if kind in ("timestamp", "date"):
        return moment(value, rules)
    return value


KINDS = ["text", "int", "numeric", "float8", "boolean", "timestamp", "date"]


def quote(text):
    return '"' + text.replace('"', '""') + '"'


def one(draw, kind):
    """A file of two columns: a number, and values of one type."""
    rules = Rules(draw)
    if kind not in ("int", "numeric", "float8"):
        rules.decimal = rules.thousands = ""
    if kind != "boolean":
        rules.booleans = []
    if kind not in ("timestamp", "date"):
        rules.date_format = ""
    elif not rules.date_format:  # the server would read what is drawn in its own order
        rules.date_format = "DD/MM/YYYY"
    text, copy, rejected = "", "", 0
    for line in range(1, 61):
        value = draw_value(draw, kind, rules)
        quoted = draw.random() < 0.4 or any(c in value for c in ',"\n')
        own = [rules.null_for] if rules.null_for else []
        text += f"{line},{quote(value) if quoted else value}\n"
        result = apply(kind, value, quoted, rules, own)
        if result is None:
            copy += f"{line},\n"
        elif result is REFUSED or not is_valid(kind, result):
            rejected += 1
        else:
            copy += f"{line},{quote(result)}\n"
    return {"nulls": rules.nulls, "null_for": rules.null_for, "null_quoted": rules.null_quoted,
            "trim": rules.trim, "decimal": rules.decimal, "thousands": rules.thousands,
            "booleans": rules.booleans, "date_format": rules.date_format, "type": kind,
            "text": text, "copy": copy, "rejected": rejected}


def main():
    draw = random.Random(int(sys.argv[1]))
    for number_of_case in range(int(sys.argv[2])):
        print(json.dumps(one(draw, KINDS[number_of_case % len(KINDS)])))


main()
