"""The private server that everything is loaded into."""

import copy
import os
import pathlib
import platform
import re
import shutil
import subprocess

from .paths import BUILD, ROOT

SETTINGS = ["shared_buffers=2GB", "max_wal_size=8GB", "min_wal_size=4GB", "autovacuum=off"]


def psql_program():
    """psql itself: Debian's /usr/bin/psql is a script that looks for it, which would cost it 20 ms a run."""
    pg_config = shutil.which("pg_config")
    if pg_config:
        path = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True).stdout.strip() + "/psql"
        if os.path.exists(path):
            return path
    return shutil.which("psql")


class Server:
    """The private server: its folder, its URL, its CPU time."""

    def __init__(self, folder):
        self.folder = folder
        script = str(ROOT / "script/private-postgres")
        subprocess.run([script, "start", folder, *SETTINGS], check=True, stdout=subprocess.DEVNULL)
        self.stop = lambda: subprocess.run([script, "stop", folder], check=True, stdout=subprocess.DEVNULL)
        self.url = subprocess.run([script, "url", folder], check=True, capture_output=True, text=True).stdout.strip()
        self.postmaster = int(next(pathlib.Path(folder).rglob("postmaster.pid")).read_text().split("\n")[0])
        self.psql = psql_program()

    def database(self, name):
        """The same server with another database, which is made."""
        self.sql(f"create database {name}")
        other = copy.copy(self)
        other.url = re.sub(r"/[^/]*$", f"/{name}", self.url)
        return other

    def address(self):
        """Host and port."""
        return re.search(r"@([^:/]+):(\d+)/", self.url).groups()

    def url_by(self, proxy):
        return self.url.replace(f":{self.address()[1]}/", f":{proxy.port}/")

    def sql(self, *commands):
        arguments = [self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url]
        for command in commands:
            arguments += ["-c", command]
        return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip()

    def forget_loads(self):
        """The ledger's rows: a table that is made once more is another one, whose loads it would have to judge first."""
        self.sql("set client_min_messages = warning",
                 "do 'begin if to_regclass(''pgsluice.loads'') is not null then truncate pgsluice.loads cascade; end if; end'")

    def cpu_seconds(self):
        """Of all its processes, those that have ended included."""
        ticks = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry) == self.postmaster:
                ticks += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == self.postmaster:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def machine(self):
        """What the figures are of."""
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
        memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) / 1e6
        version = self.sql("select version()").split(" on ")[0]
        return (f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Linux {platform.release().split('-')[0]}; {version} on the same machine with "
                f"{', '.join(SETTINGS)}; file in the page cache; libpq of the system.")


class Proxy:
    """A port on loopback that leads to another one."""

    def __init__(self, program, *arguments):
        command = [str(BUILD / program), *(str(argument) for argument in arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.terminate()
        self.process.wait()


class Delay(Proxy):
    """Each byte goes on after a delay, with all of the bandwidth or a part of it."""

    def __init__(self, host, port, milliseconds, megabytes_per_second=0):
        super().__init__("bench_delay", host, port, milliseconds, megabytes_per_second)


class Distance(Delay):
    """A URL of the server by way of a proxy that delays each byte."""

    def __init__(self, server, milliseconds):
        super().__init__(*server.address(), milliseconds)
        self.url = server.url_by(self)


class Discard(Proxy):
    """A URL of the server by way of a proxy that throws the rows of a COPY away."""

    def __init__(self, server):
        super().__init__("bench_discard", *server.address())
        self.url = server.url_by(self) + "?sslmode=disable&gssencmode=disable"
