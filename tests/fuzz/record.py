#!/usr/bin/env python3
"""Makes seeds for tests/fuzz/server_fuzz.cpp: runs its commands against a server, and writes down what the server says.
   record.py PROGRAM URL FOLDER      the server's URL (trust, superuser); FOLDER gets the seeds
Each scenario has a database of its own. The format of a seed is told in dialogue.hpp."""
import hashlib, os, pathlib, re, select, socket, subprocess, sys, tempfile, threading

here = pathlib.Path(__file__).parent
source = (here / "server_fuzz.cpp").read_text()
commands = (here / "commands.txt").read_text().splitlines()


class Recorder:
    """A proxy that keeps, for each connection, the bytes that the server sends."""

    def __init__(self, host, port):
        self.server = (host, port)
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            said = bytearray()
            self.connections.append(said)
            threading.Thread(target=self.serve, args=(client, said), daemon=True).start()

    def serve(self, client, said):
        server = socket.create_connection(self.server)
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    client.close()
                    server.close()
                    return
                if ready is server:
                    said += data
                (client if ready is server else server).sendall(data)


def seed(command, connections):
    out = bytearray([command])
    for i, said in enumerate(c for c in connections if c):
        if i:
            out += bytes(4)
        at = 0
        while at + 5 <= len(said):
            size = int.from_bytes(said[at + 1:at + 5], "big") - 4
            body = said[at + 5:at + 5 + size]
            out += bytes([said[at], 0]) + len(body).to_bytes(2, "little") + body
            at += 5 + size
    return bytes(out)


def world(folder):
    """The files that the target writes, taken from its own text."""
    files = dict(re.findall(r'write\("([^"]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', source))
    data = re.search(r'data = ("(?:[^"\\]|\\.)*");', source).group(1)
    unquoted = lambda text: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).encode().decode("unicode_escape")
    for path, text in list(files.items()) + [("data.csv", data)]:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(unquoted(text))


def main():
    program, url, target = sys.argv[1:]
    host, port = re.search(r"@([^:/]+):(\d+)/", url).groups()
    psql = lambda database, sql: subprocess.run(
        ["psql", "-X", "-q", "-d", re.sub(r"/[^/]*$", "/" + database, url), "-c", sql], check=True, capture_output=True)
    folder = pathlib.Path(tempfile.mkdtemp())
    world(folder)
    table = "create table t (id int primary key, v text)"
    scenarios = []
    for number in range(len(commands)):
        scenarios.append((number, [], table))                 # everything is new
        scenarios.append((number, [1, number], table))        # the ledger is there
    load = commands.index(next(c for c in commands if "--max-rejects" in c))
    scenarios.append((load, [1], "create table t (id int, v text check (v <> 'b'))"))
    scenarios.append((0, [1], "create table t (id int, v text check (v <> 'b'))"))
    scenarios.append((0, [1], "create table t (id smallint, v varchar(1), d date default now()) partition by range (id);"
                              "create table t1 partition of t for values from (0) to (9)"))
    scenarios.append((1, [7], table))
    scenarios.append((0, [1], "create view t as select 1 as id, 'x' as v"))
    up = commands.index(next(c for c in commands if c.startswith("migrate up")))
    for number in (i for i, c in enumerate(commands) if c.startswith("migrate") and i != up):
        scenarios.append((number, [up], table))
    for number in (i for i, c in enumerate(commands) if "--defer" in c or "restore" in c):
        scenarios.append((number, [1], table + "; create index i on t (v)"))
    for count, (number, before, sql) in enumerate(scenarios):
        database = f"record{count}"
        psql("postgres", f"drop database if exists {database} with (force)")
        psql("postgres", f"create database {database}")
        psql(database, sql)
        run = lambda n, p: subprocess.run(
            [program, *commands[n].replace("{folder}", str(folder)).split(), "-d",
             f"host=127.0.0.1 port={p} user=postgres dbname={database} sslmode=disable gssencmode=disable"],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        for n in before:
            run(n, port)
        recorder = Recorder(host, int(port))
        ended = run(number, recorder.port)
        recorder.listener.close()
        bytes_ = seed(number, recorder.connections)
        print(f"{commands[number][:60]:60} exit {ended.returncode}  {len(recorder.connections)} connections, {len(bytes_)} bytes",
              ended.stderr.strip().splitlines()[:1])
        (pathlib.Path(target) / hashlib.sha1(bytes_).hexdigest()).write_bytes(bytes_)
        psql("postgres", f"drop database {database} with (force)")


main()
