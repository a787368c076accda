"""The client alone: a proxy throws the rows away, and each kind of thread says what of its core a row takes."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

from ..loaders import pgsluice
from ..server import Discard

CONNECTIONS = (1, 2, 8, 16, 32)
# The threads by the names that the program gives them (app/runtime.cpp).
KINDS = {"pgsluice": "I/O", "pgsluice-read": "reader", "pgsluice-encode": "encoding"}
TICK = os.sysconf("SC_CLK_TCK")


class Threads(threading.Thread):
    """CPU seconds of a process by the names of its threads, seen every now and then: the kernel forgets them with the process."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.folder, self.seconds, self.ended = pathlib.Path(f"/proc/{pid}/task"), {}, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            try:
                for thread in self.folder.iterdir():
                    name = (thread / "comm").read_text().strip()
                    ran, _, _ = (thread / "schedstat").read_text().split()  # nanoseconds
                    self.seconds[thread.name] = (name, int(ran) / 1e9)
            except OSError:
                continue

    def by_kind(self):
        sums = dict.fromkeys(KINDS.values(), 0.0)
        for name, seconds in self.seconds.values():
            if name in KINDS:
                sums[KINDS[name]] += seconds
        return sums


def run_once(command, rows):
    """Rows a second, and nanoseconds of CPU a row of each kind of thread and of all."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    threads = Threads(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    threads.ended.set()
    threads.join()
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}\n{process.stderr.read().decode()}")
    taken = {kind: seconds / rows * 1e9 for kind, seconds in threads.by_kind().items()}
    return {"rate": rows / wall, "all": (usage.ru_utime + usage.ru_stime) / rows * 1e9, **taken}


def run(bench):
    page, server = bench.page, bench.server
    page.add("Through a proxy on this machine that forwards everything to the server but the rows, which it reads and forgets (`bench_discard`); it takes its "
             "share of the cores, so rows/s are this machine's, and what counts are nanoseconds of a core for each row. There are as many encoding threads as "
             "cores, and one each for I/O and reading: the last column is what the busier of those two lets through on cores enough.")
    page.add()
    discard = Discard(server)
    for data in bench.sets:
        rows = []
        for connections in CONNECTIONS:
            runs = []
            for _ in range(bench.rounds):
                data.create(server)
                server.sql("checkpoint")
                runs.append(run_once(pgsluice(server, data, "--jobs", str(connections), url=discard.url), data.rows))
                if server.sql(f"select count(*) from {data.name}") != "0":
                    sys.exit("rows came through bench_discard: the connection has TLS, or the COPY is none that it knows")
                if int(server.sql("select sum(rows_stored) from pgsluice.chunks where load_id = (select max(load_id) from pgsluice.loads)")) != data.rows:
                    sys.exit("the ledger has other rows than the file")
            middle = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
            most = 1e3 / max(middle["I/O"], middle["reader"])
            rows.append([str(connections), f"{middle['rate'] / 1e6:.2f} M", f"{middle['all']:.0f}", f"{middle['encoding']:.0f}",
                         f"{middle['I/O']:.0f}", f"{middle['reader']:.0f}", f"{most:.0f} M"])
        page.heading(data.name, level=3)
        page.table(["connections", "rows/s", "ns a row in all", "encoding", "I/O", "reader", "rows/s at most, on cores enough"], rows)
    discard.end()
