#!/usr/bin/env python3
"""Compares docs/openapi.yaml with a running server: each status of each operation is caused once, its type and what its schema
requires are looked at, and what the server answers beyond the document is an error too.

    tests/serve/openapi.py PGSLUICE
"""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
CSV = {"Content-Type": "text/csv"}
TOKENS = {"Authorization": "Bearer secret"}  # SHA-256: below
DIGEST = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
TABLE = "/v1/tables/{table}/loads"
CHECK = "/v1/tables/{table}/check"
ONE = "/v1/loads/{id}"


class Server:
    def __init__(self, program, url, flags):
        self.process = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "-d", url, *flags], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "listening" not in line:
            sys.exit(f"no server: {line}")
        self.port = int(line.rsplit(":", 1)[1])

    def call(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, target, body, {**(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read(), answer.headers

    def end(self):
        self.process.terminate()
        self.process.stderr.read()
        self.process.wait()


def without_length(server, target="/v1/tables/t/loads"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.putrequest("POST", target)
    connection.putheader("Content-Type", "text/csv")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read(), answer.headers


def resolved(node):
    while "$ref" in node:
        here = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            here = here[part]
        node = here
    return node


def rows(first, count):
    return "a,b\n" + "".join(f"{i},row {i}\n" for i in range(first, first + count))


def check(method, path, status, answer):
    """Whether an answer is what the document says."""
    got, kind, body, _ = answer
    if got != status:
        sys.exit(f"{method} {path}: {got} and not {status}: {body[:300]}")
    response = resolved(DOCUMENT["paths"][path][method.lower()]["responses"][str(status)])
    if "content" not in response:
        return
    (wanted, content), = response["content"].items() if kind.split(";")[0] in response["content"] and len(response["content"]) == 1 else [(None, None)]
    if wanted is None:
        sys.exit(f"{method} {path} {status}: {kind} is not in the document")
    schema = resolved(content.get("schema", {}))
    if schema:
        missing = [name for name in schema.get("required", []) if name not in json.loads(body)]
        if missing:
            sys.exit(f"{method} {path} {status}: lacks {missing}: {body[:300]}")


def items_are_as_written(path, body):
    """Each of a list has what its schema requires, and there is one."""
    properties = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    for name, schema in properties.items():
        if schema["type"] == "array":
            found = json.loads(body)[name]
            wanted = resolved(schema["items"])["required"]
            if not found or any(item not in found[0] for item in wanted):
                sys.exit(f"{path}: {name} is not as the document has it: {found[:1]}")


def jobs_and_migrations(base, program, url):
    """A job that has run, and a migration."""
    (base / "migrations").mkdir()
    (base / "migrations" / "V1__one.sql").write_text("create table one (a int);")
    (base / "j.csv").write_text("a,b\n900,x\n")
    (base / "pgsluice.toml").write_text('[[job]]\nname = "j"\ncron = "@daily"\nload = "j.csv"\ntable = "t"\nsettle = "0s"\n')
    run_jobs = [program, "schedule", "run", "--once", "--config", base / "pgsluice.toml", "-d", url]
    for command in ([program, "migrate", "up", "--dir", base / "migrations", "-d", url], run_jobs,
                    ["psql", "-qX", url, "-c", "update pgsluice.jobs set since = now() - interval '2 days'"], run_jobs):
        subprocess.run(command, check=True, capture_output=True)


def parts(open_, closed, saw, sql):
    """Uploads that go on."""
    path = "/v1/uploads/{upload}"
    headers = {"Content-Type": "application/partial-upload", "Upload-Offset": "0", "Upload-Complete": "?1"}

    def begun():
        return open_.call("POST", "/v1/tables/public.t/loads", "", {**CSV, "Upload-Complete": "?0"})[3]["Location"]

    def patch(status, upload, body, more=None, server=open_):
        saw("PATCH", path, status, server.call("PATCH", upload, body, {**headers, **(more or {})}))

    upload = begun()
    saw("HEAD", path, 204, open_.call("HEAD", upload))
    saw("HEAD", path, 401, closed.call("HEAD", upload))
    saw("HEAD", path, 404, open_.call("HEAD", "/v1/uploads/nix"))
    saw("DELETE", path, 405, open_.call("PUT", upload, "x", CSV))
    patch(401, upload, "x", server=closed)
    patch(400, upload, "x", {"Upload-Complete": "yes"})
    patch(404, "/v1/uploads/nix", "x")
    patch(409, upload, "x", {"Upload-Offset": "7"})
    patch(415, upload, "x", CSV)
    patch(204, upload, "a,b\n", {"Upload-Complete": "?0"})
    patch(201, upload, rows(600, 2))
    patch(422, begun(), "a,b\nzwei,x\n")
    sql("insert into pgsluice.uploads (upload_key, owner, target, arguments) "
        "select n::text, '', 't', '[]' from generate_series(1, 256) n")
    saw("POST", TABLE, 429, open_.call("POST", "/v1/tables/public.t/loads", "", {**CSV, "Upload-Complete": "?0"}))
    sql("delete from pgsluice.uploads where target = 't'")
    upload = begun()
    sql("update pgsluice.uploads set told_offset = 5 where answer is null")
    saw("HEAD", path, 410, open_.call("HEAD", upload))
    upload = begun()
    saw("DELETE", path, 401, closed.call("DELETE", upload))
    saw("DELETE", path, 204, open_.call("DELETE", upload))
    saw("DELETE", path, 404, open_.call("DELETE", upload))


def stored_elsewhere(open_, other, many, saw):
    """One that stands in the middle, in another server."""
    upload = open_.call("POST", "/v1/tables/public.slow/loads", "", {**CSV, "Upload-Complete": "?0"})[3]["Location"]
    headers = {"Content-Type": "application/partial-upload", "Upload-Offset": "0", "Upload-Complete": "?1"}
    sender = threading.Thread(target=open_.call, args=("PATCH", upload, many, headers))
    sender.start()
    running = []
    while not running:
        time.sleep(0.1)
        running = json.loads(open_.call("GET", "/v1/loads?table=public.slow&state=running")[2])["loads"]
    for method, body in (("HEAD", None), ("PATCH", many), ("DELETE", None)):
        saw(method, "/v1/uploads/{upload}", 503, other.call(method, upload, body, headers if body else {}))
    open_.call("DELETE", f"/v1/loads/{running[0]['load']}")
    sender.join()


def main():
    program = sys.argv[1]
    server = os.environ.get("PGSLUICE_TEST_URL")
    if server is None:
        own = str(ROOT / "script/private-postgres")
        os.execv(own, [own, "run", "max_connections=100", "--", sys.executable, __file__, program])
    name = f"pgsluice_openapi_{os.getpid()}"
    subprocess.run(["psql", "-qX", server, "-c", f"create database {name}"], check=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(program, server[:server.rindex("/") + 1] + name, pathlib.Path(folder))
    finally:
        subprocess.run(["psql", "-qX", server, "-c", f"drop database {name} with (force)"], check=True)


def run(program, url, base):
    def sql(text):
        subprocess.run(["psql", "-qX", url, "-v", "ON_ERROR_STOP=1", "-c", text], check=True)

    sql("create table t (a int primary key, b text)")
    (base / "tokens").write_text(f"x {DIGEST} - public.* -\n")
    open_ = Server(program, url, ["--max-body", "1MiB"])
    closed = Server(program, url, ["--tokens", base / "tokens"])
    other = Server(program, url, [])
    away = Server(program, "postgresql://127.0.0.1:1/nix", [])
    seen = set()

    def saw(method, path, status, answer):
        check(method, path, status, answer)
        seen.add((method, path, str(status)))
        return answer

    def post(server, path, status, body, query="", headers=CSV, table="public.t"):
        return saw("POST", path, status, server.call("POST", path.replace("{table}", table) + query, body, headers))

    def get(server, path, status, target=None, headers=None):
        return saw("GET", path, status, server.call("GET", target or path, headers=headers))

    try:
        stored = post(open_, TABLE, 201, rows(1, 10))
        post(open_, TABLE, 200, rows(1, 10))
        post(open_, TABLE, 400, rows(1, 1), "?nix")
        post(closed, TABLE, 401, rows(1, 1))
        post(closed, TABLE, 403, rows(1, 1), headers={**CSV, **TOKENS}, table="other.t")
        post(open_, TABLE, 404, rows(1, 1), table="nix")
        saw("POST", TABLE, 405, open_.call("PUT", "/v1/tables/t/loads", "x", CSV))
        post(open_, TABLE, 409, rows(1, 11))
        saw("POST", TABLE, 411, without_length(open_))
        post(open_, TABLE, 413, "x" * 1_100_000)
        post(open_, TABLE, 415, "x", headers={})
        post(open_, TABLE, 422, "a,b\nzwei,x\n")
        post(away, TABLE, 503, rows(1, 1))
        post(open_, CHECK, 200, rows(50, 2))
        post(open_, CHECK, 400, rows(1, 1), "?nix")
        post(closed, CHECK, 401, rows(1, 1))
        post(closed, CHECK, 403, rows(1, 1), headers={**CSV, **TOKENS}, table="other.t")
        post(open_, CHECK, 404, rows(1, 1), table="nix")
        post(open_, CHECK, 415, "x", headers={})

        parts(open_, closed, saw, sql)

        INSPECT = "/v1/inspect"
        post(open_, INSPECT, 200, rows(1, 10))
        post(open_, INSPECT, 400, rows(1, 1), "?nix")
        post(closed, INSPECT, 401, rows(1, 1))
        post(closed, INSPECT, 403, rows(1, 1), "?table=other.t", {**CSV, **TOKENS})
        saw("POST", INSPECT, 405, open_.call("PUT", INSPECT, "x", CSV))
        saw("POST", INSPECT, 411, without_length(open_, INSPECT))
        post(closed, INSPECT, 413, "x" * 1_048_577, headers={**CSV, **TOKENS})
        post(open_, INSPECT, 415, "x", headers={})
        post(open_, INSPECT, 422, "")
        get(open_, "/v1/permissions", 200)
        get(closed, "/v1/permissions", 401)
        saw("GET", "/v1/permissions", 405, open_.call("POST", "/v1/permissions", "x", CSV))

        page = get(closed, "/", 200)
        get(closed, "/", 304, headers={"If-None-Match": page[3]["ETag"]})
        saw("GET", "/", 405, open_.call("POST", "/", "x", CSV))
        get(closed, "/page/{file}", 200, "/page/app.js")

        get(open_, "/v1/loads", 200)
        get(open_, "/v1/loads", 400, "/v1/loads?count=x")
        get(closed, "/v1/loads", 401)
        saw("GET", "/v1/loads", 405, open_.call("POST", "/v1/loads", "x", CSV))
        here = stored[3]["Location"]
        get(open_, ONE, 200, here)
        get(closed, ONE, 401, here)
        get(open_, ONE, 404, "/v1/loads/9999")
        saw("DELETE", ONE, 401, closed.call("DELETE", here))
        saw("DELETE", ONE, 404, open_.call("DELETE", "/v1/loads/9999"))
        saw("DELETE", ONE, 409, open_.call("DELETE", here))
        rejected = post(open_, TABLE, 201, "a,b\n70,x\nzwei,x\n", "?max_rejects=1")
        for end in ("events", "rejects.csv", "rejects.jsonl"):
            path = ONE + "/" + end
            get(open_, path, 200, f"{rejected[3]['Location']}/{end}")
            get(closed, path, 401, f"{here}/{end}")
            get(open_, path, 404, f"/v1/loads/9999/{end}")
        jobs_and_migrations(base, program, url)
        for path, target in (("/v1/jobs", "/v1/jobs"), ("/v1/jobs/{name}/runs", "/v1/jobs/j/runs"), ("/v1/migrations", "/v1/migrations")):
            answer = get(open_, path, 200, target)
            items_are_as_written(path, answer[2])
            get(open_, path, 400, target + "?nix")
            get(closed, path, 401, target)
            get(closed, path, 403, target, TOKENS)
            get(away, path, 503, target)
        get(open_, "/v1/jobs/{name}/runs", 404, "/v1/jobs/nix/runs")
        saw("GET", "/v1/jobs", 405, open_.call("POST", "/v1/jobs", "x", CSV))
        get(open_, "/metrics", 200)
        get(closed, "/metrics", 401)
        get(open_, "/healthz", 200)
        get(open_, "/readyz", 200)
        get(away, "/readyz", 503)

        # One that stands in the middle, with what is stored of it.
        sql("create function wait() returns trigger language plpgsql as $$ begin if new.a = 999 then perform pg_sleep(600); end if; return new; end $$;"
            "create table slow (a int, b text); create trigger slow before insert on slow for each row execute function wait()")
        many = "a,b\n" + "".join(f"{i},{'x' * 100}\n" for i in [*range(1000, 9000), 999])
        under_way = post(open_, TABLE, 202, many, "", {**CSV, "Prefer": "respond-async"}, "public.slow")
        saw("DELETE", ONE, 200, open_.call("DELETE", under_way[3]["Location"]))
        stored_elsewhere(open_, other, many.replace("x", "y"), saw)
    finally:
        for server in (open_, closed, away, other):
            server.end()

    written = {(method.upper(), path, status)
               for path, item in DOCUMENT["paths"].items()
               for method, operation in item.items() if method != "parameters"
               for status in operation["responses"]}
    if written - seen:
        sys.exit(f"in the document, and not seen: {sorted(written - seen)}")
    print(f"{len(seen)} answers of {len(DOCUMENT['paths'])} addresses are as docs/openapi.yaml has them")


if __name__ == "__main__":
    main()
