#!/usr/bin/env python3
"""Files in dialects that are drawn, with the records that they have: a reference parser written from
the rules of docs/dialects.md, byte by byte, that knows nothing of how the program does it.

usage: dialect_cases.py SEED COUNT [NAME=VALUE ...]     one JSON object a line
"""

import json
import random
import sys

LF, CR = b"\n", b"\r"


class Dialect:
    def __init__(self, draw, fixed):
        kinds = ["doubling", "in_quotes", "everywhere", "unquoted", "bare", "text"]
        self.kind = fixed.get("kind") or draw.choice(kinds)
        self.delimiter = draw.choice(
            [b",", b";", b"\t", b"|", b"||", b"~|~", b"aba", b", ", b"\xc2\xa7", b"-=-=-=-|"])
        self.quote = draw.choice([b'"', b"'"])
        self.escape = self.quote
        if self.kind in ("unquoted", "bare", "text"):
            self.quote = self.escape = b""
        if self.kind in ("in_quotes", "everywhere", "unquoted", "text"):
            self.escape = b"\\"
        self.everywhere = self.kind in ("everywhere", "unquoted", "text")
        self.text = self.kind == "text"
        self.null = b"\\N" if self.everywhere else draw.choice([b"", b"", b"nil"])
        self.comment = draw.choice([b"", b"", b"#", b"//", b"#~"])
        self.newline = draw.choice(["auto", "auto", "lf", "crlf", "cr", "any"])
        self.skip_lines = draw.choice([0, 0, 0, 1, 2])
        self.footer = draw.choice([0, 0, 0, 1, 2])
        self.cuts = draw.choice([False, True])
        self.lines_max = draw.choice([0, 0, 0, 1, 2, 3])


def line_at(text, at, newline):
    """Where the text of the physical line at `at` ends, and where the next one begins."""
    for i in range(at, len(text)):
        c = text[i:i + 1]
        if newline == "cr" and c == CR:
            return i, i + 1
        if newline in ("lf", "crlf") and c == LF:
            ends_so = newline == "crlf" and i > at and text[i - 1:i] == CR
            return i - ends_so, i + 1
        if newline == "any" and c == LF:
            return i, i + 1
        if newline == "any" and c == CR:
            return i, i + 1 + (text[i + 1:i + 2] == LF)
    return len(text), len(text)


def count_lines(text, newline):
    if newline == "cr":
        return text.count(CR)
    if newline == "any":
        return text.count(LF) + text.count(CR) - text.count(CR + LF)
    return text.count(LF)


def first_line_end(text, d):
    """COPY's rule: as the first line outside quotes ends."""
    quoted = False
    at = 0
    in_comment = d.comment and text.startswith(d.comment)
    while at < len(text):
        c = text[at:at + 1]
        if not in_comment:
            if c == d.escape and (d.everywhere or (quoted and d.escape != d.quote)):
                at += 2
                continue
            if d.quote and c == d.quote:
                quoted = not quoted
        if not quoted and c == LF:
            return "lf"
        if not quoted and c == CR:
            return "crlf" if text[at + 1:at + 2] == LF else "cr"
        at += 1
    return "lf"


