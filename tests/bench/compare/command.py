"""The command's flags, and the run from the build to the page."""

import argparse
import os
import shutil
import sys
import tempfile
import textwrap
import traceback

from . import duckdb, paths
from .clock import timed
from .data import ROWS, Data
from .loaders import pgsluice
from .page import Page
from .part import Bench
from .parts import PARTS
from .server import Server

ABOUT = """\
Loads the same files with pgsluice and with its peers, in turns, and writes docs/benchmarks.

    script/bench [--scale F] [--rounds N] [--sets narrow,lineitem,...] [--parts main,keys,...] [--write]
    script/bench --against PROGRAM [--scale F] [--rounds N] [--sets narrow,lineitem,...]

Starts a private PostgreSQL (default durability: fsync and synchronous_commit on) and stops it at the end. Each run loads into
an empty table behind a CHECKPOINT, and its row count is checked. A round runs each loader once; medians are over the rounds.
Client and server share the machine's cores, so the figures are of one machine only: look at the ratios.

Peers that are not installed are left out: psql always is there; pgloader (apt), pg_bulkload and timescaledb-parallel-copy. DuckDB is
one for the parts inspect and parse, where --duckdb says a folder.
--write puts the tables into docs/benchmarks/README.md and the chart into docs/benchmarks/throughput.svg; with --parts those take the
place of theirs, and say so.
"""
BY_PARTS = [part.name for part in PARTS if not part.flag]


def about_parts():
    """The table as the help shows it."""
    lines = ["parts, in the order of the page:"]
    for part in PARTS:
        name = part.name if not part.flag else f"({part.flag})"
        alone = f" Only with {' and '.join(part.sets)}." if part.sets else ""
        text = f"{part.measures}{alone} Writes {part.writes}."
        lines += textwrap.wrap(text, 125, initial_indent=f"  {name:<13}", subsequent_indent=" " * 15)
    return "\n".join(lines)


def names_among(known, what):
    """The type of a flag that takes several names with commas: says which are none, and what there is."""
    def names(text):
        given = [name.strip() for name in text.split(",")]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {what} is named {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
        return given
    return names


def part_names(text):
    flags = {part.name: part.flag for part in PARTS if part.flag}
    for name in text.split(","):
        if name.strip() in flags:
            raise argparse.ArgumentTypeError(f"{name.strip()!r} is asked for by {flags[name.strip()]}, and is then measured alone")
    return names_among(BY_PARTS, "part")(text)


def above_zero(number):
    def checked(text):
        value = number(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value
    checked.__name__ = number.__name__  # argparse names the type of what is no number at all
    return checked


def program(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"{text} is no program that can be run; give the path of another build's pgsluice")
    return text


def flags():
    parser = argparse.ArgumentParser(description=ABOUT, epilog=about_parts(), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=above_zero(float), default=1.0,
                        help="of the numbers of rows: " + ", ".join(f"{n} {r:,}" for n, r in ROWS.items()))
    parser.add_argument("--rounds", type=above_zero(int), default=5)
    parser.add_argument("--sets", type=names_among(list(ROWS), "data set"), default=list(ROWS), help=f"default: {','.join(ROWS)}")
    parser.add_argument("--parts", type=part_names, default=BY_PARTS, help=f"default: {','.join(BY_PARTS)}")
    parser.add_argument("--against", metavar="PROGRAM", type=program, help="another build's pgsluice, to compare with: only that is measured")
    parser.add_argument("--duckdb", metavar="FOLDER", help="where npm's @duckdb/node-api is, or is to be fetched to")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def title(args, server):
    words = ["script/bench"]
    words += [f"--scale {args.scale:g}"] if args.scale != 1 else []
    words += [f"--rounds {args.rounds}"] if args.rounds != 5 else []
    words += [f"--parts {','.join(args.parts)}"] if args.parts != BY_PARTS else []
    return f"`{' '.join(words)}` on {server.machine()} Medians of {args.rounds} interleaved rounds."


def measure_parts(names, args, server, page, folder):
    sets = [Data(name, int(ROWS[name] * args.scale), folder) for name in args.sets]
    # The ledger's tables are made once in a database's life.
    sets[0].create(server)
    timed([pgsluice(server, sets[0], "--limit", "1")])
    page.add(title(args, server))
    page.add()
    bench = Bench(server, page, sets, args.rounds, folder, args.against, args.scale,
                  args.duckdb and duckdb.fetch(args.duckdb))
    failed = [part.name for part in PARTS if part.name in names and not measured(part, bench)]
    if failed:
        print(f"bench: not measured: {', '.join(failed)}", file=sys.stderr)
    return failed


def measured(part, bench):
    """What one part meets is no reason to lose the others, which took half an hour."""
    lines = len(bench.page.lines)
    try:
        part.run(bench)
        return True
    except (Exception, SystemExit):
        traceback.print_exc()
        del bench.page.lines[lines:]
        return False


def main():
    args = flags()
    paths.build()
    page = Page()
    with tempfile.TemporaryDirectory(prefix="pgsluice-bench.") as folder:
        os.chmod(folder, 0o755)
        server = Server(os.path.join(folder, "server"))
        try:
            failed = measure_parts(["against"] if args.against else args.parts, args, server, page, folder)
        finally:
            server.stop()
    if args.write:
        page.write([part.heading for part in PARTS], args.parts == BY_PARTS and not args.against and not failed)
    return 1 if failed else 0
