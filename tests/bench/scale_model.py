#!/usr/bin/env python3
"""How long a load of one large source takes on several hosts (load --join), from what its parts were measured at.

    tests/bench/scale_model.py                                 1 TB on 1 to 16 hosts of 8 cores, into a server of 16
    tests/bench/scale_model.py --source-mb 120 --server-cores 64

Fluid, but for the ends: each host reads, scans, encodes and sends at the rate of its slowest part, the server takes what the slowest of its
parts lets it, and shares that evenly. A host that dies (--dies) has its segments taken over when its lease is over. The default rates are
narrow rows', as they were measured. Where yours come from: --client-us and --server-us are the CPU columns of `script/bench --parts jobs` (or
`main`), --scan-gb is `micro_bench --benchmark_filter=segment_scan`, --written-bytes is what pg_wal_lsn_diff() and pg_relation_size() say of a
load, by its rows; --source-mb and --link-mb are of your network, and --server-disk-mb of your server's disk."""

import argparse
import dataclasses
import sys

SEGMENT_BYTES = 64 * 1024 * 1024  # load --segment-size


@dataclasses.dataclass
class Parts:
    """Of one host, but for those of the server."""
    bytes: float = 1e12
    row_bytes: float = 69
    cores: float = 8
    source_mb: float = 500
    link_mb: float = 1250
    sent_bytes: float = 70
    scan_gb: float = 3
    client_us: float = 0.2
    server_us: float = 0.8
    server_cores: float = 16
    written_bytes: float = 134
    server_disk_mb: float = 1000
    server_link_mb: float = 1250
    lease: float = 60
    dies: int = 0

    @property
    def rows(self):
        return self.bytes / self.row_bytes


def host_rates(p):
    """Rows a second that each part of a host lets through."""
    # Scanning and encoding are on the same cores: seconds of a core for each row.
    core = p.client_us * 1e-6 + p.row_bytes / (p.scan_gb * 1e9)
    return {"its way to the source": p.source_mb * 1e6 / p.row_bytes,
            "its cores": p.cores / core,
            "its way to the server": p.link_mb * 1e6 / p.sent_bytes}


def server_rates(p):
    return {"the server's cores": p.server_cores / (p.server_us * 1e-6),
            "the server's disk": p.server_disk_mb * 1e6 / p.written_bytes,
            "the server's network": p.server_link_mb * 1e6 / p.sent_bytes}


def slowest(rates):
    return min(rates.items(), key=lambda named: named[1])


@dataclasses.dataclass
class Run:
    hosts: int
    rows_per_second: float
    seconds: float
    limit: str


def run(p, hosts):
    """Of that many hosts, of which p.dies die when half is stored."""
    host, of_host = slowest(host_rates(p))
    server, of_server = slowest(server_rates(p))

    def rate(alive):
        return min(alive * of_host, of_server)

    # Nothing is stored before the first segment is read and scanned; at the end hosts wait for the last ones.
    segment_rows = SEGMENT_BYTES / p.row_bytes
    first = SEGMENT_BYTES / (p.source_mb * 1e6)
    last = segment_rows / (rate(hosts) / hosts) / 2
    left = hosts - min(p.dies, hosts - 1)
    seconds = first + p.rows / 2 / rate(hosts) + p.rows / 2 / rate(left) + last
    if left < hosts:
        # What they had in hand is done again; when the lease is over at the end, it is waited for.
        again = (hosts - left) * segment_rows / rate(left)
        seconds += again + max(0.0, p.lease - p.rows / 2 / rate(left))
    limit = server if of_server <= hosts * of_host else f"{host}, of each host"
    return Run(hosts, p.rows / seconds, seconds, limit)


def enough_hosts(p):
    """From so many on the server is the limit: more do not help."""
    of_host, of_server = slowest(host_rates(p))[1], slowest(server_rates(p))[1]
    return max(1, -int(-of_server // of_host))


def time_text(seconds):
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def report(p, counts):
    lines = [f"{p.bytes / 1e12:g} TB, {p.rows / 1e9:,.1f} thousand million rows", "",
             "| hosts | rows/s | MB/s | time | limit |", "|---|---|---|---|---|"]
    for hosts in counts:
        r = run(p, hosts)
        lines.append(f"| {hosts} | {r.rows_per_second / 1e3:,.0f} k | {r.rows_per_second * p.row_bytes / 1e6:,.0f} | {time_text(r.seconds)} | {r.limit} |")
    lines += ["", f"More than {enough_hosts(p)} such hosts do not help: {slowest(server_rates(p))[0]}."]
    return "\n".join(lines)


def above_zero(text):
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def flags(arguments):
    parser = argparse.ArgumentParser(prog="scale_model.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told = {"bytes": "of the source", "row_bytes": "of a row in it", "cores": "of a host", "source_mb": "MB/s from the source to a host",
            "link_mb": "MB/s from a host to the server", "sent_bytes": "of a row as it is sent, in COPY's binary form",
            "scan_gb": "GB/s that a core scans for segments", "client_us": "µs of a host's core for each row",
            "server_us": "µs of a server's core for each row", "server_cores": "", "written_bytes": "of a row, into table and log",
            "server_disk_mb": "MB/s that the server writes", "server_link_mb": "MB/s from the network to the server",
            "lease": "seconds until a silent host is given up", "dies": "hosts that die in the middle"}
    for field in dataclasses.fields(Parts):
        parser.add_argument("--" + field.name.replace("_", "-"), type=int if field.type is int else above_zero, default=field.default,
                            help=f"{told[field.name]} (default: {field.default:g})".strip())
    parser.add_argument("--hosts", default="1,2,4,8,16", help="default: 1,2,4,8,16")
    given = vars(parser.parse_args(arguments))
    counts = [int(hosts) for hosts in given.pop("hosts").split(",")]
    if min(counts) < 1 or given["dies"] < 0:
        parser.error("--hosts are from 1 on, --dies from 0 on")
    return Parts(**given), counts


def main(arguments):
    print(report(*flags(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
