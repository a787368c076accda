#!/usr/bin/env python3
"""at_terminal.py PROMPT ANSWER COMMAND...: runs a command on a terminal of its own, types ANSWER (with \\n and \\x03 as Python has them)
each time when PROMPT is shown, and prints what the terminal showed. Ends with the command's exit code, 128 + its number for a signal.
TERMINAL_COLUMNS is how many characters a line of it has."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def main():
    prompt, answer, command = sys.argv[1].encode(), sys.argv[2].encode().decode("unicode_escape").encode(), sys.argv[3:]
    child, terminal = pty.fork()
    if child == 0:
        columns = int(os.environ.get("TERMINAL_COLUMNS", "0"))
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    shown, answered, deadline = b"", 0, time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # the terminal is nobody's any more
                break
            if not part:
                break
            shown += part
        if prompt and shown.count(prompt) > answered:
            answered += 1
            os.write(terminal, answer)
    if time.monotonic() >= deadline:
        os.kill(child, signal.SIGKILL)
    sys.stdout.write(shown.decode("utf-8", "replace"))
    status = os.waitpid(child, 0)[1]
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


main()
