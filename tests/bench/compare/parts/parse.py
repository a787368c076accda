"""The client's side alone, by micro_bench."""

import json

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
    page.add("A value of each type, in nanoseconds:")
    page.add()
    page.add(", ".join(f"{name} {runs['codec']['ns_per_value']:.0f}" for name, runs in results.items() if "codec" in runs) + ".")
    page.add()
