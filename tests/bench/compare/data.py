"""The data sets' files and tables. What is in them is data_sets.cpp's."""

import os
import re
import shutil
import subprocess

from .paths import BUILD, tool

ROWS = {"narrow": 3_000_000, "lineitem": 2_000_000, "quoted": 1_000_000, "taxi": 1_500_000}
SLOW_ROWS = 100_000  # for a peer that would take minutes for a whole file


class Data:
    """A data set on disk: the file, two halves of it, and a slice for slow peers."""

    def __init__(self, name, rows, folder):
        self.name, self.rows, self.folder = name, rows, folder
        self.path = self.first(rows, f"{name}.csv")
        self.size = os.path.getsize(self.path)
        self.columns = tool("bench_data", "sql", name, "columns")
        self.key = tool("bench_data", "sql", name, "primary-key")
        self.indexes = tool("bench_data", "sql", name, "indexes").split("\n")

    def first(self, rows, file):
        """A file with the header and so many records."""
        path = os.path.join(self.folder, file)
        with open(path, "wb") as out:
            subprocess.run([str(BUILD / "bench_data"), "csv", self.name, str(rows)], check=True, stdout=out)
        return path

    def slice(self):
        rows = min(SLOW_ROWS, self.rows)
        return self.first(rows, f"{self.name}.slice.csv"), rows

    def part(self, suffix, begin, end):
        """A file with the header and the records that begin in these bytes."""
        path = os.path.join(self.folder, f"{self.name}.{suffix}.csv")
        with open(self.path, "rb") as source, open(path, "wb") as out:
            out.write(source.readline())
            source.seek(max(begin, source.tell()))
            shutil.copyfileobj(source, out) if end is None else out.write(source.read(end - source.tell()))
        return path

    def edge(self, near):
        """Where a record begins: behind a newline in front of a record's first value, which is never in quotes here."""
        start = {"narrow": rb"\n\d{4}-", "quoted": rb"\n\d+,\"", "lineitem": rb"\n\d+,", "taxi": rb"\n\d,"}[self.name]
        with open(self.path, "rb") as source:
            source.seek(near)
            return near + re.search(start, source.read(1 << 20)).start() + 1

    def halves(self):
        middle = self.edge(self.size // 2)
        return [self.part("first", 0, middle), self.part("second", middle, None)]

    def create(self, server, key=False, indexes=False):
        statements = [f"drop table if exists {self.name}", f"create table {self.name} ({self.columns})"]
        if key:
            statements.append(f"alter table {self.name} add primary key ({self.key})")
        if indexes:
            statements += [f"create index on {self.name} ({index})" for index in self.indexes]
        server.sql("set client_min_messages = warning", *statements)
