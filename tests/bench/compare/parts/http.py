"""Objects of a web server and of a bucket: beside files, and beside curl piped into what loads a stream."""

import contextlib
import os
import pathlib
import statistics
import sys

from ..clock import timed
from ..loaders import PSQL, Loader, pgsluice
from ..paths import PROGRAM
from ..server import Delay
from ..turns import measure, spread
from ..web import Bucket, Nginx
from .files import FILES, ROWS_EACH, split
from .packed import pack, piped

HALF_OF_THE_WAY = 10  # milliseconds
MB_PER_SECOND = 50  # of a connection
LOOP = 100  # objects of the shell's loop; as many as there are would take minutes
KNOWN = 10_000
FETCHED = "pgsluice load URL"
CURL = "curl --silent --fail --noproxy '*'"


def url_of(port, path):
    return f"http://127.0.0.1:{port}/{os.path.basename(path)}"


def direct(command):
    """By no proxy, whatever the environment says."""
    return ["env", "no_proxy=*", *command]


def packings(data):
    yield "", data.path
    yield ".gz", pack(data, "gz", ["gzip", "-6"])


@contextlib.contextmanager
def ending(thing):
    try:
        yield thing
    finally:
        thing.end()


def near(bench, data, nginx):
    """The ratio is that to the same file from disk."""
    server, loaders, baseline = bench.server, [], {}
    for suffix, path in packings(data):
        file, fetched = f"pgsluice load f.csv{suffix}", f"{FETCHED}/f.csv{suffix}"
        loaders += [Loader(file, [pgsluice(server, data, path=path)]),
                    Loader(fetched, [direct(pgsluice(server, data, path=url_of(nginx.port, path)))])]
        baseline |= {file: file, fetched: file}
    results = measure(server, data, loaders, bench.rounds)
    bench.page.heading(f"{data.name}, from loopback", level=3)
    bench.page.table(["loader", "rows/s", "of the file's", "client CPU µs/row", "peak memory", "spread"],
                     [[name, f"{result['rate'] / 1e3:,.0f} k", f"{result['rate'] / results[baseline[name]]['rate']:.2f}", f"{result['cpu_us']:.2f}",
                       f"{result['rss']:.0f} MiB", f"{result['spread']:.0%}"] for name, result in results.items()])


def looked_at(data, rounds, port):
    """inspect reads all of an object, and stores nothing: what fetching alone comes to."""
    commands = {}
    for suffix, path in packings(data):
        url = url_of(port, path)
        commands[f"curl into pgsluice inspect -, f.csv{suffix}"] = piped(f"{CURL} {url}", f"{PROGRAM} inspect -")
        commands[f"pgsluice inspect URL/f.csv{suffix}"] = direct([PROGRAM, "inspect", url])
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(timed([command]))
    return {name: {"wall": statistics.median(run["wall"] for run in results), "rss": statistics.median(run["rss"] for run in results),
                   "spread": spread([run["wall"] for run in results])} for name, results in runs.items()}


def far(bench, data, nginx):
    """The ratio is that to one GET by curl, piped into the same command."""
    server = bench.server
    with ending(Delay("127.0.0.1", nginx.port, HALF_OF_THE_WAY, MB_PER_SECOND)) as way:
        loaders = []
        for suffix, path in packings(data):
            url = url_of(way.port, path)
            stream = " ".join(f"'{word}'" for word in pgsluice(server, data, path="-"))
            loaders += [Loader(f"curl into pgsluice load -, f.csv{suffix}", [piped(f"{CURL} {url}", stream)]),
                        Loader(f"{FETCHED}/f.csv{suffix}", [direct(pgsluice(server, data, path=url))])]
        results = measure(server, data, loaders, bench.rounds) | looked_at(data, bench.rounds, way.port)
    bench.page.heading(f"{data.name}, 20 ms away, {MB_PER_SECOND} MB/s of each connection", level=3)
    rows, baseline = [], None
    for name, result in results.items():
        piped_into = name.startswith("curl")
        baseline = result if piped_into else baseline
        rows.append([name, f"{data.rows / result['wall'] / 1e3:,.0f} k", f"{baseline['wall'] / result['wall']:.2f}",
                     "" if piped_into else f"{result['rss']:.0f} MiB", f"{result['spread']:.0%}"])
    bench.page.table(["command", "rows/s", "times curl's way above it", "peak memory", "spread"], rows)


