"""Files looked at to their end: by pgsluice inspect, beside DuckDB's summarize; and load --create, which looks before it loads."""

import statistics

from ..clock import timed
from ..duckdb import summarize
from ..loaders import pgsluice
from ..paths import PROGRAM
from ..turns import spread


def looks(bench):
    """Who looks at the files, and how."""
    ways = {"pgsluice inspect": lambda data: [PROGRAM, "inspect", data.path]}
    if bench.duckdb:
        ways["DuckDB summarize"] = lambda data: summarize(bench.duckdb, data.path)
    return ways


def loads(bench):
    """What loads the files: into a table that is there, and into one that is made."""
    return {"load": lambda data: pgsluice(bench.server, data),
            "load --create": lambda data: pgsluice(bench.server, data, "--create")}


def run(bench):
    runs = {}
    for _ in range(bench.rounds):
        for data in bench.sets:
            for name, command in looks(bench).items():
                runs.setdefault((data.name, name), []).append(timed([command(data)]))
            for name, command in loads(bench).items():
                if name == "load":
                    data.create(bench.server)
                else:
                    bench.server.sql("set client_min_messages = warning", f"drop table if exists {data.name}")
                bench.server.sql("checkpoint")
                runs.setdefault((data.name, name), []).append(timed([command(data)]))
                stored = int(bench.server.sql(f"select count(*) from {data.name}"))
                assert stored == data.rows, f"{name}: {stored} rows stored, {data.rows} expected"
    write(bench, runs)


def write(bench, runs):
    lines = []
    for data in bench.sets:
        for name in [*looks(bench), *loads(bench)]:
            of = runs[data.name, name]
            beside = runs[data.name, "load" if name.startswith("load") else "pgsluice inspect"]
            wall = statistics.median(run["wall"] for run in of)
            lines.append([data.name, f"`{name}`", f"{wall:.2f}", f"{data.size / wall / 1e6:,.0f}",
                          f"{statistics.median(run['cpu'] for run in of):.2f}", f"{max(run['rss'] for run in of):.0f}",
                          f"{statistics.median(run['wall'] for run in beside) / wall:.2f}", f"{spread([run['wall'] for run in of]):.0%}"])
    bench.page.table(["data", "", "seconds", "MB/s", "CPU s", "MiB", "rate, of inspect's or load's", "spread"], lines)
