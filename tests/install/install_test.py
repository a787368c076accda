#!/usr/bin/env python3
"""install_test.py BUILD: installs into a folder, and looks at what is there: the program runs, each manual page is one that man takes
without a warning, completion is there for three shells, the units are such as systemd takes and fenced in, README's links lead somewhere."""

import pathlib
import re
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1])
# What systemd-analyze calls OK; without any fence a service has 9.6.
EXPOSURE_MAX = 2.0
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
failures = []


def expect(is_so, what):
    if not is_so:
        failures.append(what)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def commands_of(program):
    help_text = run(program, "--help").stdout
    return re.findall(r"^  ([a-z]+) ", help_text[help_text.index("Subcommands:"):], re.MULTILINE)


def check_manual(prefix, program):
    wanted = ["man1/pgsluice.1.gz", "man5/pgsluice.toml.5.gz"]
    wanted += [f"man1/pgsluice-{command}.1.gz" for command in commands_of(program)]
    expect(len(wanted) >= 8, f"only {wanted}")
    man = prefix / "share/man"
    expect(sorted(str(page.relative_to(man)) for page in man.rglob("*.gz")) == sorted(wanted), f"manual pages are not {wanted}")
    for name in wanted:
        shown = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", man / name)
        expect(shown.returncode == 0 and shown.stderr == "", f"{name}: {shown.stderr}")
        lint = run("mandoc", "-Tlint", "-W", "warning", man / name).stdout
        lines = [line for line in lint.splitlines() if "missing date" not in line and "empty block" not in line]
        expect(not lines, f"{name}: {lines}")


def check_units(prefix, program):
    units = sorted((prefix / "lib/systemd/system").iterdir())
    expect(len(units) == 4, f"units: {units}")
    for unit in units:
        text = unit.read_text(encoding="utf-8")
        expect("@PGSLUICE" not in text, f"{unit}: not filled in")
        expect(unit.suffix == ".timer" or f"ExecStart={program} " in text, f"{unit}: starts another program")
        name = unit.name.replace("@", "@trips")
        verified = run("systemd-analyze", "verify", "--man=no", f"{unit.parent}/{name}",
                       env={"SYSTEMD_UNIT_PATH": f"{unit.parent}:", "PATH": "/usr/bin:/bin"})
        expect(verified.returncode == 0 and verified.stderr == "", f"{unit}: {verified.stderr}")
        if unit.suffix == ".service" and "@" not in unit.name:
            security = run("systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
            level = re.search(r"exposure level for \S+: ([0-9.]+)", security.stdout)
            expect(level and float(level[1]) <= EXPOSURE_MAX, f"{unit}: {security.stdout[-200:]}{security.stderr}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix = pathlib.Path(folder).resolve() / "usr"
        installed = run("cmake", "--install", BUILD, "--prefix", prefix)
        expect(installed.returncode == 0, installed.stderr)
        program = prefix / "bin/pgsluice"
        expect(run(program, "--version").stdout.startswith("pgsluice "), "the program does not run")
        check_manual(prefix, program)
        check_units(prefix, program)
        for completion in ("bash-completion/completions/pgsluice", "zsh/vendor-completions/_pgsluice", "fish/vendor_completions.d/pgsluice.fish"):
            expect((prefix / "share" / completion).is_file(), f"no {completion}")
        doc = prefix / "share/doc/pgsluice"
        for name in ("README.md", "CHANGELOG.md", "LICENSE", "examples/pgsluice.toml", "docs/scheduling.md"):
            expect((doc / name).is_file(), f"no {name}")
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
