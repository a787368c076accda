"""The commands that load a file: psql's, pgsluice's, those of installed peers."""

import os
import pathlib
import shutil

from .paths import PROGRAM

PSQL = "psql \\copy"  # what the others are compared with


class Loader:
    """A way to load a data set. `commands` are for the whole file, or for the slice where it is `slow`."""

    def __init__(self, name, commands, slow=False, prints_seconds=False):
        self.name, self.commands, self.slow, self.prints_seconds = name, commands, slow, prints_seconds


def psql_copy(server, data, path, url=None):
    return [server.psql, "-X", "-q", url or server.url, "-c", f"\\copy {data.name} from '{path}' (format csv, header)"]


def pgsluice(server, data, *options, url=None, path=None, program=PROGRAM):
    return [program, "load", path or data.path, "--table", data.name, "-d", url or server.url, "--again", "-q", *options]


def by_psql(server, data):
    return Loader(PSQL, [psql_copy(server, data, data.path)])


def by_pgsluice(server, data, *options):
    return Loader(" ".join(["pgsluice", *options]), [pgsluice(server, data, *options)])


def peers(server, data):
    """Those that are installed."""
    found = []
    if shutil.which("timescaledb-parallel-copy"):
        for workers in (2, 4):
            command = ["timescaledb-parallel-copy", "--connection", server.url, "--table", data.name, "--file", data.path,
                       "--skip-header", "--workers", str(workers), "--copy-options", "CSV"]
            found.append(Loader(f"timescaledb-parallel-copy, {workers} workers", [command]))
    if shutil.which("pg_bulkload"):
        control = os.path.join(data.folder, f"{data.name}.ctl")
        pathlib.Path(control).write_text(f"INPUT = {data.path}\nOUTPUT = {data.name}\nTYPE = CSV\nSKIP = 1\nWRITER = PARALLEL\n")
        found.append(Loader("pg_bulkload, parallel (superuser, no WAL)", [["pg_bulkload", "-d", server.url, control]]))
    if shutil.which("pgloader"):
        path, _ = data.slice()
        control = os.path.join(data.folder, f"{data.name}.load")
        pathlib.Path(control).write_text(
            f"LOAD CSV FROM '{path}' INTO {server.url} TARGET TABLE {data.name}\n"
            "WITH skip header = 1, fields optionally enclosed by '\"', fields escaped by double-quote, fields terminated by ',';\n")
        found.append(Loader("pgloader", [["pgloader", "--quiet", control]], slow=True))
    return found
