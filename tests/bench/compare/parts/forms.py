"""What the server takes for the same rows in the two forms of a COPY, by the type of their columns: where the binary one, which asks the
client for its work, takes the server's away, and where there is little to take."""

import os
import statistics

ROWS_OF_VALUES = 3_000_000  # values of each type, at scale 1
COLUMNS = 10

TYPES = {
    "integer of 1 to 3 digits": ("integer", "(i * {n}) % 1000"),
    "integer of 9 digits": ("integer", "i * {n} + 100000000"),
    "bigint": ("bigint", "(i * {n})::bigint * 1000003"),
    "boolean": ("boolean", "(i + {n}) % 2 = 0"),
    "NULL": ("integer", "null"),
    "double precision": ("double precision", "random() * {n}"),
    "numeric(12,2)": ("numeric(12,2)", "random() * {n} * 1000"),
    "date": ("date", "date '2026-01-01' + (i + {n}) % 1000"),
    "timestamptz": ("timestamptz", "timestamptz '2026-01-01' + (i + {n}) * interval '1 s'"),
    "text of 5 characters": ("text", "'abc' || (i + {n}) % 90 + 10"),
    "text of 50 characters": ("text", "repeat('abcde', 10) || (i + {n}) % 10"),
    "varchar(20) of 5 characters": ("varchar(20)", "'abc' || (i + {n}) % 90 + 10"),
}

NOW = "select extract(epoch from clock_timestamp())"


def seconds_of_a_copy(server, path, form):
    """Into an empty table, by the server's clock."""
    began, ended = server.sql("truncate forms", "checkpoint", NOW, f"copy forms from '{path}' (format {form})", NOW).split("\n")
    return float(ended) - float(began)


def run(bench):
    server = bench.server
    rows = int(ROWS_OF_VALUES * bench.scale) // COLUMNS
    lines = []
    for name, (kind, value) in TYPES.items():
        columns = ", ".join(f"c{n} {kind}" for n in range(1, COLUMNS + 1))
        values = ", ".join(f"({value.format(n=n)})::{kind}" for n in range(1, COLUMNS + 1))
        server.sql("set client_min_messages = warning", "drop table if exists forms", f"create table forms ({columns})",
                   f"insert into forms select {values} from generate_series(1, {rows}) i")
        paths = {form: os.path.join(server.folder, "pgdata", f"forms.{form}") for form in ("binary", "text")}
        for form, path in paths.items():
            server.sql(f"copy forms to '{path}' (format {form})")
        seconds = {form: [] for form in paths}
        for _ in range(bench.rounds):
            for form, path in paths.items():
                seconds[form].append(seconds_of_a_copy(server, path, form))
        bytes_of = {form: os.path.getsize(path) / rows / COLUMNS for form, path in paths.items()}
        for path in paths.values():
            os.remove(path)
        binary, text = (statistics.median(seconds[form]) for form in ("binary", "text"))
        lines.append([name, *(f"{median / rows / COLUMNS * 1e9:.0f}" for median in (binary, text)), f"{binary / text:.2f}",
                      *(f"{bytes_of[form]:.1f}" for form in ("binary", "text"))])
    server.sql("drop table forms")
    bench.page.add("One session, from a file of the server's, into a table without index; nanoseconds and bytes of a value, rows included.")
    bench.page.add()
    bench.page.table(["ten columns of", "binary, ns", "text, ns", "binary, of text's time", "binary, bytes", "text, bytes"], lines)
