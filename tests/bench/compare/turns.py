"""Loaders run in turns, and what the runs of one come to."""

import statistics
import sys

from .clock import timed, timed_by_itself


def measure(server, data, loaders, rounds, **table):
    """Runs of each loader by name, in turns."""
    runs = {loader.name: [] for loader in loaders}
    for round_number in range(rounds):
        for loader in loaders:
            if loader.slow and round_number > 0:
                continue
            data.create(server, **table)
            server.forget_loads()
            server.sql("checkpoint")
            server_cpu = server.cpu_seconds()
            run = timed_by_itself(loader.commands[0]) if loader.prints_seconds else timed(loader.commands)
            run["server_cpu"] = server.cpu_seconds() - server_cpu
            run["rows"] = data.slice()[1] if loader.slow else data.rows
            stored = int(server.sql(f"select count(*) from {data.name}"))
            if stored != run["rows"]:
                sys.exit(f"{loader.name}: {stored} rows stored, {run['rows']} expected")
            runs[loader.name].append(run)
    return {name: summary(data, results) for name, results in runs.items()}


def summary(data, runs):
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    rows = middle["rows"]
    middle["rate"] = rows / middle["wall"]
    middle["mb"] = data.size * (rows / data.rows) / middle["wall"] / 1e6
    middle["cpu_us"] = middle["cpu"] / rows * 1e6
    middle["server_us"] = middle["server_cpu"] / rows * 1e6
    middle["spread"] = spread([run["wall"] for run in runs])
    return middle


def spread(walls):
    """The slowest run minus the fastest, of the median."""
    return (max(walls) - min(walls)) / statistics.median(walls)
