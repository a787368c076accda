"""A table without index: psql, its peers, pgsluice, and what the server takes at most."""

from ..data import SLOW_ROWS
from ..loaders import PSQL, Loader, by_pgsluice, by_psql, peers, psql_copy
from ..paths import BUILD
from ..turns import measure

FLOOR = "floor: batches from memory, 2 connections"


def run(bench):
    page, server = bench.page, bench.server
    page.add("Spread is the slowest run minus the fastest, of the median. pgloader loads a slice of "
             f"{SLOW_ROWS // 1000:,} k rows. The floor is what the server takes: the same batches, encoded beforehand, sent over 2 connections.")
    page.add()
    for data in bench.sets:
        first, second = data.halves()
        loaders = [
            by_psql(server, data),
            Loader(FLOOR, [[str(BUILD / "bench_floor"), server.url, data.name, data.path, "2"]], prints_seconds=True),
            Loader("2 x psql \\copy, file split beforehand", [psql_copy(server, data, first), psql_copy(server, data, second)]),
            *peers(server, data),
            by_pgsluice(server, data, "--jobs", "1"),
            by_pgsluice(server, data),
        ]
        results = measure(server, data, loaders, bench.rounds)
        base, ours = results[PSQL], results["pgsluice"]
        page.heading(f"{data.name}: {data.rows:,} rows, {data.size / 1e6:.0f} MB", level=3)
        page.loaders(results, base["rate"])
        cpu = (ours["cpu_us"] + ours["server_us"]) / (base["cpu_us"] + base["server_us"])
        page.add(f"pgsluice reaches {ours['rate'] / results[FLOOR]['rate'] * 100:.0f} % of the floor. "
                 f"Client and server together use {cpu:.2f} times the CPU of psql's.")
        page.add()
        page.charted[data.name] = {name: r["rate"] / base["rate"] for name, r in results.items() if name != FLOOR}