def loaded(bench, data, command, objects, name):
    """A run into an empty table, of which the ledger knows nothing."""
    data.create(bench.server)
    bench.server.sql("delete from pgsluice.loads", "checkpoint")
    run = timed([command])
    stored = int(bench.server.sql(f"select count(*) from {data.name}"))
    if stored != objects * ROWS_EACH:
        sys.exit(f"{name}: {stored} rows stored, {objects * ROWS_EACH:,} expected")
    return run


def from_bucket(server, data, port):
    command = pgsluice(server, data, "--s3-anonymous", "--s3-endpoint", f"http://127.0.0.1:{port}", path="s3://bucket/in/*.csv")
    return direct([argument for argument in command if argument != "--again"])


def small(bench, data, nginx):
    """Objects of 100 rows, by each way. The loop is a script, as each of its commands is."""
    server = bench.server
    files = sorted(split(data).iterdir())
    with ending(Delay("127.0.0.1", nginx.port, HALF_OF_THE_WAY)) as web, ending(Bucket(data, FILES, ROWS_EACH)) as bucket, \
            ending(Delay("127.0.0.1", bucket.port, HALF_OF_THE_WAY)) as store:
        urls = [f"http://127.0.0.1:{web.port}/many/{path.name}" for path in files]
        listed, script = pathlib.Path(data.folder) / "urls", pathlib.Path(data.folder) / "loop.sh"
        listed.write_text("\n".join(urls) + "\n")
        copy = f"{server.psql} -X -q {server.url} -c '\\copy {data.name} from stdin (format csv, header)'"
        script.write_text("set -e\n" + "".join(f"{CURL} {url} | {copy}\n" for url in urls[:LOOP]))
        ways = {f"a loop of curl into {PSQL}": (["sh", str(script)], LOOP),
                "pgsluice load @LIST": (direct([a for a in pgsluice(server, data, path=f"@{listed}") if a != "--again"]), FILES),
                "pgsluice load s3://bucket/in/*.csv": (from_bucket(server, data, store.port), FILES)}
        runs = {name: [] for name in ways}
        for _ in range(bench.rounds):
            for name, (command, objects) in ways.items():
                runs[name].append(loaded(bench, data, command, objects, name))
    bench.page.heading(f"Objects of {ROWS_EACH} rows, 20 ms away", level=3)
    bench.page.add(f"{FILES:,} objects; {LOOP} for the loop.")
    bench.page.add()
    rows, baseline = [], None
    for name, (_, objects) in ways.items():
        each = statistics.median(run["wall"] for run in runs[name]) / objects
        baseline = baseline or each
        memory = statistics.median(run["rss"] for run in runs[name])
        rows.append([name, f"{each * 1e3:.2f}", f"{baseline / each:.1f}", f"{memory:.0f} MiB" if objects == FILES else "",
                     f"{spread([run['wall'] for run in runs[name]]):.0%}"])
    bench.page.table(["command", "milliseconds an object", "times the loop's rate", "peak memory", "spread"], rows)


def known(bench, data):
    """The same pattern once more, when all of it is in."""
    server = bench.server
    with ending(Bucket(data, KNOWN, ROWS_EACH)) as bucket, ending(Delay("127.0.0.1", bucket.port, HALF_OF_THE_WAY)) as way:
        command = from_bucket(server, data, way.port)
        loaded(bench, data, command, KNOWN, "a bucket")
        runs = [timed([command]) for _ in range(bench.rounds)]
    middle = {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "rss")}
    stored = int(server.sql(f"select count(*) from {data.name}"))
    if stored != KNOWN * ROWS_EACH:
        sys.exit(f"{stored} rows in the table, {KNOWN * ROWS_EACH} expected")
    bench.page.add(f"A pattern of {KNOWN:,} objects that are in already: {middle['wall']:.2f} s, {middle['cpu']:.2f} s of its own CPU, "
                   f"{middle['rss']:.0f} MiB.")
    bench.page.add()


def enough(data, objects):
    if data is not None and data.rows >= objects * ROWS_EACH:
        return True
    print(f"http: {objects:,} objects are left out: they are of {objects * ROWS_EACH:,} rows of narrow (see --sets, --scale)", file=sys.stderr)
    return False


def run(bench):
    bench.page.add("By nginx on this machine, which takes its share of the cores, as does the proxy that delays each byte. A connection is made without "
                   "delay, also by those that make one for each object.")
    bench.page.add()
    with ending(Nginx(bench.folder)) as nginx:
        for data in bench.sets:
            near(bench, data, nginx)
            far(bench, data, nginx)
        narrow = next((data for data in bench.sets if data.name == "narrow"), None)
        if enough(narrow, FILES):
            small(bench, narrow, nginx)
    if enough(narrow, KNOWN):
        known(bench, narrow)
