"""Tables of many shapes, each of few bytes: is there one that psql loads faster? The records are drawn from a seed, so that they are
the same in each run; what both have stored is compared."""

import statistics
import sys

from ..clock import timed
from ..loaders import PSQL, Loader, by_pgsluice, by_psql, pgsluice, psql_copy
from ..paths import BUILD
from ..shapes import EXTENSIONS, SHAPES, ShapeData
from ..turns import measure

BYTES = 20_000_000  # of each file, at scale 1
LEAST = 1.1  # times psql; what is under it is named
FLOOR = "floor"
KEPT = "shape_kept"  # the rows, for the floor


def stored(server, data, command):
    """How many rows, and a sum that any of them would change, of the table after a load of its own."""
    data.create(server)
    timed([command])
    return server.sql(f"select count(*), sum(hashtextextended(t::text, 0)) from {data.name} t")


def run(bench):
    server, page = bench.server, bench.page
    available = server.sql("select name from pg_available_extensions").split("\n")
    missing = [name for name in EXTENSIONS if name not in available]
    page.add("Each file is loaded by both once before they are measured, and the tables' contents are compared: a sum of hashes of all rows as texts."
             + (f" Left out, as the server has no such extension: {', '.join(missing)}." if missing else ""))
    page.add()
    page.add("The floor is what the server takes: the same rows in binary, in batches of a chunk, from memory over 2 connections.")
    page.add()
    lines, ratios, floors, reached = [], {}, [], []
    for shape in SHAPES:
        if shape.extension in missing:
            continue
        data = ShapeData(shape, int(BYTES * bench.scale), bench.folder)
        data.prepare(server)
        by_both = {stored(server, data, command) for command in (psql_copy(server, data, data.path), pgsluice(server, data))}
        if len(by_both) != 1 or by_both.pop().split("|")[0] != str(data.rows):
            sys.exit(f"{shape.name}: psql and pgsluice have not stored the same {data.rows} rows")
        server.sql(f"create table {KEPT} as table {data.name}")
        floor = Loader(FLOOR, [[str(BUILD / "bench_floor"), server.url, "--rows-of", KEPT, data.name, "2"]], prints_seconds=True)
        results = measure(server, data, [by_psql(server, data), floor, by_pgsluice(server, data)], bench.rounds)
        base, ours = results[PSQL], results["pgsluice"]
        ratios[shape.name] = ours["rate"] / base["rate"]
        floors.append(results[FLOOR]["rate"] / base["rate"])
        reached.append(ours["rate"] / results[FLOOR]["rate"])
        lines.append([shape.name, f"{data.size / 1e6:.1f} MB", f"{base['rate'] / 1e3:,.1f} k", f"{ours['rate'] / 1e3:,.1f} k",
                      f"{ratios[shape.name]:.2f}", f"{floors[-1]:.2f}", f"{reached[-1]:.0%}", f"{max(base['spread'], ours['spread']):.0%}"])
        server.sql(f"drop table {KEPT}")
        data.drop(server)
    page.table(["shape", "bytes", "psql's rows/s", "pgsluice's rows/s", "times psql", "the floor's", "of the floor", "spread"], lines)
    slow = [f"{name} ({ratio:.2f})" for name, ratio in ratios.items() if ratio < LEAST]
    page.add(f"The median of {len(ratios)} shapes is {statistics.median(ratios.values()):.2f} times psql, the floor's {statistics.median(floors):.2f}; "
             f"pgsluice reaches {statistics.median(reached):.0%} of the floor in the median. "
             + (f"Under {LEAST}: {', '.join(slow)}." if slow else f"None is under {LEAST}."))
    page.add()
