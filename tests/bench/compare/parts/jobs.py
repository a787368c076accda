"""How many connections: what the load finds out by itself, beside fixed numbers."""

import os
import shutil

from ..loaders import Loader, pgsluice
from ..server import Distance
from ..turns import measure

LONG = 10  # times the data set: a load that is long enough to find something out
FIXED = (1, 2, 3, 4, 8)


class Long:
    """The data set several times over, as one file."""

    def __init__(self, data):
        self.data, self.name, self.folder = data, data.name, data.folder
        self.rows = data.rows * LONG
        self.path = os.path.join(data.folder, f"{data.name}.long.csv")
        with open(self.path, "wb") as out:
            for _ in range(LONG):
                with open(data.path, "rb") as source:
                    header = source.readline()
                    if out.tell() == 0:
                        out.write(header)
                    shutil.copyfileobj(source, out)
        self.size = os.path.getsize(self.path)

    def create(self, server):
        self.data.create(server)


def run(bench):
    server = bench.server
    for data in bench.sets:
        long = Long(data)
        for name, half in (("here", 0), ("20 ms away", 10)):
            far = Distance(server, half) if half else None
            url = far.url if far else server.url
            loaders = [Loader(f"--jobs {jobs}", [pgsluice(server, long, "--jobs", str(jobs), url=url)]) for jobs in FIXED]
            loaders.append(Loader("as it finds out", [pgsluice(server, long, url=url)]))
            results = measure(server, long, loaders, bench.rounds)
            if far:
                far.end()
            best = max((results[loader.name]["rate"], loader.name) for loader in loaders[:-1])
            bench.page.heading(f"{long.rows:,} rows of {data.name}, {long.size / 1e6:,.0f} MB, {name}", level=3)
            bench.page.loaders(results, results["--jobs 2"]["rate"], "times --jobs 2")
            bench.page.add(f"What it finds out is {results['as it finds out']['rate'] / best[0]:.2f} times the best fixed number's rate ({best[1]}).")
            bench.page.add()
        os.remove(long.path)