def unescape(d, raw):
    """What an escape that counts everywhere stands for; `raw` is behind it. Also how long that is."""
    c = raw[0:1]
    if not d.text:
        known = {b"0": b"\0", b"b": b"\b", b"n": LF, b"r": CR, b"t": b"\t", b"Z": b"\x1a"}
        return known.get(c, c), 1
    digits = 0
    while digits < 3 and raw[digits:digits + 1] in (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"):
        digits += 1
    if digits:
        return bytes([int(raw[:digits], 8) & 255]), digits
    if c == b"x":
        while digits < 2 and raw[1 + digits:2 + digits] and raw[1 + digits] in b"0123456789abcdefABCDEF":
            digits += 1
        if digits:
            return bytes([int(raw[1:1 + digits], 16)]), 1 + digits
    known = {b"b": b"\b", b"f": b"\f", b"n": LF, b"r": CR, b"t": b"\t", b"v": b"\v"}
    return known.get(c, c), 1


class Record:
    def __init__(self):
        self.fields = []
        self.bad = False
        self.open = False
        self.ends_blank = False  # the last value is empty, and nothing else stands there
        self.end = 0
        self.behind = 0


def read_record(text, begin, d, newline):
    """The record that begins there, as the state machine has it."""
    r = Record()
    value, raw_begin, was_quoted, quoted = b"", begin, False, False

    def finish(end):
        raw = text[raw_begin:end]
        r.ends_blank = raw == b""
        is_null = raw == d.null and (d.everywhere or not was_quoted)
        r.fields.append(None if is_null else value)

    at = begin
    while at < len(text):
        c = text[at:at + 1]
        behind = text[at + 1:]
        if d.everywhere and c == d.escape:
            if not behind:
                value += b"" if d.text else c
                at += 1
                break
            if d.text and behind.startswith(b"."):
                r.bad = True
            if not d.text and behind.startswith(CR + LF):
                value += CR + LF
                at += 3
                continue
            byte, size = unescape(d, behind)
            value += byte
            at += 1 + size
            continue
        if quoted:
            if not d.everywhere and c == d.escape and d.escape != d.quote:
                # It counts before a quote or another one; else it is a character.
                if behind[:1] in (d.quote, d.escape):
                    value += behind[:1]
                    at += 2
                else:
                    value += c
                    at += 1
                continue
            if c == d.quote:
                if behind[:1] == d.quote and (d.everywhere or d.escape == d.quote):
                    value += c
                    at += 2
                else:
                    quoted = False
                    at += 1
                continue
            value += c
            at += 1
            continue
        if d.quote and c == d.quote:
            quoted = was_quoted = True
            at += 1
            continue
        if text.startswith(d.delimiter, at):
            finish(at)
            at += len(d.delimiter)
            value, raw_begin, was_quoted = b"", at, False
            continue
        if c in (LF, CR):
            is_pair = text.startswith(CR + LF, at)
            ends = {"lf": c == LF, "cr": c == CR, "crlf": is_pair, "any": True}[newline]
            if ends or (newline == "crlf" and c == LF):
                r.bad = r.bad or not ends
                finish(at)
                r.end, r.behind = at, at + (2 if is_pair and newline in ("crlf", "any") else 1)
                return r
            r.bad = True
            value += c
            at += 1
            continue
        value += c
        at += 1
    finish(len(text))
    r.open = quoted
    r.end = r.behind = len(text)
    return r


def without_footer(text, count, newline):
    """Its last lines cut off: the last need not have a line end."""
    begins, at = [], 0
    while at < len(text):
        begins.append(at)
        at = line_at(text, at, newline)[1]
    if count == 0:
        return text
    return text[:begins[-count]] if count <= len(begins) else b""


class TooManyLines(Exception):
    pass


def parse(text, d):
    """The records behind what is skipped: line, byte, and the fields or that it is bad."""
    at = line = 0
    for _ in range(d.skip_lines):
        behind = line_at(text, at, "any")[1]
        line += behind > at and (text[behind - 1:behind] in (LF, CR))
        at = behind
    newline = first_line_end(text[at:], d) if d.newline == "auto" else d.newline
    whole = text[:at] + without_footer(text[at:], d.footer, newline)
    records = []
    while at < len(whole):
        end, behind = line_at(whole, at, newline)
        first_line = Record()
        first_line.bad, first_line.end, first_line.behind = True, end, behind
        if d.comment and whole.startswith(d.comment, at):
            line += count_lines(whole[at:behind], newline)
            at = behind
            continue
        marker = whole[at:]
        if d.text and marker.startswith(b"\\.") and (len(marker) == 2 or marker[2:3] in (LF, CR)):
            break
        record = read_record(whole, at, d, newline)
        has_too_many = d.lines_max and count_lines(whole[at:record.behind], newline) > d.lines_max
        if (record.open and d.cuts) or has_too_many:
            if not d.cuts:
                raise TooManyLines()
            record = first_line
        records.append({"line": line + 1, "byte": at, "ends_blank": record.ends_blank,
                        "fields": None if record.bad or record.open else record.fields})
        line += count_lines(whole[at:record.behind], newline)
        at = record.behind
    return records


def draw_text(draw, d):
    """Pieces that matter to a dialect, mostly in the shape of records."""
    specials = [d.delimiter, d.delimiter, d.quote, d.escape, LF, CR, CR + LF, d.comment, b"\\.", b"\\N",
                d.null, b"\\", b"#", b"\\n", b"\\x4", b"\\12", d.delimiter[:1], d.delimiter[-1:],
                d.escape + d.delimiter, d.escape + LF, d.escape + CR + LF, d.quote * 2]
    plain = [b"a", b"bb", b"1", b" ", b"nil", b"x" * draw.randrange(1, 80), "\u00e9\u20ac".encode()]
    end = {"lf": LF, "crlf": CR + LF, "cr": CR}.get(d.newline) or draw.choice([LF, LF, CR + LF, CR])

    def value():
        pieces = [draw.choice(plain) for _ in range(draw.randrange(0, 4))]
        if draw.randrange(6) == 0:
            pieces.insert(draw.randrange(len(pieces) + 1), draw.choice(specials))
        text = b"".join(pieces)
        if d.quote and draw.randrange(3) == 0:
            inner = [draw.choice(plain + [LF, end, d.delimiter, d.quote * 2 if d.escape == d.quote
                                          else d.escape + d.quote]) for _ in range(3)]
            return d.quote + b"".join(inner) + d.quote
        return text

    text = b""
    for _ in range(draw.randrange(1, 12)):
        shape = draw.randrange(20)
        if shape == 0:
            text += b"".join(draw.choice(plain + specials) for _ in range(draw.randrange(1, 12)))
        elif shape == 1 and d.comment:
            text += d.comment + draw.choice([b"", b" it's 5\" long", d.delimiter + d.quote]) + end
        elif shape == 2:
            text += end
        else:
            text += d.delimiter.join(value() for _ in range(draw.randrange(1, 4)))
            text += draw.choice([LF, CR, CR + LF]) if d.newline == "any" else end
    if draw.randrange(5) == 0 and text.endswith(end):
        text = text[:-len(end)]
    if d.text and draw.randrange(6) == 0:
        text += b"\\." + end + b"what is behind" + end
    return text


def dialect_is_sound(d):
    """What defect_of() would refuse is not drawn."""
    for other in (d.quote, d.escape):
        if other and other in d.delimiter:
            return False
    if d.everywhere and d.delimiter == b"aba":
        return False
    if d.comment and (d.delimiter.startswith(d.comment) or d.comment.startswith(d.delimiter)):
        return False
    return not (d.null and d.delimiter in d.null)


def main():
    draw = random.Random(int(sys.argv[1]))
    fixed = dict(argument.split("=", 1) for argument in sys.argv[3:])
    count = int(sys.argv[2])
    while count > 0:
        d = Dialect(draw, fixed)
        if not dialect_is_sound(d):
            continue
        count -= 1
        text = draw_text(draw, d)
        try:
            records = parse(text, d)
        except TooManyLines:
            records = None
        hexed = None if records is None else [
            {**r, "fields": None if r["fields"] is None else
             [None if f is None else f.hex() for f in r["fields"]]} for r in records]
        print(json.dumps({
            "kind": d.kind, "delimiter": d.delimiter.hex(), "quote": d.quote.decode(),
            "escape": d.escape.decode(), "null": d.null.hex(), "comment": d.comment.hex(),
            "newline": d.newline, "skip_lines": d.skip_lines, "footer": d.footer, "cuts": d.cuts,
            "lines_max": d.lines_max, "text": text.hex(), "records": hexed}))


if __name__ == "__main__":
    main()
