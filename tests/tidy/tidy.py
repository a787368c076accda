#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: which folder may include which (house.py; ARCHITECTURE.md
shows the same table), how long a file may be, that headers start with #pragma once, that no tab or trailing blank slips
in."""

import pathlib
import re
import sys

import house

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
LINES_MAX = 600

# what prints: one file escapes what others have written, so that nothing else may
PRINTS = re.compile(r"\bstd::(cout|cerr|clog|puts|printf|fputs|fwrite|print|println)\b|\b(v?f?printf|fputs|puts)\(")
MAY_PRINT = {"app/output.cpp"}

def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "lib" else parts[0]


def complaints_about(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    folder = folder_of(path)
    where = path.relative_to(ROOT)
    if len(lines) > LINES_MAX:
        yield f"{where}: {len(lines)} lines, more than {LINES_MAX}"
    if path.suffix == ".hpp" and not text.startswith("#pragma once"):
        yield f"{where}:1: a header begins with #pragma once"
    for number, line in enumerate(lines, 1):
        if "\t" in line or line != line.rstrip():
            yield f"{where}:{number}: tab or trailing blank"
        if folder != "tests" and str(where) not in MAY_PRINT and PRINTS.search(line):
            yield f"{where}:{number}: only app/output.cpp prints"
    if folder == "tests":
        return
    for number, mark, header in house.includes(path):
        for pattern, folders in house.LIBRARIES.items():
            if re.match(pattern, header) and folder not in folders:
                yield f"{where}:{number}: {folder} may not include <{header}>"
        other = house.folder_of_header(header)
        if mark == '"' and other and other != folder and other not in house.MAY_INCLUDE.get(folder, set()):
            yield f"{where}:{number}: {folder} may not include {other}/"


def complaints_about_the_house():
    if circle := house.circle(house.MAY_INCLUDE):
        yield "tests/tidy/house.py: folders include each other in a circle: " + " -> ".join(circle)
        return
    shown = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    if "\n".join(house.table()) not in shown:
        yield "ARCHITECTURE.md: its table of includes is not the one of tests/tidy/house.py: script/include-graph --table"
    used = house.graph(ROOT)
    for name, others in house.MAY_INCLUDE.items():
        for other in sorted(others - used.get(name, set()) if name != "app" else ()):
            yield f"tests/tidy/house.py: {name} may include {other}/, and does not"


def main():
    files = [p for top in ("lib", "app", "tests") for p in sorted((ROOT / top).rglob("*")) if p.suffix in (".hpp", ".cpp")]
    found = [complaint for path in files for complaint in complaints_about(path)]
    found += complaints_about_the_house()
    for complaint in found:
        print(complaint)
    print(f"{len(files)} files, {len(found)} complaints")
    return 1 if found or not files else 0


sys.exit(main())
