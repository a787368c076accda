"""All rows of a file or none, beside loads that keep what they have committed."""

from ..loaders import PSQL, by_pgsluice, by_psql
from ..turns import measure

WAYS = ["transaction", "prepared", "resumable"]


def run(bench):
    rows = []
    for data in bench.sets:
        flags = [f"--atomic={way}" for way in WAYS]
        loaders = [by_pgsluice(bench.server, data), *(by_pgsluice(bench.server, data, flag) for flag in flags), by_psql(bench.server, data)]
        walls = {name: result["wall"] for name, result in measure(bench.server, data, loaders, bench.rounds).items()}
        plain = walls["pgsluice"]
        ways = [walls[f"pgsluice {flag}"] for flag in flags]
        rows.append([data.name, f"{plain:.2f} s", *(f"{wall:.2f} s ({wall / plain:.2f})" for wall in ways), f"{walls[PSQL]:.2f} s"])
    bench.page.table(["data", "plain load", "--atomic=transaction (of the plain load's time)", *(f"--atomic={way}" for way in WAYS[1:]), "psql \\copy, one transaction"], rows)
