"""Where the records of a CSV file begin: written from the rules, and not from the program.

places.py FILE SKIPPED_LINES: for each record behind the header its first value, its line and its
number, with blanks between. A line ends with LF, one that begins with # is a comment, and a quote turns what is quoted round.
"""

import sys


def records(text, skipped):
    at, line, found = 0, 1, []
    for _ in range(skipped):
        at, line = text.index("\n", at) + 1, line + 1
    while at < len(text):
        if text.startswith("#", at):
            at, line = text.index("\n", at) + 1, line + 1
            continue
        begin, first, quoted = at, line, False
        while at < len(text) and (quoted or text[at] != "\n"):
            quoted ^= text[at] == '"'
            line += text[at] == "\n"
            at += 1
        found.append((text[begin:at].split(",")[0].strip('"'), first))
        at, line = at + 1, line + 1
    return found[1:]


with open(sys.argv[1], encoding="utf-8", newline="") as file:
    content = file.read()
for number, (value, line) in enumerate(records(content, int(sys.argv[2])), 1):
    print(value, line, number)
