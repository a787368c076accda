#!/usr/bin/env python3
"""How many dialects of the corpus are found: files whose makers know how they are read (polluted.py, kinds.py).

    compare.py PGSLUICE [--python] [--duckdb FOLDER] [--wrong] [--keep FOLDER]

Right is an answer by which the same records are loaded, and the same one is the header. Wrong is another answer that is given as
certain; refused are the rest. Of what is no CSV, or can be read in several ways, right is a refusal. Fails where of all files fewer
than 95 % are right, or more than 0.5 % wrong. FOLDER has npm's @duckdb/node-api; what the others answer is shown alone."""

import argparse
import collections
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
import kinds  # noqa: E402
import polluted  # noqa: E402
import sniffers  # noqa: E402
from answers import is_right  # noqa: E402

RIGHT_MIN, WRONG_MAX = 0.95, 0.005
ALL = "all"


def corpus():
    """(part, name, text, encoding, answers) of each file."""
    for name, text, answer, encoding in polluted.files():
        yield "Pollock's kinds", name, text, encoding, [answer] if answer else None
    for part, name, text, answers in kinds.files():
        yield part, name, text, "utf-8", answers


def judge(text, given, answers):
    if answers is None:
        return "right" if given is None else "wrong"
    if given is None:
        return "refused"
    return "right" if any(is_right(text, given, answer) for answer in answers) else "wrong"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--python", action="store_true")
    parser.add_argument("--duckdb")
    parser.add_argument("--wrong", action="store_true", help="name the files that are not right")
    parser.add_argument("--keep", help="write the files there, and leave them")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(args.keep or temporary)
        folder.mkdir(exist_ok=True)
        files = {}
        for number, (part, name, text, encoding, answers) in enumerate(corpus()):
            path = folder / f"{number:04}-{name.replace('/', '_')}.csv"
            path.write_bytes(text.encode(encoding))
            files[str(path)] = (part, text, answers)
        listed = folder / "files.txt"
        listed.write_text("".join(f"{path}\n" for path in files))
        given = {"pgsluice": sniffers.by_pgsluice(args.program, listed)}
        if args.python:
            given["Python"] = {path: sniffers.by_python(text) for path, (_, text, _) in files.items()}
        if args.duckdb:
            given["DuckDB"] = sniffers.by_duckdb(args.duckdb, files)
        sys.exit(int(report(files, given, args.wrong)))


def report(files, given, names_wrong):
    counts = collections.defaultdict(collections.Counter)
    for path, (part, text, answers) in files.items():
        for sniffer, answers_given in given.items():
            verdict = judge(text, answers_given[path], answers)
            counts[part, sniffer][verdict] += 1
            counts[ALL, sniffer][verdict] += 1
            if names_wrong and sniffer == "pgsluice" and verdict != "right":
                print(f"{verdict}: {path}: {answers_given[path]}, not {answers}")
    failed = 0
    for (part, sniffer), count in counts.items():
        total = count.total()
        print(f"| {part} | {total:,} | {sniffer} | {count['right'] / total:.1%} | {count['refused'] / total:.1%} | {count['wrong'] / total:.1%} |")
        failed |= part == ALL and sniffer == "pgsluice" and (count["right"] < RIGHT_MIN * total or count["wrong"] > WRONG_MAX * total)
    return failed


main()
