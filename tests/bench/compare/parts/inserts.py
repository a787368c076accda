"""Ways to INSERT rows, near and far; the narrow set's, in memory beforehand but for the last table."""

import statistics
import subprocess

from ..clock import timed_by_itself
from ..loaders import PSQL, by_pgsluice, by_psql
from ..paths import BUILD, ROOT
from ..server import Distance
from ..turns import measure


def by_drivers(url, csv):
    """executemany of those drivers of Python's that are installed."""
    ways = {}
    for driver in ("asyncpg", "psycopg"):
        python = next((p for p in ("python3", "/usr/bin/python3")  # Debian's own has Debian's packages
                       if subprocess.run([p, "-c", f"import {driver}"], capture_output=True).returncode == 0), None)
        if python:
            ways[f"{driver} executemany"] = [python, str(ROOT / "tests/bench/executemany.py"), url, driver, csv]
    return ways


def ways_to_insert(near, far, csv):
    way = lambda url, kind, rows, connections=1: [str(BUILD / "bench_strategies"), url, kind, str(rows), str(connections)]
    return {
        "one by one": way(near, "one-by-one", 5_000),
        "pipelined, single rows": way(near, "pipelined", 200_000),
        "pool.executemany, a plain INSERT": way(near, "executemany", 500_000),
        "arrays of encoded rows (--writer insert)": way(near, "arrays", 500_000),
        **by_drivers(near, csv),
        "20 ms: one by one": way(far, "one-by-one", 100),
        "20 ms: one by one, 8 connections": way(far, "one-by-one", 800, 8),
        "20 ms: pipelined, single rows": way(far, "pipelined", 200_000),
        "20 ms: pool.executemany": way(far, "executemany", 500_000),
        "20 ms: arrays of encoded rows": way(far, "arrays", 500_000),
    }


def run(bench):
    data, page, server = bench.sets[0], bench.page, bench.server
    far = Distance(server, 10)
    ways = ways_to_insert(server.url, far.url, data.first(100_000, "executemany.csv"))
    rates = {name: [] for name in ways}
    for _ in range(bench.rounds):
        for name, command in ways.items():
            data.create(server)
            wall = timed_by_itself(command)["wall"]
            rates[name].append(int(server.sql(f"select count(*) from {data.name}")) / wall)
    far.end()
    rates = {name: statistics.median(values) for name, values in rates.items()}
    page.add("Rows of the narrow set, in memory beforehand; one connection unless said; table without index.")
    page.add()
    base = lambda name: rates["20 ms: one by one" if name.startswith("20 ms") else "one by one"]
    page.table(["way", "rows/s", "times one by one at the same distance"],
               [[name, f"{rate:,.0f}", f"{rate / base(name):,.1f}"] for name, rate in rates.items()])
    page.add("From the CSV:")
    page.add()
    loaders = [by_psql(server, data), by_pgsluice(server, data, "--writer", "insert", "--jobs", "2"), by_pgsluice(server, data, "--jobs", "2")]
    results = measure(server, data, loaders, bench.rounds)
    page.loaders(results, results[PSQL]["rate"])
