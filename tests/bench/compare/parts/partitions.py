"""A partitioned table: rows in the order of its key, and in any order."""

import random

from ..loaders import PSQL, by_pgsluice, by_psql
from ..turns import measure

PARTITIONS = 64


class Partitioned:
    """The data set's table in parts of equal ranges of its first column; and its file, or a shuffled one."""

    def __init__(self, server, data, shuffled):
        self.data, self.name, self.rows, self.size, self.folder = data, data.name, data.rows, data.size, data.folder
        self.path = self.shuffle() if shuffled else data.path
        # Loaded once to be asked for the borders.
        data.create(server)
        server.sql(f"\\copy {data.name} from '{data.path}' (format csv, header)")
        self.first = data.columns.split()[0]
        ranks = ", ".join(f"{n / PARTITIONS}" for n in range(1, PARTITIONS))
        borders = server.sql(f"select unnest(percentile_disc(array[{ranks}]) within group (order by {self.first})) from {data.name}").split("\n")
        self.borders = [f"'{border}'" for border in dict.fromkeys(borders)]

    def shuffle(self):
        path = f"{self.folder}/{self.name}.shuffled.csv"
        with open(self.data.path, "rb") as source, open(path, "wb") as out:
            out.write(source.readline())
            lines = source.readlines()
            random.Random(1).shuffle(lines)
            out.writelines(lines)
        return path

    def slice(self):
        return self.data.slice()

    def create(self, server):
        edges = ["minvalue", *self.borders, "maxvalue"]
        parts = [f"create table {self.name}_{n} partition of {self.name} for values from ({low}) to ({high})"
                 for n, (low, high) in enumerate(zip(edges, edges[1:]))]
        server.sql("set client_min_messages = warning", f"drop table if exists {self.name}",
                   f"create table {self.name} ({self.data.columns}) partition by range ({self.first})", *parts)


def run(bench):
    for data in bench.sets:
        for shuffled in (False, True):
            table = Partitioned(bench.server, data, shuffled)
            loaders = [by_psql(bench.server, table), by_pgsluice(bench.server, table)]
            results = measure(bench.server, table, loaders, bench.rounds)
            bench.page.heading(f"{data.name}, {len(table.borders) + 1} range partitions, rows in {'random order' if shuffled else 'their order'}", level=3)
            bench.page.loaders(results, results[PSQL]["rate"])
        bench.server.sql("set client_min_messages = warning", f"drop table if exists {data.name}")
