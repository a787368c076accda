"""`pgsluice serve` with a database of its own, and gates: where rows of a table wait until the test lets them by, so that what happens
meanwhile happens in the middle of a load, however slow the machine is."""
import subprocess


class Database:
    def __init__(self, server, name):
        self.server, self.name = server, name
        self.url = server[:server.rindex("/") + 1] + name
        self.do(f"create database {name}", server)

    def do(self, text, url=None):
        done = subprocess.run(["psql", "-qXAt", url or self.url, "-v", "ON_ERROR_STOP=1", "-c", text], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def drop(self):
        self.do(f"drop database {self.name} with (force)", self.server)


class Gate:
    """In front of the rows of a table whose column `b` begins with `gate NUMBER`."""

    def __init__(self, database, number):
        self.database, self.number = database, number
        self.holder = subprocess.Popen(["psql", "-qXAt", database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write(f"select pg_advisory_lock({number});\n\\echo closed\n")
        self.holder.stdin.flush()
        while self.holder.stdout.readline().strip() != "closed":
            pass

    @staticmethod
    def trigger(table):
        return (f"create function wait_{table}() returns trigger language plpgsql as $$ begin "
                "if new.b like 'gate %' then perform pg_advisory_xact_lock_shared(split_part(new.b, ' ', 2)::bigint); end if; "
                f"return new; end $$; create trigger gate before insert on {table} for each row execute function wait_{table}()")

    def is_reached(self):
        return self.database.do(f"select count(*) > 0 from pg_locks where locktype = 'advisory' and objid = {self.number} and not granted") == "t"

    def open(self):
        if self.holder.poll() is None:
            self.holder.stdin.close()
            self.holder.wait()


class Service:
    def __init__(self, program, database, flags=()):
        self.process = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "-d", database.url, *map(str, flags)],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "listening" not in line:
            raise AssertionError(f"no server: {line}")
        self.address = line.split("listening: ")[1].strip() + "/"
        # What it says is read on, or it would wait for that.
        self.log = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.wait()
