#!/usr/bin/env python3
"""Compares what each command writes with --output json with tests/json/shapes.json, where nothing more is allowed than is written there, and
docs/json.md with the commands that there are. Each is run where it ends well and where it fails.

    tests/json/shapes.py PGSLUICE
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:  # Debian's packages belong to Debian's Python
    if sys.executable == "/usr/bin/python3":
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = json.loads((ROOT / "tests/json/shapes.json").read_text())
DOCUMENT = (ROOT / "docs/json.md").read_text()
NOWHERE = "postgresql://127.0.0.1:1/x"
seen, complaints = set(), []


def complain(what):
    complaints.append(what)
    print(what, file=sys.stderr)


def compare(shape, value, what):
    seen.add(shape)
    schema = {"$schema": SHAPES["$schema"], "$defs": SHAPES["$defs"], "$ref": f"#/$defs/{shape}"}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        complain(f"{what}: {'/'.join(map(str, error.absolute_path)) or 'it'}: {error.message[:300]}")


class Commands:
    def __init__(self, program, url, folder):
        self.program, self.url, self.folder = program, url, pathlib.Path(folder)

    def run(self, arguments):
        return subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120)

    def is_too_new(self):
        """pg_dump refuses a server that is newer than it."""
        server = subprocess.run(["psql", "-X", "-A", "-t", self.url, "-c", "show server_version_num"], check=True, capture_output=True, text=True).stdout
        dump = subprocess.run(["pg_dump", "--version"], check=True, capture_output=True, text=True).stdout
        return int(server) // 10000 > int(re.search(r"(\d+)", dump).group(1))

    def gives(self, shape, exit_code, *arguments, connects=True, database=None):
        """`shape` is the command, or "failed"."""
        arguments = [*arguments, "--output", "json", *(["-d", database or self.url] if connects else [])]
        what = "pgsluice " + " ".join(arguments)
        done = self.run(arguments)
        if done.returncode != exit_code:
            return complain(f"{what}: exit code {done.returncode} and not {exit_code}: {done.stderr}")
        try:
            value = json.loads(done.stdout)
        except ValueError:
            return complain(f"{what}: no JSON: {done.stdout!r}")
        compare(shape, value, what)
        if isinstance(value, dict) and value.get("exit_code", exit_code) != exit_code:
            complain(f"{what}: says exit code {value['exit_code']}, and ends with {exit_code}")
        if shape == "failed" and not (" ".join(arguments) + " ").startswith(value["command"] + " "):
            complain(f"{what}: calls itself {value['command']!r}")
        return value

    def sql(self, statements):
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url, "-c", statements], check=True)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def loads(on):
    on.sql("create table t (id int primary key, v text); create table u (id int, load bigint)")
    on.write("a.csv", "id,v\n1,a\n2,b\n")
    on.write("b.csv", "id,v\n3,a\nx,b\n")
    on.write("c.csv", "id\n7\n8\n")
    on.write("d.csv", "id,w\n9,1\n")
    on.gives("load", 0, "load", "a.csv", "-t", "t")
    on.gives("load", 0, "load", "a.csv", "-t", "t")
    on.gives("load", 0, "load", "a.csv", "-t", "t", "--again", "--dry-run")
    on.gives("load", 3, "load", "b.csv", "-t", "t", "--max-rejects", "5")
    on.gives("load", 5, "load", "b.csv", "-t", "t", "--max-rejects", "0", "--again")
    on.gives("load", 1, "load", "b.csv", "-t", "t", "--again")
    on.gives("load", 2, "load", "a.csv", "nothing.csv", "-t", "t", "--keep-going")
    on.gives("load", 0, "load", "c.csv", "-t", "u", "--add", "load=:load")
    on.gives("load", 0, "load", "a.csv", "-t", "made", "--create")
    on.gives("load", 2, "load", "d.csv", "-t", "t")
    on.gives("load", 4, "load", "a.csv", "-t", "t", "--retry-for", "0s", database=NOWHERE)
    on.gives("failed", 2, "load", "--bogus", connects=False)
    on.gives("check", 3, "check", "a.csv", "b.csv", "-t", "t")
    on.gives("check", 1, "check", "a.csv", "-t", "nowhere")
    on.gives("failed", 2, "check", "--bogus", connects=False)
    on.gives("inspect", 0, "inspect", "a.csv", "b.csv", connects=False)
    on.gives("failed", 2, "inspect", "nothing.csv", connects=False)
    on.gives("doctor", 0, "doctor", "-t", "t")
    on.gives("doctor", 1, "doctor", "-t", "nowhere")
    on.gives("doctor", 4, "doctor", database=NOWHERE)
    on.gives("failed", 2, "doctor", "-t", "a..b")
    on.gives("loads", 0, "loads")
    on.gives("loads show", 0, "loads", "show", "1")
    on.gives("failed", 1, "loads", "show", "99")
    on.gives("failed", 4, "loads", database=NOWHERE)
    on.gives("loads restore", 0, "loads", "restore", "1")
    on.gives("failed", 1, "loads", "restore", "99")
    on.gives("loads forget", 0, "loads", "forget", "1")
    number = on.gives("loads", 0, "loads", "--table", "u")[0]["load"]
    on.gives("loads undo", 0, "loads", "undo", str(number), "--table", "u", "--column", "load", "--dry-run")
    on.gives("loads undo", 0, "loads", "undo", str(number), "--table", "u", "--column", "load")
    on.gives("failed", 1, "loads", "undo", "1", "--table", "t", "--column", "id")
    on.gives("loads prune", 0, "loads", "prune", "--older", "1s")
    on.gives("failed", 2, "loads", "prune")


def migrations(on):
    on.write("m/V001__one.sql", "create table m1 (i int);\n")
    on.write("m/V002__two.sql", "select nonsense;\n")
    on.write("ok.sql", "select 1;\n")
    folder = ["--dir", "m"]
    on.gives("migrate status", 10, "migrate", "status", *folder)
    on.gives("migrate plan", 0, "migrate", "plan", *folder)
    on.gives("migrate lint", 0, "migrate", "lint", *folder, "--fail-on", "never", connects=False)
    on.gives("failed", 2, "migrate", "lint", *folder, "--exclude", "x", connects=False)
    on.gives("migrate plan", 1, "migrate", "plan", *folder, "--lint", "--trace")
    on.gives("migrate up", 1, "migrate", "up", *folder)
    on.write("m/V002__two.sql", "select 1;\n")
    on.gives("migrate up", 0, "migrate", "up", *folder, "--dry-run")
    on.gives("migrate up", 0, "migrate", "up", *folder)
    on.gives("migrate up", 0, "migrate", "up", *folder)
    on.gives("migrate status", 0, "migrate", "status", *folder)
    on.gives("migrate plan", 0, "migrate", "plan", *folder)
    on.gives("migrate new", 0, "migrate", "new", "three", *folder, connects=False)
    on.write("m/V001__one.sql", "create table m1 (i bigint);\n")
    on.gives("migrate status", 7, "migrate", "status", *folder)
    on.gives("failed", 7, "migrate", "plan", *folder)
    on.gives("migrate repair", 0, "migrate", "repair", *folder, "--accept", "1")
    on.gives("failed", 2, "migrate", "repair", *folder)
    on.gives("failed", 2, "migrate", "baseline", "1", *folder)
    on.gives("migrate baseline", 0, "migrate", "baseline", "1", *folder, "--project", "other")
    on.gives("migrate run", 0, "migrate", "run", "ok.sql")
    on.gives("failed", 2, "migrate", "run", "nothing.sql")
    on.gives("failed", 4, "migrate", "status", *folder, "--wait", "0", database=NOWHERE)
    on.gives("failed", 2, "migrate", "up", "--bogus", connects=False)
    on.gives("migrate verify", 7, "migrate", "verify", *folder)
    on.gives("migrate verify", 0, "migrate", "verify", *folder, "--build-only")
    on.gives("failed", 2, "migrate", "verify", "--dir", "nowhere")
    if not on.is_too_new():
        on.gives("migrate dump", 0, "migrate", "dump", *folder)
        on.gives("migrate dump", 7, "migrate", "dump", "schema.dump", *folder, "--check")
        on.gives("migrate dump", 0, "migrate", "dump", "schema.dump", *folder)
        on.gives("failed", 2, "migrate", "load-schema", "schema.dump", *folder)
        on.sql("drop database if exists of_dump")
        on.sql("create database of_dump")
        on.gives("migrate load-schema", 0, "migrate", "load-schema", "schema.dump", *folder, database=on.url.rsplit("/", 1)[0] + "/of_dump")
    on.sql("create schema tenant_1; create schema tenant_2; create table tenant_2.m1 (i int)")
    on.write("tenants/001_a.sql", "create table m1 (i int);\n")
    on.gives("migrate up", 1, "migrate", "up", "--dir", "tenants", "--schemas", "tenant_%")
    on.gives("failed", 2, "migrate", "up", "--dir", "tenants", "--schemas", "nobody_%")
    on.write("long/001_a.sql", "create table s1 (i int);\n")
    on.write("long/002_b.sql", "create table s2 (i int);\n")
    if not on.is_too_new():
        on.gives("migrate squash", 0, "migrate", "squash", "--dir", "long", "--to", "2", "--yes")
        on.gives("failed", 2, "migrate", "squash", "--dir", "long", "--to", "2", "--yes")
    # files with a way back, and a history that another tool began
    on.write("back/001_one.up.sql", "create table b1 (i int);\n")
    on.write("back/001_one.down.sql", "drop table b1;\n")
    back = ["--dir", "back", "--project", "back"]
    on.gives("migrate up", 0, "migrate", "up", *back)
    on.gives("migrate redo", 0, "migrate", "redo", *back, "--yes")
    on.gives("migrate down", 0, "migrate", "down", *back, "--yes")
    on.gives("failed", 2, "migrate", "down", *back, "--steps", "1", "--to", "1")
    on.sql("create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (1, false)")
    on.gives("migrate adopt", 0, "migrate", "adopt", "--dir", "back", "--project", "theirs", "--from", "golang-migrate", "--yes")
    on.gives("failed", 2, "migrate", "adopt", "--from", "nobody")


def schedules(on):
    on.write("fails.sql", "select nonsense;\n")
    (on.folder / "told").touch()
    job = '[[job]]\nname = "{}"\ncron = "@every 24h"\nsql = "{}.sql"\n'
    hooks = 'on_failure = ["sh", "-c", "cat >> told"]\non_success = ["sh", "-c", "cat >> told"]\n'
    on.write("pgsluice.toml", 'project = "p"\n' + job.format("fine", "ok") + hooks + job.format("bad", "fails") + hooks)
    on.gives("schedule status", 1, "schedule", "status")
    log = on.run(["schedule", "run", "--once", "--log", "json", "-d", on.url]).stderr
    on.sql("update pgsluice.jobs set since = now() - interval '50 hours'")
    on.gives("schedule status", 1, "schedule", "status")
    log += on.run(["schedule", "run", "--once", "--log", "json", "-d", on.url]).stderr
    for line in log.splitlines():
        compare("log line", json.loads(line), line)
    told = (on.folder / "told").read_text().splitlines()
    if len(told) != 2:
        complain(f"two hooks are told, and not {len(told)}")
    for line in told:
        compare("hook", json.loads(line), line)
    on.gives("schedule status", 0, "schedule", "status")
    on.gives("schedule history", 0, "schedule", "history")
    on.gives("failed", 4, "schedule", "history", database=NOWHERE)
    on.gives("failed", 2, "schedule", "status", "--config", "nothing.toml")
    on.gives("schedule next", 0, "schedule", "next", "@daily", connects=False)
    on.gives("failed", 2, "schedule", "next", "nonsense", connects=False)


def commands_with_json(on, path=()):
    """As the help has them."""
    text = on.run([*path, "--help"]).stdout
    found = re.findall(r"^  --output text\|json", text, re.MULTILINE)
    below = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    names = re.findall(r"^  (\S+) ", below.group(1), re.MULTILINE) if below else []
    yield from [" ".join(path)] if found else []
    for name in names:
        yield from commands_with_json(on, (*path, name))


def main():
    url = os.environ.get("PGSLUICE_TEST_URL")
    if not url:
        script = ROOT / "script/private-postgres"
        os.execv(script, [script, "run", "--", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as folder:
        on = Commands(sys.argv[1], url, folder)
        name = f"shapes_{os.getpid()}"
        on.sql(f"create database {name}")
        on.url = re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", url)
        try:
            loads(on)
            migrations(on)
            schedules(on)
            commands = list(commands_with_json(on))
            is_too_new = on.is_too_new()
        finally:
            on.url = url
            on.sql(f"drop database {name} with (force)")
    dumped = ("migrate dump", "migrate load-schema", "migrate squash") if is_too_new else ()
    for command in commands:
        if command not in seen and command not in dumped:
            complain(f"pgsluice {command}: its JSON is compared with nothing")
        if f"`{command}`" not in DOCUMENT:
            complain(f"docs/json.md has no `{command}`")
    for shape in SHAPES["$defs"]:
        for field in SHAPES["$defs"][shape].get("properties", {}):
            if f"`{field}`" not in DOCUMENT:
                complain(f"docs/json.md has no `{field}` (of {shape})")
    if complaints:
        sys.exit(f"{len(complaints)} complaints")
    print(f"{len(commands)} commands, {len(seen)} shapes: as documented")


main()
