"""Migrations in many schemas of a server that is 5 ms away, there and back: 200 schemas, 20 files each, one after the other and four at a time."""

import os
import pathlib
import statistics

from ..clock import timed
from ..paths import PROGRAM
from ..server import Distance

SCHEMAS, FILES, JOBS = 200, 20, (1, 4)


def write_files(folder):
    os.makedirs(folder, exist_ok=True)
    for i in range(1, FILES + 1):
        pathlib.Path(folder, f"V{i:03}__t.sql").write_text(f"create table t{i} (id int primary key, v text);\ninsert into t{i} values ({i}, 'x');\n")
    return folder


def begin_anew(server, schemas):
    """In pieces: one transaction would need a lock for each table."""
    for i in range(schemas):
        server.sql(f"drop schema if exists bench_tenant_{i} cascade", f"create schema bench_tenant_{i}")
    server.sql("do $$ begin if to_regclass('pgsluice.migrations') is not null then delete from pgsluice.migrations where project like 'default:bench_tenant_%'; "
               "end if; end $$", "checkpoint")


def run(bench):
    server = bench.server
    schemas = max(4, round(SCHEMAS * bench.scale))
    files = write_files(os.path.join(bench.folder, "tenants"))
    far = Distance(server, 2.5)
    walls = {jobs: [] for jobs in JOBS}
    for _ in range(bench.rounds):
        for jobs in JOBS:
            begin_anew(server, schemas)
            command = [PROGRAM, "migrate", "up", "-q", "--dir", files, "-d", far.url, "--schemas", r"bench\_tenant\_%", "--jobs", str(jobs)]
            walls[jobs].append(timed([command])["wall"])
    far.end()
    begin_anew(server, schemas)
    medians = {jobs: statistics.median(runs) for jobs, runs in walls.items()}
    bench.page.table([f"{schemas} schemas, {FILES} files each, 5 ms there and back", "seconds", "times as fast"],
                     [[f"--jobs {jobs}", f"{wall:.1f}", f"{medians[JOBS[0]] / wall:.2f}"] for jobs, wall in medians.items()])
    bench.page.add()
