"""Packed files: beside the program that unpacks them piped into psql, and beside the plain file."""

import shutil
import subprocess

from ..loaders import PSQL, Loader, by_pgsluice, by_psql, pgsluice
from ..turns import measure

# how a file is packed, with which suffix, and which program gives it back
PACKINGS = [("gz", ["gzip", "-6"], "zcat"), ("zst", ["zstd", "-q", "-3"], "zstdcat"), ("lz4", ["lz4", "-q"], "lz4cat"),
            ("xz", ["xz", "-1", "-T2"], "xzcat"), ("bz2", ["bzip2", "-9"], "bzcat")]


def pack(data, suffix, command):
    path = f"{data.path}.{suffix}"
    with open(data.path, "rb") as source, open(path, "wb") as out:
        subprocess.run([*command, "-c"], stdin=source, stdout=out, check=True)
    return path


def piped(first, second):
    return ["sh", "-c", f"{first} | {second}"]


def run(bench):
    server, page = bench.server, bench.page
    for data in bench.sets:
        loaders = [by_psql(server, data), by_pgsluice(server, data)]
        stdin = f"{' '.join(pgsluice(server, data, path='-'))}"
        for suffix, command, unpack in PACKINGS:
            if not shutil.which(command[0]):
                continue
            path = pack(data, suffix, command)
            copy = f"{server.psql} -X -q {server.url} -c '\\copy {data.name} from stdin (format csv, header)'"
            loaders.append(Loader(f"{unpack} into {PSQL}", [piped(f"{unpack} {path}", copy)]))
            loaders.append(Loader(f"{unpack} into pgsluice load -", [piped(f"{unpack} {path}", stdin)]))
            loaders.append(Loader(f"pgsluice load f.csv.{suffix}", [pgsluice(server, data, path=path)]))
        results = measure(server, data, loaders, bench.rounds)
        plain = results["pgsluice"]["rate"]
        rows = []
        for name, result in results.items():
            unpack = name.split(".")[-1]
            piped_psql = next((results[f"{u} into {PSQL}"]["rate"] for s, _, u in PACKINGS if s == unpack and f"{u} into {PSQL}" in results),
                              results[PSQL]["rate"] if name == "pgsluice" else None)
            rows.append([name, f"{result['rate'] / 1e3:,.0f} k", f"{result['rate'] / plain:.2f}",
                         f"{result['rate'] / piped_psql:.2f}" if piped_psql else "", f"{result['rss']:.0f} MiB",
                         f"{result['spread']:.0%}"])
        page.add(f"{data.name}, {data.size / 1e6:,.0f} MB unpacked.")
        page.add()
        page.table(["loader", "rows/s", "of the plain file's", f"times {PSQL} of the same", "peak memory", "spread"], rows)
