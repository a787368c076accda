"""All rows of a file or none, beside loads that keep what they have committed."""

from ..loaders import PSQL, by_pgsluice, by_psql
from ..turns import measure


def run(bench):
    rows = []
    for data in bench.sets:
        loaders = [by_pgsluice(bench.server, data), by_pgsluice(bench.server, data, "--atomic"), by_psql(bench.server, data)]
        walls = {name: result["wall"] for name, result in measure(bench.server, data, loaders, bench.rounds).items()}
        plain, atomic = walls["pgsluice"], walls["pgsluice --atomic"]
        rows.append([data.name, f"{plain:.2f} s", f"{atomic:.2f} s", f"{atomic / plain:.2f}", f"{walls[PSQL]:.2f} s"])
    bench.page.table(["data", "plain load", "--atomic", "its time, of the plain load's", "psql \\copy, one transaction"], rows)
