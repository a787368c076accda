"""Upserts: half of the records have their rows already."""

import statistics
import subprocess
import sys

from ..clock import timed
from ..loaders import pgsluice


def names_of(data):
    return [column.split(" ")[0] for column in data.columns.split(", ")]


def by_psql(server, data):
    updates = ", ".join(f"{name} = excluded.{name}" for name in names_of(data) if name not in data.key.split(", "))
    return [server.psql, "-X", "-q", server.url, "-c", f"create table staging ({data.columns})", "-c",
            f"\\copy staging from '{data.path}' (format csv, header)", "-c",
            f"insert into {data.name} select * from staging on conflict ({data.key}) do update set {updates}", "-c", "drop table staging"]


def half_full(server, data):
    """The table with its key and every other record, out of a table of all of them."""
    data.create(server, key=True)
    server.sql(f"insert into {data.name} select {', '.join(names_of(data))} from (select *, row_number() over () as n from everything) e "
               "where n % 2 = 0", "checkpoint")


def walls_of(server, data, ways, rounds):
    server.sql("drop table if exists everything", f"create table everything ({data.columns})")
    subprocess.run([server.psql, "-X", "-q", server.url, "-c", f"\\copy everything from '{data.path}' (format csv, header)"], check=True)
    walls = {name: [] for name in ways}
    for _ in range(rounds):
        for name, command in ways.items():
            half_full(server, data)
            walls[name].append(timed([command])["wall"])
            stored = int(server.sql(f"select count(*) from {data.name}"))
            if stored != data.rows:
                sys.exit(f"{name}: {stored} rows in the table, {data.rows} expected")
    server.sql("drop table everything")
    return {name: statistics.median(runs) for name, runs in walls.items()}


def run(bench):
    page, server = bench.page, bench.server
    page.add("Into a table with its primary key that has every other record already. psql: \\copy into an empty staging table, then one "
             "INSERT ... ON CONFLICT DO UPDATE.")
    page.add()
    for data in bench.sets:
        update = ["--on-conflict", "update"]
        ways = {
            "psql": by_psql(server, data),
            "pgsluice --jobs 1": pgsluice(server, data, *update, "--jobs", "1"),
            "pgsluice": pgsluice(server, data, *update),
            "pgsluice --update-if-changed": pgsluice(server, data, *update, "--update-if-changed"),
        }
        walls = walls_of(server, data, ways, bench.rounds)
        page.heading(data.name, level=3)
        page.table(["way", "rows/s", "times psql"],
                   [[name, f"{data.rows / wall / 1e3:,.0f} k", f"{walls['psql'] / wall:.2f}"] for name, wall in walls.items()])
