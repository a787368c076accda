"""A server that is 20 ms away, there and back."""

from ..loaders import Loader, pgsluice, psql_copy
from ..server import Distance
from ..turns import measure


def run(bench):
    page, server = bench.page, bench.server
    page.add("Through a proxy on this machine that delays each byte, and takes its share of the two cores; "
             "the ratio is to pgsluice through the same proxy without delay.")
    page.add()
    for data in bench.sets:
        near, far = Distance(server, 0), Distance(server, 10)
        loaders = [
            Loader("psql \\copy, 0 ms", [psql_copy(server, data, data.path, near.url)]),
            Loader("psql \\copy, 20 ms", [psql_copy(server, data, data.path, far.url)]),
            Loader("pgsluice, 0 ms", [pgsluice(server, data, url=near.url)]),
            Loader("pgsluice, 20 ms", [pgsluice(server, data, url=far.url)]),
        ]
        results = measure(server, data, loaders, bench.rounds)
        near.end()
        far.end()
        page.heading(data.name, level=3)
        page.loaders(results, results["psql \\copy, 0 ms"]["rate"])
        page.add(f"At 20 ms pgsluice keeps {results['pgsluice, 20 ms']['rate'] / results['pgsluice, 0 ms']['rate'] * 100:.0f} % of its rate.")
        page.add()
