#!/usr/bin/env python3
"""library_test.py BUILD: installs the library into a folder, and builds programs of examples/ against it, as somebody would who has the
package alone: with find_package(pgsluice), by another build, without the sources. They run against the server of PGSLUICE_TEST_URL.
Not all of them are built, as each compiles Asio: the load, the pool, and one of the pieces."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
URL = os.environ["PGSLUICE_TEST_URL"]
TABLE = "library_test"
WHERE_SOURCES_ARE = re.compile(r'#include "(async|base|pg|http)/')


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def expect(said, wanted):
    if said != wanted:
        sys.exit(f"{said!r} is not {wanted!r}")


def check_light(prefix, folder):
    """pgsluice/load.hpp needs the standard library alone."""
    header = prefix / "include/pgsluice/load.hpp"
    included = re.findall(r"#include (.*)", header.read_text(encoding="utf-8"))
    if not included or not all(name.startswith("<") and "/" not in name for name in included):
        sys.exit(f"load.hpp includes {included}")
    source = folder / "light.cpp"
    source.write_text(f'#include "{header}"\n', encoding="utf-8")
    run("c++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only", source)


def run_page(prefix, folder):
    """The program of docs/library.md."""
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    source = folder / "page"
    source.mkdir()
    for name, text in re.findall(r"`(\S+)`:\n\n```[a-z]+\n(.*?)```", page, re.DOTALL):
        (source / name).write_text(text, encoding="utf-8")
    shown = re.search(r"it says\n\n```\n(.*?)```", page, re.DOTALL).group(1)
    run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", source / "build")
    (source / "trips.csv").write_text("id,fare\n1,2.5\nx,3\n2,4\n", encoding="utf-8")
    run("psql", "-q", URL, "-c", "create table trips (id int, fare numeric)")
    for _ in range(2):
        expect(run("env", "-C", source, source / "build/first", URL), shown)
    expect((source / "trips.rejects.csv").read_text(encoding="utf-8"), "id,fare\nx,3\n")
    run("psql", "-q", URL, "-c", "drop table trips")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        prefix = folder / "usr"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        check_light(prefix, folder)
        shutil.copytree(ROOT / "examples", folder / "examples")
        for path in (folder / "examples").glob("*.cpp"):
            if path.name != "fetch.cpp" and WHERE_SOURCES_ARE.search(path.read_text(encoding="utf-8")):
                sys.exit(f"{path.name} includes what is not installed as a header of its own")
        build = folder / "build"
        run("cmake", "-S", folder / "examples", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
        run("cmake", "--build", build, "--target", "load", "pool", "gather")
        expect(run(build / "pool", URL), "inserted 1000\n333 334 333 \n")
        expect(run(build / "gather"), "1 4 9 16 25 \n49 failed \n")
        run("psql", "-q", URL, "-c", f"create table {TABLE} (id int, name text)")
        expect(run(build / "load", URL, TABLE), "100000 rows\n")
        expect(run(build / "load", URL, TABLE), "nothing to do: 100000 rows\n")
        run("psql", "-q", URL, "-c", f"drop table {TABLE}")
        run_page(prefix, folder)
    print("examples are built against the installed library, and run")


main()
