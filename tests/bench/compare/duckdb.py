"""DuckDB as a peer that looks at files: npm's @duckdb/node-api, fetched where a flag asks for it."""

import pathlib
import re
import shutil
import subprocess
import sys

VERSION = "1.5.6-r.1"

SUMMARIZE = """
const { DuckDBInstance } = require("@duckdb/node-api");
(async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const path = process.argv[1].replaceAll("'", "''");
  const reader = await connection.runAndReadAll(`summarize select * from read_csv('${path}', sample_size = -1)`);
  console.log(reader.getRowsJson());
})();
"""

READ = """
const { DuckDBInstance } = require("@duckdb/node-api");
(async () => {
  const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
  const path = process.argv[1].replaceAll("'", "''");
  const ask = `select count(columns(*)) from read_csv('${path}', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = ${process.argv[2]})`;
  const seconds = [];
  for (let round = 0; round < Number(process.argv[3]); ++round) {
    const began = process.hrtime.bigint();
    await connection.runAndReadAll(ask);
    seconds.push(Number(process.hrtime.bigint() - began) / 1e9);
  }
  console.log(seconds.join("\\n"));
})();
"""
TYPES = {"int": "INTEGER", "bigint": "BIGINT", "float8": "DOUBLE", "text": "VARCHAR"}  # of PostgreSQL's names, where it has another


def fetch(folder):
    """Its folder, with what npm puts there."""
    if not (pathlib.Path(folder) / "node_modules/@duckdb/node-api").is_dir():
        if shutil.which("npm") is None:
            sys.exit("--duckdb: there is no npm that could fetch it")
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, f"@duckdb/node-api@{VERSION}"], check=True,
                       stdout=subprocess.DEVNULL)
    return str(pathlib.Path(folder).resolve())


def summarize(folder, path):
    """The command: of all rows each column's type, smallest and largest value, how many are different, quartiles."""
    return ["env", f"NODE_PATH={folder}/node_modules", "node", "-e", SUMMARIZE, path]


def seconds_to_read(folder, data, rounds):
    """Of each round: one thread reads the file with its columns' types, and counts what is not NULL. Without the program's start."""
    columns = {}
    for name, kind in re.findall(r"(\w+) (\w+(?:\([\d,]+\))?)", data.columns):
        columns[name] = TYPES.get(kind, re.sub(r"^(var)?char\(.*", "varchar", kind))
    listed = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
    out = subprocess.run(["env", f"NODE_PATH={folder}/node_modules", "node", "-e", READ, data.path, listed, str(rounds)], check=True,
                         capture_output=True, text=True).stdout
    return [float(line) for line in out.split()]
