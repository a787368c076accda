"""Bad records: what a file with some costs more than a good one."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

from ..loaders import pgsluice

EVERY = (10_000, 1_000, 100)  # one record in so many is bad
GOOD = "all good"


def spoilt(data, name, spoil, every):
    """The file with one record in so many made bad; `spoil` is given the one before it too."""
    path = os.path.join(data.folder, f"{data.name}.{name}{every}.csv")
    before = b""
    with open(data.path, "rb") as source, open(path, "wb") as out:
        for number, line in enumerate(source):
            out.write(spoil(line, before) if number % every == every // 2 else line)
            before = line
    return path


def with_value(field, value):
    return lambda line, before: b",".join([*line.rstrip(b"\n").split(b",")[:field], value, *line.rstrip(b"\n").split(b",")[field + 1:]]) + b"\n"


def kinds_of(data):
    """What is bad: by its name the constraints of the table, and how a record is spoilt. The last value is a number, the second names a
    row of another table."""
    names = [column.split()[0] for column in data.columns.split(", ")]
    last, second = names[-1], names[1]
    judged = f"alter table {data.name} alter {last} set not null, add check ({last} > -1e8)"
    referred = (f"drop table if exists referred cascade; create table referred (id int primary key); insert into referred select "
                f"generate_series(0, 100000); alter table {data.name} add foreign key ({second}) references referred")
    return {
        "a value that is no number": (judged, with_value(len(names) - 1, b"12x")),
        "NULL in a NOT NULL column": (judged, with_value(len(names) - 1, b"")),
        "a CHECK that fails": (judged, with_value(len(names) - 1, b"-1e9")),
        "a key that comes twice": (f"alter table {data.name} add primary key ({data.key})", lambda line, before: before),
        "a reference to nothing": (referred, with_value(1, b"999999999")),
    }


def load(server, data, constraints, path, is_good):
    """Seconds and rejects. Not turns.measure: the rows are fewer than the file's, and the table has constraints."""
    data.create(server)
    server.sql(constraints, "checkpoint")
    for old in pathlib.Path(data.folder).glob("rejects*"):
        old.unlink()
    rejects = os.path.join(data.folder, "rejects.csv")
    command = pgsluice(server, data, "--max-rejects", "1000000", "--rejects", rejects, path=path)
    began = time.monotonic()
    code = subprocess.run(command).returncode
    wall = time.monotonic() - began
    count = data.rows - int(server.sql(f"select count(*) from {data.name}"))
    if code not in (0, 3) or (count > 0) == is_good:
        sys.exit(f"{constraints}: exit code {code}, {count} rejects")
    return wall, count


def run(bench):
    data, page = bench.sets[0], bench.page
    rows = []
    for kind, (constraints, spoil) in kinds_of(data).items():
        paths = {GOOD: data.path, **{every: spoilt(data, "bad", spoil, every) for every in EVERY}}
        walls = {share: [] for share in paths}
        for _ in range(bench.rounds):
            for share, path in paths.items():
                walls[share].append(load(bench.server, data, constraints, path, share == GOOD)[0])
        medians = {share: statistics.median(times) for share, times in walls.items()}
        rows.append([kind, f"{data.rows / medians[GOOD] / 1e3:,.0f} k", *(f"{medians[every] / medians[GOOD]:.2f}" for every in EVERY)])
    page.add(f"{data.name}: the time of a file in which one record in 10,000, 1,000 or 100 is bad, of the time of a good one into the same table. "
             "Each bad one is rejected with its reason.")
    page.add()
    page.table(["bad records", "a good file's rows/s", *(f"one in {every:,}" for every in EVERY)], rows)
