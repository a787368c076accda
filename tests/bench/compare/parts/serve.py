"""Uploads over HTTP: one that is large, many that are small, and what waiting and being idle cost."""

import contextlib
import http.client
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

from ..loaders import Loader, pgsluice
from ..paths import PROGRAM
from ..turns import measure, spread
from .files import ROWS_EACH

UPLOADS = 1_000
CLIENTS = 8
WAITING = 200
IDLE_SECONDS = 10
CSV = {"Content-Type": "text/csv"}


def status_of(pid, name):
    """Of /proc/PID/status, a number."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(name + ":")).split()[1])


def memory_of(process):
    """What it and its processes had at most, in MiB: what they share is counted for each."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout.split()
    return sum(status_of(pid, "VmHWM") for pid in [process.pid, *children]) / 1024


class Service:
    def __init__(self, server, *flags):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "-d", server.url, "--log", "json", *flags],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "listening" not in line:
            sys.exit(f"pgsluice serve: {line}")
        self.port = int(line.split('"message":"')[1].split('"')[0].rsplit(":", 1)[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def status(self, name):
        return status_of(self.process.pid, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def curl(data, port, path):
    return ["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "-o", "/dev/null", "-X", "POST", "-H", "Content-Type: text/csv",
            "-T", data.path, f"http://127.0.0.1:{port}{path}"]


def one(bench, data, service):
    """The file by curl, and from disk."""
    ways = {"pgsluice load": (pgsluice(bench.server, data), None),
            "curl to pgsluice serve": (curl(data, service.port, f"/v1/tables/{data.name}/loads?again"), service.process)}
    with contextlib.ExitStack() as stack:
        if Endpoint.is_there():
            for name, path in ("COPY alone", "tables"), ("records", "records"):
                endpoint = stack.enter_context(Endpoint(bench.server))
                ways[f"curl to FastAPI and asyncpg, {name}"] = (curl(data, endpoint.port, f"/{path}/{data.name}"), endpoint.process)
        results = measure(bench.server, data, [Loader(name, [command]) for name, (command, _) in ways.items()], bench.rounds)
        memory = {name: memory_of(process) if process else None for name, (_, process) in ways.items()}
    base = results["pgsluice load"]["rate"]
    bench.page.heading(f"One upload of {data.name}, {data.size / 1e6:,.0f} MB", level=3)
    bench.page.table(["way", "rows/s", "of the file's", "spread", "the server's memory at most"],
                     [[name, f"{result['rate'] / 1e3:,.0f} k", f"{result['rate'] / base:.2f}", f"{result['spread']:.0%}",
                       f"{memory[name]:,.0f} MiB" if memory[name] else ""] for name, result in results.items()])


def bodies(data):
    """Uploads of ROWS_EACH records, one after the other."""
    with open(data.path, "rb") as file:
        header = file.readline()
        for _ in range(UPLOADS):
            yield header + b"".join(file.readline() for _ in range(ROWS_EACH))


def client(port, path, work, took):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    while True:
        body = next(work, None)
        if body is None:
            return
        began = time.monotonic()
        connection.request("POST", path, body, CSV)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            sys.exit(f"serve: {answer.status} {text[:300]}")
        took.append(time.monotonic() - began)


class Endpoint:
    """The other way to take uploads, where Debian's python3-fastapi, python3-asyncpg and python3-uvicorn are installed."""

    PYTHON = "/usr/bin/python3"  # Debian's, whichever comes first in the path

    @classmethod
    def is_there(cls):
        return subprocess.run([cls.PYTHON, "-c", "import fastapi, asyncpg, uvicorn"], capture_output=True).returncode == 0

    def __init__(self, server):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([self.PYTHON, "-m", "uvicorn", "--port", str(self.port), "--log-level", "error", "endpoint:app"],
                                        cwd=pathlib.Path(__file__).resolve().parents[1], env={**os.environ, "ENDPOINT_DATABASE": server.url})
        for _ in range(600):
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.1)
        sys.exit("serve: uvicorn does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Small:
    """Many small uploads, a round at a time."""

    def __init__(self, bench, data, port, path):
        self.bench, self.data, self.port, self.path = bench, data, port, path
        self.walls, self.took = [], []

    def round(self):
        server, data = self.bench.server, self.data
        data.create(server)
        server.sql("delete from pgsluice.loads", "checkpoint")
        # A queue that clients take from, one at a time: next() of a list's iterator is one step.
        work = iter(list(bodies(data)))
        threads = [threading.Thread(target=client, args=(self.port, self.path, work, self.took)) for _ in range(CLIENTS)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.walls.append(time.monotonic() - began)
        stored = int(server.sql(f"select count(*) from {data.name}"))
        if stored != UPLOADS * ROWS_EACH:
            sys.exit(f"serve: {stored} rows stored, {UPLOADS * ROWS_EACH:,} expected")

    def row(self, name):
        took = sorted(self.took)
        return [name, f"{UPLOADS / statistics.median(self.walls):.0f}", f"{spread(self.walls):.0%}",
                *(f"{took[len(took) * share // 100] * 1e3:.0f} ms" for share in (50, 99))]


def small(bench, data, service):
    ways = {"pgsluice serve": Small(bench, data, service.port, f"/v1/tables/{data.name}/loads")}
    endpoint = Endpoint(bench.server) if Endpoint.is_there() else contextlib.nullcontext()
    with endpoint:
        if Endpoint.is_there():
            ways["FastAPI and asyncpg, COPY alone"] = Small(bench, data, endpoint.port, f"/tables/{data.name}")
        for _ in range(bench.rounds):
            for way in ways.values():
                way.round()
    bench.page.heading(f"{UPLOADS:,} uploads of {ROWS_EACH} rows by {CLIENTS} clients", level=3)
    bench.page.table(["way", "uploads/s", "spread", "half of them within", "99 % within"], [way.row(name) for name, way in ways.items()])


def cost(bench, data):
    with Service(bench.server, "--max-queue", str(WAITING)) as service:
        time.sleep(1)
        before = service.status("voluntary_ctxt_switches")
        time.sleep(IDLE_SECONDS)
        woken = service.status("voluntary_ctxt_switches") - before
        idle = service.status("VmRSS")
        head = f"POST /v1/tables/{data.name}/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000000\r\n\r\na,b\n".encode()
        waiting = []
        for _ in range(WAITING):
            waiting.append(socket.create_connection(("127.0.0.1", service.port)))
            waiting[-1].sendall(head)
        time.sleep(5)
        bench.page.add(f"The serving process is woken {woken} times in {IDLE_SECONDS} s when nothing is asked of it, and has {idle / 1024:.0f} MiB; with {WAITING} uploads "
                       f"that have come and wait it has {service.status('VmRSS') / 1024:.0f} MiB, and had {service.status('VmHWM') / 1024:.0f} MiB at most.")
        bench.page.add()
        for connection in waiting:
            connection.close()


def run(bench):
    for data in bench.sets:
        with Service(bench.server, "--allow", "again") as service:
            one(bench, data, service)
    narrow = next((data for data in bench.sets if data.name == "narrow"), None)
    if narrow is None or narrow.rows < UPLOADS * ROWS_EACH:
        print(f"serve: {UPLOADS:,} uploads are left out: they are of {UPLOADS * ROWS_EACH:,} rows of narrow (see --sets, --scale)", file=sys.stderr)
        return
    with Service(bench.server) as service:
        small(bench, narrow, service)
    cost(bench, narrow)
