"""Rules for values, and dialects: a file that needs a flag, beside the same records in a file that does not."""

import csv
import os
import statistics

from ..clock import timed
from ..loaders import pgsluice
from ..turns import spread

DATES = ("l_shipdate", "l_commitdate", "l_receiptdate")
DECIMALS = ("l_quantity", "l_extendedprice", "l_discount", "l_tax")


def rewritten(data, suffix, change, header=True, **dialect):
    """The data set's records, each changed, in another file."""
    path = f"{data.path}.{suffix}"
    if os.path.exists(path):
        return path
    with open(data.path, encoding="utf-8", newline="") as source, open(path, "w", encoding="utf-8", newline="") as out:
        records = csv.reader(source)
        names = next(records)
        writer = csv.writer(out, lineterminator="\n", **dialect)
        if header:
            writer.writerow(names)
        for record in records:
            writer.writerow(change(dict(zip(names, record))))
    return path


def joined(data, suffix, delimiter):
    """The records with a delimiter that Python's csv does not know, and without quotes: nothing in them needs any."""
    path = f"{data.path}.{suffix}"
    with open(data.path, encoding="utf-8", newline="") as source, open(path, "w", encoding="utf-8", newline="") as out:
        for record in csv.reader(source):
            out.write(delimiter.join(value.replace("\\", "/").replace(delimiter, " ") for value in record) + "\n")
    return path


def of(columns, change):
    return lambda record: [change(value) if name in columns else value for name, value in record.items()]


def german(value):
    return value.replace(".", ",")


def day_first(value):
    year, month, day = value.split("-")
    return f"{day}/{month}/{year}"


def pairs(data):
    """What is measured: the flags with the file that needs them, and with the one that does not."""
    plain = rewritten(data, "plain", of((), None))
    semicolons = rewritten(data, "semicolons", of((), None), delimiter=";")
    without_comment = rewritten(data, "shorter", lambda record: [value for name, value in record.items() if name != "l_comment"],
                                header=False)
    few = ["--header=none", "--columns", ",".join(name.split(" ")[0] for name in data.columns.split(", ") if not name.startswith("l_comment"))]
    text = ["--format", "text", "--header=match"]
    return {
        "--decimal ,": ((semicolons, ["--delimiter", ";"]),
                        (rewritten(data, "german", of(DECIMALS, german), delimiter=";"), ["--delimiter", ";", "--decimal", ","])),
        "--date-format DD/MM/YYYY": ((plain, []), (rewritten(data, "dates", of(DATES, day_first)), ["--date-format", "DD/MM/YYYY"])),
        "--null of three words": ((plain, []), (plain, ["--null", "", "--null", "N/A", "--null", "null"])),
        "--trim": ((plain, []), (rewritten(data, "blanks", of(("l_shipmode", "l_shipinstruct"), lambda v: f" {v} ")), ["--trim"])),
        "--add": ((without_comment, few), (without_comment, [*few, "--add", "l_comment=:record"])),
        "--delimiter '||'": ((plain, []), (joined(data, "bars", "||"), ["--delimiter", "||"])),
        "--quote none": ((plain, []), (joined(data, "tabs", "\t"), ["--delimiter", r"\t", "--quote", "none"])),
        "--format text": ((plain, []), (joined(data, "text", "\t"), text)),
    }


def run(bench):
    server, page = bench.server, bench.page
    for data in bench.sets:
        walls = {}
        measured = pairs(data)
        for _ in range(bench.rounds):
            for name, ways in measured.items():
                for need, (path, flags) in zip(("without", "with"), ways):
                    data.create(server)
                    server.sql("checkpoint")
                    command = pgsluice(server, data, *flags, path=path)
                    walls.setdefault((name, need), []).append(timed([command])["wall"])
                    stored = int(server.sql(f"select count(*) from {data.name}"))
                    assert stored == data.rows, f"{name}: {stored} rows stored, {data.rows} expected"
        page.add(f"{data.name}: seconds of the file that needs the flag, and of the same records where none does.")
        page.add()
        lines = []
        for name in measured:
            without, needed = walls[name, "without"], walls[name, "with"]
            lines.append([f"`{name}`", f"{statistics.median(needed):.2f}", f"{statistics.median(without):.2f}",
                          f"{statistics.median(without) / statistics.median(needed):.2f}",
                          f"{max(spread(without), spread(needed)):.0%}"])
        page.table(["flag", "with it", "without", "rate, of that without", "spread"], lines)
