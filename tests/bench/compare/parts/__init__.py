"""The table of parts. Another one is a file beside this one, and its entry here."""

from ..part import Part
from . import against, atomic, distance, indexes, inserts, keys, main, migrations, parse, rejects, small, upserts

KEYED = ("narrow", "lineitem")  # the data sets whose tables have a key

PARTS = [
    Part("main", "Loads into a table without index, by psql, by the peers that are installed, and by pgsluice; and how fast the server can be at all.",
         main.run, "A table without index",
         writes="rows/s, CPU time and memory of each loader, for each data set; the chart"),
    Part("keys", "Loads into a table that keeps its primary key, by psql and by pgsluice.",
         keys.run, "With the primary key kept", sets=KEYED,
         writes="rows/s, CPU time and memory of each loader"),
    Part("indexes", "Loads into a table with a primary key and two secondary indexes, kept or deferred.",
         indexes.run, "With a primary key and two secondary indexes, on an empty table", sets=KEYED,
         writes="rows/s, CPU time and memory of each loader"),
    Part("rejects", "Loads a file in which one record in ten thousand is bad, of three kinds, beside a good one.",
         rejects.run, "Bad records",
         writes="the time of each file, of the good one's; the first data set"),
    Part("inserts", "Inserts rows by each way to INSERT, here and at a distance of 20 ms, and loads a file with --writer insert.",
         inserts.run, "INSERT", sets=("narrow",),
         writes="rows/s of each way, as a multiple of one by one"),
    Part("upserts", "Upserts a file into a table that has every other record already, by psql with a staging table and by pgsluice.",
         upserts.run, "Upsert", sets=KEYED,
         writes="rows/s of each way, as a multiple of psql's"),
    Part("atomic", "Loads all or nothing with --atomic, beside a plain load and psql.",
         atomic.run, "All or nothing",
         writes="seconds for each data set, and the ratio"),
    Part("distance", "Loads over a distance of 20 ms, and over the same proxy without delay.",
         distance.run, "A distant server", sets=KEYED,
         writes="rows/s, CPU time and memory of each loader, and the share of the rate that pgsluice keeps"),
    Part("small", "Loads a file of ten rows, from a program's start to its end.",
         small.run, "A file of ten rows",
         writes="milliseconds of each loader, as a multiple of psql's; the first data set"),
    Part("migrations", "Applies 1,000 pending migrations, beside psql with the same files, and asks for the status of 10,000 applied ones.",
         migrations.run, "Migrations",
         writes="seconds, as a multiple of psql's; CPU seconds of the status"),
    Part("parse", "Scans, parses and encodes in memory: the client's side alone, on one core.",
         parse.run, "The client's side: one core, no server",
         writes="GB/s and ns a row for each data set, ns a value for each type"),
    Part("against", "Loads each file, and one of ten rows, by this build and by another in turns, with psql beside them.",
         against.run, "Against {against}", flag="--against",
         writes="median seconds of each build, as a multiple of psql's and of the other's, and the spread"),
]
