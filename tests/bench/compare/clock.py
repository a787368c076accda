"""The time, CPU time and memory of a command."""

import os
import pathlib
import re
import subprocess
import sys
import threading
import time


class PeakMemory(threading.Thread):
    """Looks at a process now and then: what wait4 says of a child would include its parent's, from before the exec."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status, self.mib, self.ended = f"/proc/{pid}/status", 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            try:
                self.mib = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(self.status).read_text()).group(1)) / 1024
            except (OSError, AttributeError):
                return


def timed(commands):
    """Runs commands at once. Wall seconds, CPU seconds, peak RSS in MiB (the sum over them)."""
    began = time.monotonic()
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for command in commands]
    memory = [PeakMemory(process.pid) for process in processes]
    cpu = 0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        cpu += usage.ru_utime + usage.ru_stime
        if status != 0:
            sys.exit(f"failed: {' '.join(process.args)}\n{process.stderr.read().decode()}")
    wall = time.monotonic() - began
    for peak in memory:
        peak.ended.set()
    return {"wall": wall, "cpu": cpu, "rss": sum(peak.mib for peak in memory)}


def timed_by_itself(command):
    """A program that prints rows, seconds and CPU seconds of what it means to measure."""
    _, wall, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {"wall": float(wall), "cpu": float(cpu), "rss": 0}
