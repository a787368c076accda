"""SQL over the records: a list, and a condition, beside what psql needs for the same rows."""

import statistics
import sys

from ..clock import timed
from ..loaders import pgsluice
from .upserts import names_of

# A cast and two functions, of columns that become something else; and about half of the records.
SAID = {
    "narrow": ({"id": "id::int", "a": "abs(a::float8)", "b": "floor(b::float8)"}, "id > 50000"),
    "lineitem": ({"l_partkey": "l_partkey::int", "l_shipmode": "lower(l_shipmode)", "l_comment": "upper(trim(l_comment))"}, "l_quantity > 25"),
}


def list_of(data, with_casts):
    """The whole list: what is passed on as it is, in psql's table of texts with its cast."""
    said, _ = SAID[data.name]
    items = []
    for column in data.columns.split(", "):
        name, kind = column.split(" ", 1)
        items.append(f"{said.get(name) or (f'{name}::{kind}' if with_casts else name)} as {name}")
    return ", ".join(items)


def psql(server, *commands):
    return [server.psql, "-X", "-q", server.url, *(part for command in commands for part in ("-c", command))]


def ways_of(server, data):
    texts = ", ".join(f"{name} text" for name in names_of(data))
    copy = f"from '{data.path}' (format csv, header)"
    condition = SAID[data.name][1]
    select = ["--select", list_of(data, False)]
    return {
        "psql: temporary table, INSERT ... SELECT": psql(server, f"create temporary table csv ({texts})", f"\\copy csv {copy}",
                                                         f"insert into {data.name} select {list_of(data, True)} from csv"),
        "pgsluice --select, --jobs 1": pgsluice(server, data, *select, "--jobs", "1"),
        "pgsluice --select": pgsluice(server, data, *select),
        "psql: \\copy ... where": psql(server, f"\\copy {data.name} {copy} where {condition}"),
        "pgsluice --where, --jobs 1": pgsluice(server, data, "--where", condition, "--jobs", "1"),
        "pgsluice --where": pgsluice(server, data, "--where", condition),
    }


def measure(server, data, rounds):
    ways = ways_of(server, data)
    walls = {name: [] for name in ways}
    rows = {}
    for _ in range(rounds):
        for name, command in ways.items():
            data.create(server)
            server.sql("checkpoint")
            walls[name].append(timed([command])["wall"])
            rows[name] = server.sql(f"select count(*) || ' ' || sum(hashtext(t::text)::bigint) from {data.name} t")
    for one, other in (("psql: temporary table, INSERT ... SELECT", "pgsluice --select"), ("psql: \\copy ... where", "pgsluice --where")):
        if rows[one] != rows[other]:
            sys.exit(f"{other}: other rows than those of {one}")
    return {name: statistics.median(runs) for name, runs in walls.items()}


def run(bench):
    page, server = bench.page, bench.server
    page.add("A list with a cast and two functions; a condition that is true for about half of the records.")
    page.add()
    for data in bench.sets:
        walls = measure(server, data, bench.rounds)
        page.heading(data.name, level=3)
        lines = []
        baseline = None
        for name, wall in walls.items():
            baseline = wall if name.startswith("psql") else baseline
            lines.append([name, f"{data.rows / wall / 1e3:,.0f} k", f"{baseline / wall:.2f}"])
        page.table(["way", "records/s", "times psql's way above it"], lines)
