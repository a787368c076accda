#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: which folder may include which (house.py; ARCHITECTURE.md
shows the same table) and how much of lib one may be, how long files and functions may be, how much a class may do in private, that a name that is
declared is used, that SQLSTATEs have names (base/sql_state.hpp), that SQL calls catalogs by their full names and is not glued from
quoted strings (base/sql.hpp), that headers start with #pragma once, that no tab or trailing blank slips in, that links of the pages lead somewhere."""

import pathlib
import re
import sys

import cpp
import house

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
LINES_MAX = 600
FUNCTION_LINES_MAX = 60
PRIVATE_FUNCTIONS_MAX = 15

# what prints: one file escapes what others have written, so that nothing else may
PRINTS = re.compile(r"\bstd::(cout|cerr|clog|puts|printf|fputs|fwrite|print|println)\b|\b(v?f?printf|fputs|puts)\(")
MAY_PRINT = {"app/output.cpp"}

# names that others than we look for: Asio
FOR_OTHERS = {("offload.hpp", "cancellation_slot")}

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
        if folder not in ("tests", "examples") and str(where) not in MAY_PRINT and PRINTS.search(line):
            yield f"{where}:{number}: only app/output.cpp prints"
    if folder in ("tests", "examples"):
        return
    yield from complaints_about_code(path, text, where)
    yield from complaints_about_sql(text, where)
    yield from complaints_about_glue(text, where, folder)
    for number, mark, header in house.includes(path):
        for pattern, folders in house.LIBRARIES.items():
            if re.match(pattern, header) and folder not in folders:
                yield f"{where}:{number}: {folder} may not include <{header}>"
        other = house.folder_of_header(header)
        if mark == '"' and other and other != folder and other not in house.MAY_INCLUDE.get(folder, set()):
            yield f"{where}:{number}: {folder} may not include {other}/"


# "22P02", and the first two characters of one where a class is asked for
SQL_STATE = re.compile(r'"(?:[0-9A-Z]{2}[0-9A-Z]{3})"|in_class\("')
NAMES_SQL_STATES = {"lib/base/sql_state.hpp", "lib/base/condition_name.cpp"}
NO_SQL_STATES = {"KOI8R", "KOI8U", "UTF16", "UTF32", "CP866", "CP874", "CP932", "CP950"}


# a relation or function of pg_catalog that is called by its bare name; names of roles, files and extensions are none
CATALOG_NAME = re.compile(r"(?<![\w.'])'?(pg_[a-z_]+)\b(?!')|'(pg_[a-z_]+)'::reg")
NO_CATALOG_NAMES = {"pg_catalog", "pg_temp", "pg_database_owner", "pg_exception_detail", "pg_stat_statements", "pg_dump", "pg_restore", "pg_wal", "pg_monitor", "pg_repack"}


def complaints_about_sql(text, where):
    for first, words in cpp.texts(text):
        for match in CATALOG_NAME.finditer(words):
            name = match.group(1) or match.group(2)
            if name not in NO_CATALOG_NAMES:
                yield f"{where}:{first + words.count(chr(10), 0, match.start())}: {name} without pg_catalog in front"


# who makes SQL of strings that were quoted: literal() and identifier() do that within sql()
QUOTES = re.compile(r"\bquote_(?:literal|identifiers?)\(")
WITHOUT_GLUE = ("ledger", "jobs", "writer", "script", "plan", "schema", "load", "migrate")
MAY_QUOTE = {
    "lib/load/load.cpp": "a message for people",
    "lib/schema/own_schema.cpp": "messages for people",
    "lib/script/placeholders.cpp": "what stands in a file of the user's is quoted as it says",
    "lib/script/secrets.cpp": "looks for a secret in each of its spellings",
    "lib/writer/build_index.cpp": "a message for people",
    "lib/writer/copy_writer.cpp": "the text of a COPY goes into one with data behind it",
    "lib/writer/insert_writer.cpp": "the text has a parameter for each column",
    "lib/writer/merge_writer.cpp": "as copy_writer.cpp and merge.cpp",
}


def complaints_about_glue(text, where, folder):
    code = cpp.without_texts(text)
    if folder in WITHOUT_GLUE and str(where) not in MAY_QUOTE and (found := QUOTES.search(code)):
        yield f"{where}:{code.count(chr(10), 0, found.start()) + 1}: SQL from a quoted string: sql() takes literal() and identifier()"
    if folder in WITHOUT_GLUE and str(where) in MAY_QUOTE and not QUOTES.search(code):
        yield f"tests/tidy/tidy.py: {where} quotes nothing any more"
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "Sql::trusted(" in line and folder != "base" and not any("//" in l for l in lines[max(0, number - 3):number + 1]):
            yield f"{where}:{number + 1}: Sql::trusted() without a comment that says why"


def complaints_about_code(path, text, where):
    for first, lines in cpp.functions(text):
        if lines > FUNCTION_LINES_MAX:
            yield f"{where}:{first}: a function of {lines} lines, more than {FUNCTION_LINES_MAX}"
    if path.suffix == ".hpp":
        for name, count in cpp.private_functions(cpp.without_texts(text)):
            if count > PRIVATE_FUNCTIONS_MAX:
                yield f"{where}: {name} has {count} private functions, more than {PRIVATE_FUNCTIONS_MAX}"
    if str(where) in NAMES_SQL_STATES:
        return
    for number, line in enumerate(text.split("\n"), 1):
        for found in SQL_STATE.findall(line):
            if found.strip('"') not in NO_SQL_STATES and re.search(r"\d|in_class", found):
                yield f"{where}:{number}: {found}: an SQLSTATE without its name (base/sql_state.hpp)"


def complaints_about_names(files):
    names = cpp.Names({path: cpp.without_texts(path.read_text(encoding="utf-8")) for path in files})
    for path in files:
        if path.suffix == ".hpp" and path.relative_to(ROOT).parts[0] in ("lib", "app"):
            for name in names.unused(path):
                if not (path.name, name) in FOR_OTHERS:
                    yield f"{path.relative_to(ROOT)}: {name} is used nowhere"


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
    for name, share in house.shares(ROOT).items():
        if share > house.SHARE_MAX:
            yield f"lib/{name}: {share:.1%} of lib's lines, more than an eighth"


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def complaints_about_links():
    for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
            for link in LINK.findall(line):
                if not (page.parent / link).exists():
                    yield f"{page.relative_to(ROOT)}:{number}: {link} is not there"


def main():
    files = [p for top in ("lib", "app", "examples", "tests") for p in sorted((ROOT / top).rglob("*")) if p.suffix in (".hpp", ".cpp")]
    found = [complaint for path in files for complaint in complaints_about(path)]
    found += complaints_about_the_house()
    found += complaints_about_names(files)
    found += complaints_about_links()
    for complaint in found:
        print(complaint)
    print(f"{len(files)} files, {len(found)} complaints")
    return 1 if found or not files else 0


sys.exit(main())
