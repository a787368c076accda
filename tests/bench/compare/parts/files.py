"""Many small files: one command, beside one psql session."""

import os
import pathlib
import statistics
import sys

from ..clock import timed
from ..loaders import PSQL, pgsluice

FILES = 1_000
ROWS_EACH = 100


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


def run(bench):
    data, server = bench.sets[0], bench.server
    if data.rows < FILES * ROWS_EACH:
        print(f"files: {FILES * ROWS_EACH:,} rows are needed (see --scale)", file=sys.stderr)
        return
    folder = split(data)
    script = os.path.join(data.folder, "many.sql")
    pathlib.Path(script).write_text("".join(f"\\copy {data.name} from '{path}' (format csv, header)\n" for path in sorted(folder.iterdir())))
    load = [argument for argument in pgsluice(server, data, path=str(folder)) if argument != "--again"]
    first = {PSQL: [server.psql, "-X", "-q", server.url, "-f", script], "pgsluice load FOLDER": load,
             "pgsluice load FOLDER --jobs 1": [*load, "--jobs", "1"]}
    runs = {name: [] for name in [*first, "the same again"]}
    for _ in range(bench.rounds):
        for name, command in first.items():
            data.create(server)
            server.sql("delete from pgsluice.loads", "checkpoint")
            runs[name].append(timed([command]))
            stored = int(server.sql(f"select count(*) from {data.name}"))
            if stored != FILES * ROWS_EACH:
                sys.exit(f"{name}: {stored} rows stored, {FILES * ROWS_EACH} expected")
            if name == "pgsluice load FOLDER":
                runs["the same again"].append(timed([load]))
    medians = {name: {key: statistics.median(run[key] for run in results) for key in ("wall", "cpu")} for name, results in runs.items()}
    bench.page.add(f"{FILES:,} files of {ROWS_EACH} rows, {data.name}.")
    bench.page.add()
    bench.page.table(["command", "seconds", "of its own CPU", f"rate, times {PSQL}'s"],
                     [[name, f"{median['wall']:.2f}", f"{median['cpu']:.2f}", f"{medians[PSQL]['wall'] / median['wall']:.2f}"]
                      for name, median in medians.items()])
