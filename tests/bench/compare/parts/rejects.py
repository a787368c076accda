"""Bad records: what a file with some costs more than a good one."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

from ..loaders import pgsluice

EVERY = 10_000  # one record in so many is bad
DENSER = (1_000, 100)
GOOD = "all good"


def spoilt(data, name, spoil, every=EVERY):
    """The file with one record in so many made bad."""
    path = os.path.join(data.folder, f"{data.name}.{name}.csv")
    with open(data.path, "rb") as source, open(path, "wb") as out:
        for number, line in enumerate(source):
            out.write(spoil(line) if number % every == every // 2 else line)
    return path


def files_of(data):
    """By what is bad in them: the last value is."""
    last = data.columns.count(",")
    ended_by = lambda value: lambda line: b",".join(line.split(b",")[:last] + [value] + line.split(b",")[last + 1:])
    return {
        GOOD: data.path,
        "a value that is no number": spoilt(data, "number", ended_by(b"12x\n")),
        "NULL in a NOT NULL column": spoilt(data, "null", ended_by(b"\n")),
        "a CHECK that fails": spoilt(data, "check", ended_by(b"-1e9\n")),
        **{f"a CHECK that fails, one in {every:,}": spoilt(data, f"check{every}", ended_by(b"-1e9\n"), every) for every in DENSER},
    }


def load(server, data, kind, path):
    """Seconds and rejects. Not turns.measure: the rows are fewer than the file's, and the table has constraints."""
    name = data.columns.split(",")[-1].split()[0]
    data.create(server)
    server.sql(f"alter table {data.name} alter {name} set not null, add check ({name} > -1e8)", "checkpoint")
    for old in pathlib.Path(data.folder).glob("rejects*"):
        old.unlink()
    rejects = os.path.join(data.folder, "rejects.csv")
    command = pgsluice(server, data, "--max-rejects", "1000000", "--rejects", rejects, path=path)
    began = time.monotonic()
    code = subprocess.run(command).returncode
    wall = time.monotonic() - began
    count = data.rows - int(server.sql(f"select count(*) from {data.name}"))
    if code not in (0, 3) or (count > 0) != (kind != GOOD):
        sys.exit(f"{kind}: exit code {code}, {count} rejects")
    return wall, count


def run(bench):
    data, page = bench.sets[0], bench.page
    files = files_of(data)
    runs = {kind: [] for kind in files}
    for _ in range(bench.rounds):
        for kind, path in files.items():
            runs[kind].append(load(bench.server, data, kind, path))
    page.add(f"{data.name}, one record in ten thousand is bad where nothing else is said; every one of them is rejected with its reason.")
    page.add()
    walls = {kind: statistics.median(wall for wall, _ in results) for kind, results in runs.items()}
    page.table(["bad records", "how many", "rows/s", "time, of that of a good file"], [
        [kind, f"{runs[kind][0][1]:,}", f"{data.rows / wall / 1e3:,.0f} k", f"{wall / walls[GOOD]:.2f}"] for kind, wall in walls.items()])
