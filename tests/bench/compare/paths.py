"""Where things are in this repository."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / "build/bench"
PROGRAM = str(BUILD / "pgsluice")
DOCS = ROOT / "docs/benchmarks"


def build():
    subprocess.run(["cmake", "--preset", "bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "build/bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def tool(*arguments):
    """What a program of tests/bench prints."""
    return subprocess.run([str(BUILD / arguments[0]), *arguments[1:]], check=True, capture_output=True, text=True).stdout.strip()
