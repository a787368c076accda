"""What it costs to look once a second at what a load's sessions wait for."""

import pathlib
import subprocess
import time

from ..loaders import pgsluice

SECONDS = 20  # of the load, by its own limit

# Who holds a load's lock asks.
WATCHER = """select l.pid from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted
and a.application_name like 'pgsluice%' and a.state like 'idle in transaction%' limit 1"""


def seconds_on_a_core(pid):
    """More exactly than by ticks; nothing when it has ended."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return None


def share_of_a_core(server, command):
    """Of the session that asks, from when it has begun to its end; the client's, over the same time."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watcher = ""
    while not watcher and process.poll() is None:
        watcher = server.sql(WATCHER)
    time.sleep(1)
    began, at_first = time.monotonic(), seconds_on_a_core(watcher)
    ended, at_last = began, at_first
    while process.poll() is None:
        time.sleep(0.2)
        now = seconds_on_a_core(watcher)
        if now is not None:
            ended, at_last = time.monotonic(), now
    if process.returncode != 0 or ended - began < SECONDS / 2:
        raise SystemExit(f"the load ended after {ended - began:.1f} s with exit code {process.returncode}")
    return (at_last - at_first) / (ended - began)


def run(bench):
    server, data = bench.server, bench.sets[0]
    data.create(server)
    share = share_of_a_core(server, pgsluice(server, data, "--max-rate", f"{int(data.size / SECONDS)}B/s"))
    bench.page.add(f"The session that holds the load's lock, which asks once a second, uses {share * 1e3:.2f} ms of a core each second: {share:.3%}.")
    bench.page.add()
