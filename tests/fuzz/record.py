#!/usr/bin/env python3
"""Makes seeds for tests/fuzz/server_fuzz.cpp: runs its commands against a server, and writes down what the server says.
   record.py PROGRAM URL FOLDER WORD the server's URL (trust, superuser); FOLDER gets the seeds, those whose names have WORD
Each scenario has a database of its own. A seed's name says which it is, and the exit code: tests/faults/answers_test.cpp
plays each as it is, and wants that one. The format of a seed is told in dialogue.hpp."""
import pathlib, re, secrets, select, shutil, socket, subprocess, sys, threading, time

here = pathlib.Path(__file__).parent
commands = (here / "commands.txt").read_text().splitlines()
recorded_folder = b"/tmp/pgsluice-fuzz.XXXXXX"  # dialogue.hpp


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


def scenarios():
    """What is recorded: its name, the command's number, commands and SQL that run before it, and SQL that makes its table."""
    table = "create table t (id int primary key, v text)"
    checked = "create table t (id int, v text check (v <> 'b'))"
    first = lambda words: next(i for i, c in enumerate(commands) if words in c)
    for number in range(len(commands)):
        yield "new", number, [], table
        yield "ledger", number, [1, number], table
    yield "rejects", first("--max-rejects"), [1], checked
    yield "refused", 0, [1], checked
    yield "parts", 0, [1], ("create table t (id smallint, v varchar(1), d date default now()) partition by range (id);"
                            "create table t1 partition of t for values from (0) to (9)")
    yield "view", 0, [1], "create view t as select 1 as id, 'x' as v"
    yield "other", 1, [first("--jobs 1")], table
    up = first("migrate up")
    for number in (i for i, c in enumerate(commands) if c.startswith("migrate") and i != up):
        yield "applied", number, [up], table
    for number in (i for i, c in enumerate(commands) if "--defer" in c or "restore" in c):
        yield "index", number, [1], table + "; create index i on t (v)"
    # Three slots of the one job, two of the other.
    late = "update pgsluice.jobs set since = since - case job when 'j' then interval '2 hours' else interval '3 minutes' end"
    once = first("schedule run --once")
    for number in (i for i, c in enumerate(commands) if c.startswith("schedule run")):
        yield "due", number, [once, late], table
    yield "due", first("schedule history"), [once, late, once], table
    # A load that has not ended.
    for number in (i for i, c in enumerate(commands) if c.startswith("loads") or c == commands[1]):
        yield "unfinished", number, [first("--max-rejects 0")], checked


def ended(command):
    """Its exit code and stderr. A scheduler ends when it is told to."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if "run" in command and "--once" not in command and "schedule" in command:
        time.sleep(2)
        process.terminate()
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def main():
    program, url, target, word = sys.argv[1:]
    host, port = re.search(r"@([^:/]+):(\d+)/", url).groups()
    psql = lambda database, sql: subprocess.run(
        ["psql", "-X", "-q", "-d", re.sub(r"/[^/]*$", "/" + database, url), "-c", sql], check=True, capture_output=True)
    folder = pathlib.Path(f"/tmp/pgsluice-fuzz.{secrets.token_hex(3)}")
    for name, number, before, sql in scenarios():
        name = f"{number:02}-{commands[number].split()[0]}-{name}-exit"
        if word not in name:
            continue
        database = "pgsluice_record"
        psql("postgres", f"drop database if exists {database} with (force)")
        psql("postgres", f"create database {database}")
        psql(database, sql)
        where = "host=127.0.0.1 port={} user=postgres dbname=" + database + " sslmode=disable gssencmode=disable"
        run = lambda n, p: ended([program, *commands[n].replace("{folder}", str(folder)).split(), "-d", where.format(p)])
        shutil.copytree(here / "world", folder)
        for step in before:
            psql(database, step) if isinstance(step, str) else run(step, port)
        # Who plays this has files of the same names that are others: so has who records it.
        shutil.rmtree(folder)
        shutil.copytree(here / "world", folder)
        recorder = Recorder(host, int(port))
        exit_code, said = run(number, recorder.port)
        recorder.listener.close()
        shutil.rmtree(folder)
        bytes_ = seed(number, recorder.connections).replace(str(folder).encode(), recorded_folder)
        name += str(exit_code)
        print(f"{name:40} {len(recorder.connections)} connections, {len(bytes_)} bytes", said.strip().splitlines()[:1])
        (pathlib.Path(target) / name).write_bytes(bytes_)
        psql("postgres", f"drop database {database} with (force)")


main()
