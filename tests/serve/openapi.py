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
        return None if not body else sys.exit(f"{method} {path} {status}: it has a body: {body[:300]}")
    (wanted, content), = response["content"].items() if kind.split(";")[0] in response["content"] and len(response["content"]) == 1 else [(None, None)]
    if wanted is None:
        sys.exit(f"{method} {path} {status}: {kind} is not in the document")
    schema = resolved(content.get("schema", {}))
    if schema:
        missing = [name for name in schema.get("required", []) if name not in json.loads(body)]
        if missing:
            sys.exit(f"{method} {path} {status}: lacks {missing}: {body[:300]}")


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
    (base / "rejects").mkdir()
    (base / "tokens").write_text(f"x {DIGEST} - public.* -\n")
    open_ = Server(program, url, ["--rejects-to", base / "rejects", "--max-body", "1MiB"])
    closed = Server(program, url, ["--tokens", base / "tokens"])
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
    finally:
        for server in (open_, closed, away):
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
