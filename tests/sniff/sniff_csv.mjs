// What DuckDB's sniff_csv() says of files: their paths come on stdin, one a line; a line of JSON for each goes out.
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { DuckDBInstance } = require("@duckdb/node-api");
const connection = await (await DuckDBInstance.create()).connect();
for await (const path of readline.createInterface({ input: process.stdin })) {
  let said = { path };
  try {
    const reader = await connection.runAndReadAll(`select Delimiter, Quote, Escape, Comment, SkipRows, HasHeader from sniff_csv('${path.replaceAll("'", "''")}')`);
    said = { ...said, ...reader.getRowObjectsJson()[0] };
  } catch (error) {
    said.error = String(error).slice(0, 200);
  }
  console.log(JSON.stringify(said));
}
