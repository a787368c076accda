#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: which folder may include which (ARCHITECTURE.md has the table),
how long a file may be, that headers start with #pragma once, that no tab or trailing blank slips in."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
LINES_MAX = 600

MAY_INCLUDE = {
    "base": {"base"},
    "async": {"async", "base"},
    "csv": {"csv", "base"},
    "source": {"source", "csv", "base"},
    "tuple": {"tuple", "csv", "base"},
    "pg": {"pg", "async", "base"},
    "ledger": {"ledger", "migrate", "pg", "async", "base"},
    "writer": {"writer", "ledger", "tuple", "pg", "csv", "async", "base"},
    "load": {"load", "writer", "source", "ledger", "tuple", "pg", "csv", "async", "base"},
    "schedule": {"schedule", "base"},
    "migrate": {"migrate", "base"},
    "jobs": {"jobs", "schedule", "migrate", "ledger", "pg", "async", "base"},
}
EVERYTHING = set(MAY_INCLUDE)

# header -> folders of lib/ (and "app") that may include it
LIBRARIES = {
    r"libpq-fe\.h": {"pg"},
    r"pqxx/": {"migrate"},
    r"CLI/": {"app"},
    r"boost/": {"async", "pg", "ledger", "writer", "source", "load", "jobs", "app"},
    r"toml\+\+/": {"jobs"},
}

# what prints: one file escapes what others have written, so that nothing else may
PRINTS = re.compile(r"\bstd::(cout|cerr|clog|puts|printf|fputs|fwrite|print|println)\b|\b(v?f?printf|fputs|puts)\(")
MAY_PRINT = {"app/output.cpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


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
        match = INCLUDE.match(line)
        if not match or folder == "tests":
            continue
        target = match.group(2)
        for pattern, folders in LIBRARIES.items():
            if re.match(pattern, target) and folder not in folders:
                yield f"{where}:{number}: {folder} may not include <{target}>"
        if match.group(1) == '"' and "/" in target:
            other = target.split("/")[0]
            allowed = EVERYTHING | {"app"} if folder == "app" else MAY_INCLUDE.get(folder, set())
            if other not in allowed:
                yield f"{where}:{number}: {folder} may not include {other}/"


def main():
    files = [p for top in ("lib", "app", "tests") for p in sorted((ROOT / top).rglob("*")) if p.suffix in (".hpp", ".cpp")]
    found = [complaint for path in files for complaint in complaints_about(path)]
    for complaint in found:
        print(complaint)
    print(f"{len(files)} files, {len(found)} complaints")
    return 1 if found or not files else 0


sys.exit(main())
