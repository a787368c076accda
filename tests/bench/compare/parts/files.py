"""Many small files: one command, beside one psql session."""

import os
import pathlib
import statistics
import sys

from ..clock import timed
from ..loaders import PSQL, pgsluice
from ..paths import PROGRAM

FILES = 1_000
ROWS_EACH = 100
FOLDER = "pgsluice load FOLDER"
LARGE = "... with a large ledger"
LOADS = 250_000  # of the large ledger, of four chunks each

# Loads of another table, of short files of many lengths; all have a row in the ledger that one real load has had.
FILL = f"""
insert into pgsluice.loads (target, target_oid, source, source_path, source_bytes, source_stamp, fingerprint, options, chunk_bytes,
record_bytes_max, rejects_path, staged, origin, head, head_bytes, start, updates, state, finished_at, seconds, records_read, rows_stored,
rows_skipped, marked) select target, target_oid, source || g, source_path || g, source_bytes, 'host 65024:' || g || ' 102 1.5 1.5', md5('f' || g),
options, chunk_bytes, record_bytes_max, rejects_path, staged, origin, md5('h' || g), 1500 + g % 8000, md5('s' || g), updates, state, finished_at,
seconds, records_read, rows_stored, rows_skipped, marked from pgsluice.loads, generate_series(1, {LOADS}) g;
insert into pgsluice.chunks (load_id, chunk, byte_offset, byte_count, first_line, first_record, records_read, rows_stored, rows_updated,
rows_unchanged, rows_rejected, rows_skipped, rows_filtered, digest, line_count) select l.load_id, number, c.byte_offset, c.byte_count, c.first_line,
c.first_record, c.records_read, c.rows_stored, c.rows_updated, c.rows_unchanged, c.rows_rejected, c.rows_skipped, c.rows_filtered, c.digest,
c.line_count from (select * from pgsluice.chunks) c, generate_series(0, 3) number, pgsluice.loads l where l.load_id <> c.load_id"""


def split(data):
    """The first records, in files of their own with the header."""
    folder = pathlib.Path(data.folder) / "many"
    folder.mkdir(exist_ok=True)
    with open(data.path, "rb") as source:
        header = source.readline()
        for number in range(FILES):
            with open(folder / f"{number:05}.csv", "wb") as out:
                out.writelines([header, *(source.readline() for _ in range(ROWS_EACH))])
    return folder


def with_large_ledger(bench, data, folder):
    """Another database of the same server, whose ledger has a million chunks."""
    server = bench.server.database("large_ledger")
    server.sql(f"create table other ({data.columns})")
    data.create(server)
    timed([[PROGRAM, "load", str(folder / "00000.csv"), "--table", "other", "-d", server.url, "-q"]])
    server.sql(FILL, "vacuum analyze")
    return server


def run(bench):
    data, server = bench.sets[0], bench.server
    if data.rows < FILES * ROWS_EACH:
        print(f"files: {FILES * ROWS_EACH:,} rows are needed (see --scale)", file=sys.stderr)
        return
    folder = split(data)
    script = os.path.join(data.folder, "many.sql")
    pathlib.Path(script).write_text("".join(f"\\copy {data.name} from '{path}' (format csv, header)\n" for path in sorted(folder.iterdir())))
    large = with_large_ledger(bench, data, folder)
    load_into = lambda server: [argument for argument in pgsluice(server, data, path=str(folder)) if argument != "--again"]
    first = {PSQL: (server, [server.psql, "-X", "-q", server.url, "-f", script]), FOLDER: (server, load_into(server)),
             LARGE: (large, load_into(large)), f"{FOLDER} --jobs 1": (server, [*load_into(server), "--jobs", "1"])}
    runs = {name: [] for name in [*first, "the same again"]}
    for _ in range(bench.rounds):
        for name, (into, command) in first.items():
            data.create(into)
            if into is large:
                into.sql(f"delete from pgsluice.loads where target = 'public.{data.name}'", "vacuum pgsluice.loads, pgsluice.chunks")
            else:
                into.forget_loads()
            into.sql("checkpoint")
            runs[name].append(timed([command]))
            stored = int(into.sql(f"select count(*) from {data.name}"))
            if stored != FILES * ROWS_EACH:
                sys.exit(f"{name}: {stored} rows stored, {FILES * ROWS_EACH} expected")
            if name == FOLDER:
                runs["the same again"].append(timed([command]))
    medians = {name: {key: statistics.median(run[key] for run in results) for key in ("wall", "cpu")} for name, results in runs.items()}
    bench.page.add(f"{FILES:,} files of {ROWS_EACH} rows, {data.name}. The large ledger has {LOADS:,} loads and {4 * LOADS:,} chunks.")
    bench.page.add()
    bench.page.table(["command", "seconds", "of its own CPU", f"rate, times {PSQL}'s"],
                     [[name, f"{median['wall']:.2f}", f"{median['cpu']:.2f}", f"{medians[PSQL]['wall'] / median['wall']:.2f}"]
                      for name, median in medians.items()])
