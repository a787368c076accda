#!/usr/bin/env python3
"""completed.py SHELL LINE: types a line into an interactive shell on a terminal, presses TAB (in bash M-*, which puts all completions
in), and prints the arguments that the line has then, as the shell itself reads them, one a line. The completions are those of this
repository."""

import os
import pathlib
import pty
import select
import signal
import sys
import tempfile
import time

COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / "share/completion"
ALL, FIRST, FRONT = "\x1b*", "\t", "\x01"
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f". '{COMPLETIONS}/pgsluice.bash'", ALL),
    "bash-one": (["bash", "--norc", "--noprofile", "-i"], f". '{COMPLETIONS}/pgsluice.bash'", FIRST),
    "zsh": (["zsh", "-f", "-i"],
            f"bindkey -e; fpath=('{COMPLETIONS}' $fpath); autoload -U compinit; compinit -u -D", FIRST),
}
DEADLINE = time.monotonic() + 60


def wait_for(terminal, is_done):
    while not is_done():
        if time.monotonic() > DEADLINE:
            sys.exit("completed.py: the shell did not answer")
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 65536)


def main():
    command, setup, key = SHELLS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        ready, shown = (pathlib.Path(folder) / name for name in ("ready", "shown"))
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            os.execvp(command[0], command)
        show = f"show() {{ printf '%s\\n' \"$@\" > '{shown}.part'; mv '{shown}.part' '{shown}'; }}"
        os.write(terminal, f"{setup}; {show}; touch '{ready}'\r".encode())
        wait_for(terminal, ready.exists)
        os.write(terminal, f"{sys.argv[2]}{key}{FRONT}show \r".encode())
        wait_for(terminal, shown.exists)
        sys.stdout.write(shown.read_text(encoding="utf-8"))
        os.write(terminal, b"\x03exit\r")
        os.close(terminal)
        os.kill(child, signal.SIGKILL)  # it need not have read that
        os.waitpid(child, 0)


main()
