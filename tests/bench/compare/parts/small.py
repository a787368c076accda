"""A file of ten rows: what a load costs before its first row."""

import statistics

from ..clock import timed
from ..loaders import PSQL, pgsluice, psql_copy

RUNS = 40  # short ones, whatever the rounds of the others are


def run(bench):
    data, server = bench.sets[0], bench.server
    path = data.first(10, "ten.csv")
    data.create(server)
    commands = {PSQL: psql_copy(server, data, path), "pgsluice": pgsluice(server, data, path=path),
                "pgsluice --no-ledger": pgsluice(server, data, "--no-ledger", path=path)}
    walls = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            server.forget_loads()  # as new to the ledger as the first time
            walls[name].append(timed([command])["wall"])
    medians = {name: statistics.median(runs) for name, runs in walls.items()}
    bench.page.table(["loader", "milliseconds, from start to exit", "times psql's"],
                     [[name, f"{wall * 1e3:.1f}", f"{wall / medians[PSQL]:.2f}"] for name, wall in medians.items()])
