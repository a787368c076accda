"""Migrations: 1,000 pending files against one psql session with the same files, and status of 10,000 applied ones."""

import hashlib
import os
import pathlib
import statistics
import subprocess

from ..clock import timed
from ..paths import PROGRAM

PENDING, APPLIED = 1_000, 10_000
FORGET = "delete from pgsluice.migrations where project = 'default'"


def file_of(number):
    return f"V{number:05}__t.sql"


def write_files(folder, count):
    os.makedirs(folder)
    for i in range(1, count + 1):
        pathlib.Path(folder, file_of(i)).write_text(
            f"create table migrated.t{i} (id int primary key, v text);\ninsert into migrated.t{i} values ({i}, 'x');\n")
    return folder


def undo(server):
    """In pieces: one transaction would need a lock for each table."""
    server.sql("create schema if not exists migrated")
    for digit in range(10):
        server.sql(f"do $$ declare t text; begin for t in select tablename from pg_tables where schemaname = 'migrated' "
                   f"and tablename like '%{digit}' loop execute 'drop table migrated.' || t; end loop; end $$")
    server.sql(FORGET, "checkpoint")


def seconds_of_up(server, folder, rounds):
    files = write_files(os.path.join(folder, "migrations"), PENDING)
    commands = {
        "psql, one session, -f for each": [server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", server.url,
                                           *(word for path in sorted(pathlib.Path(files).iterdir()) for word in ("-f", str(path)))],
        "pgsluice migrate up": [PROGRAM, "migrate", "up", "-q", "--dir", files, "-d", server.url],
    }
    walls = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            undo(server)
            walls[name].append(timed([command])["wall"])
    return {name: statistics.median(runs) for name, runs in walls.items()}


def cpu_seconds_of_status(server, folder, rounds):
    files = write_files(os.path.join(folder, "applied-migrations"), APPLIED)
    checksum = lambda number: hashlib.sha256(pathlib.Path(files, file_of(number)).read_bytes()).hexdigest()
    rows = ",".join(f"({i},'{file_of(i)}','{checksum(i)}')" for i in range(1, APPLIED + 1))
    insert = pathlib.Path(folder, "history.sql")
    insert.write_text(f"{FORGET}; insert into pgsluice.migrations (project, version, file, checksum, state, runner, finished_at, search_path) "
                      f"select 'default', v, f, c, 'applied', '', now(), array_to_string(current_schemas(false), ', ') from (values {rows}) r (v, f, c);")
    subprocess.run([server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", server.url, "-f", str(insert)], check=True)
    return statistics.median(timed([[PROGRAM, "migrate", "status", "--dir", files, "-d", server.url]])["cpu"] for _ in range(rounds))


def run(bench):
    walls = seconds_of_up(bench.server, bench.folder, bench.rounds)
    status = cpu_seconds_of_status(bench.server, bench.folder, bench.rounds)
    base = next(iter(walls.values()))
    bench.page.table(["1,000 pending files of two statements", "seconds", "times psql's"],
                     [[name, f"{wall:.2f}", f"{wall / base:.2f}"] for name, wall in walls.items()])
    bench.page.add(f"`pgsluice migrate status` with 10,000 applied files: {status:.2f} s of its own CPU time.")
    bench.page.add()
