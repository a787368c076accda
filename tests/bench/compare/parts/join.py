"""Several commands that share one file, or many."""

import os
import pathlib
import statistics

from ..clock import timed
from ..loaders import pgsluice
from ..server import Delay
from ..turns import spread
from ..web import Nginx
from .http import direct, ending, url_of

MB_PER_SECOND = 20  # of each command's source
TINY = 2_000  # files


def joining(server, data, *options, path=None):
    """Without --again: what one has loaded the others leave."""
    return [argument for argument in pgsluice(server, data, "--join", *options, path=path) if argument != "--again"]


def measured(bench, data, ways, rows):
    """Wall seconds of each way, in turns."""
    runs = {name: [] for name in ways}
    for _ in range(bench.rounds):
        for name, commands in ways.items():
            data.create(bench.server)
            bench.server.sql("delete from pgsluice.loads", "checkpoint")
            runs[name].append(timed(commands)["wall"])
            stored = int(bench.server.sql(f"select count(*) from {data.name}"))
            if stored != rows:
                raise SystemExit(f"{name}: {stored} rows stored, {rows} expected")
    return runs


def tell(bench, runs, baseline, rows):
    base = statistics.median(runs[baseline])
    bench.page.table(["commands", "rows/s", f"times {baseline}", "spread"],
                     [[name, f"{rows / statistics.median(walls) / 1e3:,.0f} k", f"{base / statistics.median(walls):.2f}", f"{spread(walls):.0%}"]
                      for name, walls in runs.items()])


def here(bench, data):
    """Nothing is gained on one machine, and nothing may be lost."""
    server = bench.server
    ways = {"1 command, 2 connections": [joining(server, data, "--jobs", "2")],
            "2 commands, 1 connection each": [joining(server, data, "--jobs", "1")] * 2}
    bench.page.heading(f"One file of {data.size / 1e6:,.0f} MB, {data.name}", level=3)
    tell(bench, measured(bench, data, ways, data.rows), "1 command, 2 connections", data.rows)


def throttled(bench, data):
    """Each command has its own way to the source, of so many MB/s."""
    server, segment = bench.server, f"{max(1, int(data.size / 32e6))}MB"
    bench.page.heading(f"The same file from web servers, {MB_PER_SECOND} MB/s for each command", level=3)
    with ending(Nginx(data.folder)) as nginx:
        proxies = [Delay("127.0.0.1", nginx.port, 0, MB_PER_SECOND) for _ in range(4)]
        each = [direct(joining(server, data, "--jobs", "1", "--fetch-jobs", "1", "--segment-size", segment, path=url_of(proxy.port, data.path)))
                for proxy in proxies]
        runs = measured(bench, data, {"1 command": each[:1], "2 commands": each[:2], "4 commands": each}, data.rows)
        for proxy in proxies:
            proxy.end()
    bench.page.add(f"Segments of {segment}.")
    bench.page.add()
    tell(bench, runs, "1 command", data.rows)


def claims(bench, data):
    """What it costs to take files by turns."""
    folder = pathlib.Path(data.folder) / "tiny"
    folder.mkdir(exist_ok=True)
    with open(data.path, "rb") as source:
        header = source.readline()
        for number in range(TINY):
            (folder / f"{number:05}.csv").write_bytes(header + source.readline())
    server = bench.server
    plain = [argument for argument in pgsluice(server, data, path=str(folder)) if argument != "--again"]
    ways = {"1 command": [plain], "1 command with --join": [joining(server, data, path=str(folder))],
            "4 commands with --join": [joining(server, data, "--jobs", "1", path=str(folder))] * 4}
    runs = measured(bench, data, ways, TINY)
    alone = statistics.median(runs["1 command"])
    bench.page.heading(f"{TINY:,} files of one row", level=3)
    bench.page.table(["commands", "seconds", "more than one command, ms a file", "spread"],
                     [[name, f"{statistics.median(walls):.2f}", f"{(statistics.median(walls) - alone) / TINY * 1e3:.2f}", f"{spread(walls):.0%}"]
                      for name, walls in runs.items()])


def run(bench):
    data = bench.sets[0]
    here(bench, data)
    throttled(bench, data)
    claims(bench, data)
