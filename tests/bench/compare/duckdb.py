"""DuckDB as a peer that looks at files: npm's @duckdb/node-api, fetched where a flag asks for it."""

import pathlib
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
