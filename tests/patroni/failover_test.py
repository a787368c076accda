#!/usr/bin/env python3
"""failover_test.py PGSLUICE: loads into a cluster of two servers that Patroni runs, behind HAProxy and by a list of hosts. In the middle
of the load the leader is killed, with the Patroni that watches it: the other one takes its place, and each row is there once. Ends with
77 where patroni, etcd or haproxy is not installed."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PROGRAM = sys.argv[1]
ROWS = 400_000
PATIENCE = 180  # seconds
NAMES = ("one", "two")


def binaries():
    """Where PostgreSQL's programs are."""
    given = os.environ.get("PGSLUICE_PG_BIN")
    return given or str(max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)))


def free_ports(count):
    taken = [socket.socket() for _ in range(count)]
    for one in taken:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


def wait_for(what, is_so):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} has not come within {PATIENCE} s")
        time.sleep(0.1)


class Cluster:
    """Two servers, the store in which Patroni keeps who leads, and HAProxy in front of the leader."""

    def __init__(self, folder, is_synchronous):
        self.folder, self.is_synchronous, self.running = folder, is_synchronous, {}
        self.store, self.peers, self.front, *ports = free_ports(3 + 2 * len(NAMES))
        self.ports = dict(zip(NAMES, ports))
        self.watched = dict(zip(NAMES, ports[len(NAMES):]))
        self.start("etcd", ["etcd", "--data-dir", str(folder / "etcd"), "--name", "etcd", "--logger", "zap",
                            "--listen-client-urls", f"http://127.0.0.1:{self.store}", "--advertise-client-urls", f"http://127.0.0.1:{self.store}",
                            "--listen-peer-urls", f"http://127.0.0.1:{self.peers}",
                            "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.peers}",
                            "--initial-cluster", f"etcd=http://127.0.0.1:{self.peers}"])
        wait_for("etcd", lambda: self.asks(f"http://127.0.0.1:{self.store}/health"))
        for name in NAMES:
            self.start(name, ["patroni", str(self.configure(name))])
            wait_for(f"server {name}", lambda: self.asks(f"http://127.0.0.1:{self.watched[name]}/health"))
        wait_for("a replica", lambda: self.asks(f"http://127.0.0.1:{self.watched['two']}/replica"))
        if is_synchronous:
            wait_for("a synchronous replica", lambda: self.asks(f"http://127.0.0.1:{self.watched['two']}/synchronous"))
        servers = "\n".join(f"  server {name} 127.0.0.1:{self.ports[name]} check port {self.watched[name]}" for name in NAMES)
        (folder / "haproxy.cfg").write_text(
            "defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 10m\n  timeout server 10m\n  timeout check 2s\n"
            f"listen leader\n  bind 127.0.0.1:{self.front}\n  option httpchk GET /primary\n  http-check expect status 200\n"
            f"  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions\n{servers}\n", encoding="utf-8")
        self.start("haproxy", ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")])
        wait_for("the leader behind HAProxy", lambda: subprocess.run(["psql", "-XAtqc", "select", self.by_proxy()], capture_output=True, check=False).returncode == 0)

    def configure(self, name):
        data = self.folder / name
        configuration = {
            "scope": "pgsluice", "name": name, "restapi": {"listen": f"127.0.0.1:{self.watched[name]}", "connect_address": f"127.0.0.1:{self.watched[name]}"},
            "etcd3": {"host": f"127.0.0.1:{self.store}"},
            "bootstrap": {"dcs": {"ttl": 5, "loop_wait": 1, "retry_timeout": 2, "maximum_lag_on_failover": 1 << 40, "synchronous_mode": self.is_synchronous,
                                  "postgresql": {"use_pg_rewind": False, "parameters": {"max_connections": 40}}},
                          "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "trust"}]},
            "postgresql": {"listen": f"127.0.0.1:{self.ports[name]}", "connect_address": f"127.0.0.1:{self.ports[name]}", "data_dir": str(data),
                           "bin_dir": binaries(), "pgpass": str(self.folder / f"{name}.pgpass"),
                           "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"}},
                           "parameters": {"unix_socket_directories": str(self.folder)}, "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust", "local all all trust"]}}
        path = self.folder / f"{name}.yml"  # JSON is YAML
        path.write_text(json.dumps(configuration), encoding="utf-8")
        return path

    def start(self, name, command):
        """As a group of its own, as PostgreSQL's user where this one is root."""
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        log = open(self.folder / f"{name}.log", "wb")
        self.running[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=self.folder,
                                              user=user and user.pw_uid, group=user and user.pw_gid, extra_groups=user and [])

    @staticmethod
    def asks(url):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def leads(self, name):
        return self.asks(f"http://127.0.0.1:{self.watched[name]}/primary")

    def by_hosts(self):
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def by_proxy(self):
        return f"postgresql://postgres@127.0.0.1:{self.front}/postgres"

    def ask(self, name, sql):
        return subprocess.run(["psql", "-XAtq", f"postgresql://postgres@127.0.0.1:{self.ports[name]}/postgres", "-c", sql],
                              capture_output=True, text=True, check=True).stdout.strip()

    def kill(self, name):
        """The server, and what would start it again."""
        pid = int((self.folder / name / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.killpg(self.running[name].pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        self.running.pop(name).wait()

    def end(self):
        for name in NAMES:
            if name in self.running:
                self.running[name].send_signal(signal.SIGTERM)
        for name, process in self.running.items():
            if name not in NAMES:
                process.kill()
            process.wait()


def has_chunks(cluster):
    return (cluster.ask("one", "select to_regclass('pgsluice.chunks') is not null") == "t"
            and int(cluster.ask("one", "select count(*) from pgsluice.chunks")) > 10)


def load_through_failover(folder, csv, is_synchronous, way):
    cluster = Cluster(folder, is_synchronous)
    loading = None
    try:
        wait_for("a leader", lambda: cluster.leads("one"))
        cluster.ask("one", "create table t (id int, v text)")
        wait_for("the table", lambda: cluster.ask("two", "select to_regclass('t') is not null") == "t")
        loading = subprocess.Popen([PROGRAM, "load", str(csv), "-t", "t", "-d", way(cluster), "-v", "--progress", "none", "--chunk-size", "64KiB",
                                    "--max-rate", "2MB/s", "--wait", "1min", "--retry-for", "3min", "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for("a part of the load", lambda: loading.poll() is not None or has_chunks(cluster))
        if loading.poll() is None:
            cluster.kill("one")
        said, _ = loading.communicate(timeout=PATIENCE)
        if loading.returncode != 0:
            raise SystemExit(f"the load ended with {loading.returncode}:\n{said}")
        found = cluster.ask("two", "select count(*), count(distinct id), (select string_agg(state, ' ') from pgsluice.loads) from t")
        if found != f"{ROWS}|{ROWS}|finished":
            raise SystemExit(f"the new leader has {found}:\n{said}")
        print(f"each row once, {'synchronous' if is_synchronous else 'asynchronous'}, {way.__name__}")
    except BaseException:
        if loading is not None:
            loading.kill()
            print("--- the load", loading.communicate()[0], sep="\n")
        for log in folder.glob("*.log"):
            print(f"--- {log.name}", log.read_text(encoding="utf-8", errors="replace")[-4000:], sep="\n")
        raise
    finally:
        cluster.end()


def main():
    if not all(shutil.which(program) for program in ("patroni", "etcd", "haproxy")):
        print("patroni, etcd and haproxy are not all installed")
        sys.exit(77)
    for is_synchronous, way in ((True, Cluster.by_hosts), (False, Cluster.by_proxy)):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            csv = folder / "in.csv"
            with open(csv, "w", encoding="utf-8") as out:
                out.write("id,v\n")
                out.writelines(f'{row},"value\n{row * 7}"\n' for row in range(ROWS))
            if os.geteuid() == 0:
                shutil.chown(folder, "postgres", "postgres")
            load_through_failover(folder, csv, is_synchronous, way)


main()
