"""The same loads by another build, in turns. Each has a database of its own, so that their ledgers are their own."""

import os
import statistics

from ..clock import timed
from ..loaders import PSQL, pgsluice, psql_copy
from ..paths import PROGRAM
from ..turns import spread

OURS, OTHER = "this build", "the other build"
SMALL_ROUNDS = 60  # of a file of ten rows, whatever the rounds of the others are


class Build:
    """A program with its database; psql is one too."""

    def __init__(self, server, program):
        self.server, self.program = server, program

    def command(self, data, path):
        if self.program is None:
            return psql_copy(self.server, data, path)
        return pgsluice(self.server, data, path=path, program=self.program)

    def make_new(self, data):
        data.create(self.server)
        self.server.sql("checkpoint")

    def forget(self):
        """As new to the ledger as the first time."""
        if self.program is not None:
            self.server.sql("delete from pgsluice.loads")


def walls_of(builds, data, path, rounds, new_table):
    """Seconds of each build's runs. The first ones do not count: they make what is made once in a database's life."""
    for build in builds.values():
        build.make_new(data)
        timed([build.command(data, path)])
    walls = {name: [] for name in builds}
    for _ in range(rounds):
        for name, build in builds.items():
            if new_table:
                build.make_new(data)
            build.forget()
            walls[name].append(timed([build.command(data, path)])["wall"])
    return walls


def run(bench):
    programs = {PSQL: None, OURS: PROGRAM, OTHER: bench.against}
    builds = {name: Build(bench.server.database(f"against{number}"), program) for number, (name, program) in enumerate(programs.items())}
    small = walls_of(builds, bench.sets[0], bench.sets[0].first(10, "ten.csv"), SMALL_ROUNDS, new_table=False)
    runs = {"ten.csv": small}
    for data in bench.sets:
        runs[os.path.basename(data.path)] = walls_of(builds, data, data.path, bench.rounds, new_table=True)
    rows = []
    for file, walls in runs.items():
        medians = {name: statistics.median(times) for name, times in walls.items()}
        rows += [[file, name, f"{median:.4f}", f"{median / medians[PSQL]:.3f}", f"{median / medians[OTHER]:.3f}", f"{spread(walls[name]):.0%}"]
                 for name, median in medians.items()]
    bench.page.table(["file", "build", "median seconds", "times psql's", "times the other's", "spread"], rows)
