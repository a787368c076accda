"""A table whose primary key is there during the load."""

from ..loaders import PSQL, by_pgsluice, by_psql
from ..turns import measure


def run(bench):
    for data in bench.sets:
        loaders = [by_psql(bench.server, data), by_pgsluice(bench.server, data)]
        results = measure(bench.server, data, loaders, bench.rounds, key=True)
        bench.page.heading(data.name, level=3)
        bench.page.loaders(results, results[PSQL]["rate"])
