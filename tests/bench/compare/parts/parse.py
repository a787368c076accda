"""The client's side alone, by micro_bench."""

import json
import statistics

from ..duckdb import seconds_to_read
from ..paths import tool


def run(bench):
    page = bench.page
    out = tool("micro_bench", "--benchmark_format=json", "--benchmark_min_time=0.5", "--benchmark_filter=/")
    results = {}
    for measured in json.loads(out)["benchmarks"]:
        kind, _, name = measured["name"].partition("/")
        results.setdefault(name, {})[kind] = measured
    rate = lambda data, kind: f"{results[data.name][kind]['bytes_per_second'] / 1e9:.2f}"
    page.table(["data", "scan GB/s", "scan without vector instructions", "parse", "scan, parse and encode", "ns/row"], [
        [data.name, *(rate(data, kind) for kind in ("scan", "scan_portable", "parse", "scan_and_encode")),
         f"{results[data.name]['scan_and_encode']['ns_per_row']:.0f}"]
        for data in bench.sets])
    if bench.duckdb:
        beside_duckdb(bench, {data.name: results[data.name]["scan_and_encode"]["bytes_per_second"] for data in bench.sets})
    page.add("A value of each type, in nanoseconds:")
    page.add()
    page.add(", ".join(f"{name} {runs['codec']['ns_per_value']:.0f}" for name, runs in results.items() if "codec" in runs) + ".")
    page.add()


def beside_duckdb(bench, rates):
    lines = []
    for data in bench.sets:
        theirs = data.size / statistics.median(seconds_to_read(bench.duckdb, data, bench.rounds))
        lines.append([data.name, f"{rates[data.name] / 1e6:,.0f}", f"{theirs / 1e6:,.0f}", f"{rates[data.name] / theirs:.1f}"])
    bench.page.add("Beside DuckDB, which reads the file with the same types by one thread, and counts what is not NULL; MB/s:")
    bench.page.add()
    bench.page.table(["data", "scan, parse and encode", "DuckDB", "times DuckDB"], lines)
