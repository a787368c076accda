"""A table with three indexes, which --defer-indexes makes behind the rows."""

from ..loaders import PSQL, by_pgsluice, by_psql
from ..turns import measure


def run(bench):
    for data in bench.sets:
        loaders = [by_psql(bench.server, data), by_pgsluice(bench.server, data), by_pgsluice(bench.server, data, "--defer-indexes")]
        results = measure(bench.server, data, loaders, max(1, bench.rounds // 2), key=True, indexes=True)
        bench.page.heading(data.name, level=3)
        bench.page.loaders(results, results[PSQL]["rate"])
