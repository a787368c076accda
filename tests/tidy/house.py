"""The folders of the house: which may include which, and what their files include. ARCHITECTURE.md shows both."""

import pathlib
import re

MAY_INCLUDE = {
    "base": set(),
    "async": {"base"},
    "csv": {"base"},
    "decode": {"base"},
    "http": {"base"},
    "s3": {"http", "base"},
    "source": {"decode", "s3", "http", "base"},
    "chunk": {"source", "csv", "base"},
    "tuple": {"csv", "base"},
    "sniff": {"chunk", "tuple", "source", "csv", "base"},
    "pg": {"async", "base"},
    "ledger": {"schema", "script", "pg", "async", "base"},
    "writer": {"ledger", "tuple", "pg", "base"},
    "rejects": {"writer", "chunk", "source", "tuple", "csv", "pg", "async", "base"},
    "plan": {"rejects", "writer", "chunk", "source", "ledger", "script", "tuple", "csv", "pg", "base"},
    "resume": {"plan", "source", "ledger", "pg", "async", "base"},
    "load": {"resume", "plan", "sniff", "script", "rejects", "writer", "chunk", "source", "ledger", "tuple", "pg", "async", "base"},
    "pgsluice": {"load", "plan", "source", "ledger", "pg", "async", "base"},
    "doctor": {"ledger", "pg", "base"},
    "report": {"load", "sniff", "ledger", "script", "base"},
    "schedule": {"base"},
    "script": {"base"},
    "schema": {"script", "base"},
    "lint": {"script", "base"},
    "migrate": {"schema", "lint", "script", "base"},
    "process": {"source", "async", "base"},
    "jobs": {"process", "source", "http", "schedule", "script", "ledger", "pg", "async", "base"},
}
MAY_INCLUDE["serve"] = {"report", "process", "jobs", "rejects", "ledger", "script", "pg", "async", "base"}
MAY_INCLUDE["app"] = set(MAY_INCLUDE)

CODECS = r"(isa-l/.*|zlib|zstd|zstd_errors|lz4|lz4frame|bzlib)\.h"

# how much of lib a folder may be: one that is more is two
SHARE_MAX = 1 / 8

# header -> folders that may include it
LIBRARIES = {
    r"libpq-fe\.h": {"pg"},
    r"pqxx/": {"migrate"},
    r"CLI/": {"app"},
    r"boost/": {"async", "pg", "ledger", "doctor", "writer", "rejects", "plan", "resume", "load", "pgsluice", "process", "jobs", "serve", "app"},
    r"boost/(beast|asio/ssl)": {"serve"},
    r"openssl/": {"serve", "s3", "script"},
    r"toml\+\+/": {"jobs"},
    CODECS: {"decode"},
    r"lzma\.h": {"decode", "source"},
    r"archive(_entry)?\.h": {"source"},
    r"curl/": {"http"},
    r"expat\.h": {"s3"},
}
LIBRARY_NAMES = {
    r"libpq-fe\.h": "libpq",
    r"pqxx/": "libpqxx",
    r"CLI/": "CLI11",
    r"boost/": "Asio",
    r"boost/(beast|asio/ssl)": "Beast and TLS",
    r"openssl/": "OpenSSL",
    r"toml\+\+/": "toml++",
    CODECS: "codecs",
    r"lzma\.h": "liblzma",
    r"archive(_entry)?\.h": "libarchive",
    r"curl/": "libcurl",
    r"expat\.h": "libexpat",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def folders(root):
    """Each folder that has code, and its files."""
    places = {path.name: path for path in (root / "lib").iterdir() if path.is_dir()} | {"app": root / "app"}
    return {
        name: sorted(path for path in place.rglob("*") if path.suffix in (".hpp", ".cpp"))
        for name, place in sorted(places.items())
    }


def includes(path):
    """(line number, '<' or '"', header) of each #include."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def folder_of_header(header):
    return header.split("/")[0] if "/" in header else None


def graph(root):
    """Folder -> the folders that its files include, itself left out."""
    found = {}
    for name, files in folders(root).items():
        found[name] = {
            folder_of_header(header)
            for path in files
            for _, mark, header in includes(path)
            if mark == '"' and folder_of_header(header)
        } - {name}
    return found


def circle(edges):
    """Folders that include each other in a circle, in its order; empty where there is none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        path.append(name)
        for other in sorted(edges.get(name, ())):
            if found := visit(other):
                return found
        done.add(path.pop())
        return []

    for name in sorted(edges):
        if found := visit(name):
            return found
    return []


def floors(edges):
    """Folder -> its floor: 0 includes nobody, every other one stands above all that it includes. REQUIRES: no circle."""
    known = {}

    def floor(name):
        if name not in known:
            known[name] = 1 + max((floor(other) for other in edges.get(name, ())), default=-1)
        return known[name]

    return {name: floor(name) for name in edges}


def without_detours(edges):
    """The edges without those that another way says too: what is left to draw."""

    def reached(name):
        found = set(edges.get(name, ()))
        for other in edges.get(name, ()):
            found |= reached(other)
        return found

    return {
        name: {other for other in others if not any(other in reached(way) for way in others - {other})}
        for name, others in edges.items()
    }


def lines_of(files):
    return sum(len(path.read_text(encoding="utf-8").split("\n")) - 1 for path in files)


def shares(root):
    """Folder of lib -> its part of lib's lines."""
    lines = {name: lines_of(files) for name, files in folders(root).items() if name != "app"}
    return {name: count / sum(lines.values()) for name, count in lines.items()}


def table():
    """What ARCHITECTURE.md says of the includes."""
    floor = floors(MAY_INCLUDE)
    order = sorted(MAY_INCLUDE, key=lambda name: (-floor[name], name))
    rows = []
    for name in order:
        seen = sorted(without_detours(MAY_INCLUDE)[name], key=lambda other: (-floor[other], other))
        rows.append(f"{name:<9}-> {', '.join(seen)}" if seen else name)
    for pattern, title in LIBRARY_NAMES.items():
        rows.append(f"{title} only in {', '.join(sorted(LIBRARIES[pattern], key=order.index))}")
    return rows
