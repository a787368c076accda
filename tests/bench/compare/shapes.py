"""The shapes of the part of that name: what is in their columns, their files and their tables."""

import collections.abc
import dataclasses
import datetime
import os
import random
import zlib

BLOCK = 1_000_000  # bytes of records that are drawn; a file has them again and again
WORDS = ("amber basin cedar delta ember fjord grove heath inlet jetty knoll ledge marsh north ocean prairie quarry ridge shore "
         "tundra upland valley water yonder zenith").split()


@dataclasses.dataclass(frozen=True)
class Shape:
    """A table of columns of one type, as a rule, and what a value is."""

    name: str
    type: str
    value: collections.abc.Callable  # of a random.Random; as CSV has it
    count: int = 4  # columns
    extension: str = ""  # which has the type
    types: str = ""  # SQL that makes it
    key: bool = False  # the first column is the primary key, and no record comes twice

    def columns(self):
        return ", ".join(f"c{i} {self.type}" + (" primary key" if self.key and i == 1 else "") for i in range(1, self.count + 1))

    def record(self, source):
        return ",".join(self.value(source) for _ in range(self.count)) + "\n"


class ShapeData:
    """What data.Data is for a data set."""

    def __init__(self, shape, size, folder):
        self.shape, self.name = shape, "shape"
        self.path = os.path.join(folder, "shape.csv")
        source = random.Random(zlib.crc32(shape.name.encode()))
        header = ",".join(f"c{i}" for i in range(1, shape.count + 1)) + "\n"
        records = self.draw(source, size if shape.key else min(size, BLOCK))
        block = "".join(records).encode()
        times = max(1, size // len(block))
        self.rows = len(records) * times
        with open(self.path, "wb") as out:
            out.write(header.encode())
            for _ in range(times):
                out.write(block)
        self.size = os.path.getsize(self.path)

    def draw(self, source, size):
        records, drawn = [], 0
        while drawn < size or not records:
            records.append(self.shape.record(source))
            drawn += len(records[-1])
        return records

    def prepare(self, server):
        if self.shape.extension:
            server.sql(f"create extension if not exists {self.shape.extension}")
        if self.shape.types:
            server.sql(self.shape.types)

    def create(self, server):
        server.sql("set client_min_messages = warning", f"drop table if exists {self.name}",
                   f"create table {self.name} ({self.shape.columns()})")

    def drop(self, server):
        server.sql(f"drop table {self.name}")
        os.remove(self.path)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def words(source, count, between=" "):
    return between.join(source.choice(WORDS) for _ in range(count))


def digits(source, count):
    return str(source.randrange(10 ** (count - 1), 10 ** count))


def integer(source):
    return str(source.randrange(-1_000_000, 1_000_000))


def number(source):
    return f"{source.uniform(-180, 180):.6f}"


def day(source):
    return (datetime.date(2000, 1, 1) + datetime.timedelta(source.randrange(12_000))).isoformat()


def clock(source):
    return f"{source.randrange(24):02}:{source.randrange(60):02}:{source.randrange(60):02}"


def hexadecimal(source, count):
    return f"{source.getrandbits(4 * count):0{count}x}"


def uuid(source):
    text = hexadecimal(source, 32)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def json_text(source, size):
    text, number = '{"id": ' + integer(source), 0
    while len(text) < size:
        number += 1
        text += f', "{source.choice(WORDS)}{number}": ' + source.choice((integer(source), '"' + words(source, 4) + '"', "[1, 2.5, null]", "true"))
    return quoted(text + "}")


def array(values):
    return quoted("{" + ",".join(values) + "}")


def spanning(draw):
    """A range of two different values, in its usual form."""
    def value(source):
        while True:
            low, high = draw(source), draw(source)
            if low != high:
                break
        return quoted("[" + ",".join(sorted((low, high))) + ")")
    return value


def integer_range(source):
    low = source.randrange(-1_000_000, 1_000_000)
    return quoted(f"[{low},{low + source.randrange(1, 1000)})")


def address(source):
    return ".".join(str(source.randrange(1, 256)) for _ in range(4))


def hstore(source):
    return quoted(", ".join(f'"{word}"=>"{integer(source)}"' for word in source.sample(WORDS, 5)))


def interval(source):
    return f"{source.randrange(2, 30)} years {source.randrange(2, 12)} mons {source.randrange(2, 28)} days {clock(source)}"


def lexemes(source):
    return quoted(" ".join(f"'{word}':{source.randrange(1, 100)}" for word in sorted(source.sample(WORDS, 6))))


def wkb(source):
    """A point as PostGIS writes it: byte order, a point with an SRID, 4326, two doubles."""
    return "0101000020E6100000" + "".join(source.randbytes(6).hex().upper() + source.choice(("4340", "4540")) for _ in range(2))


SHAPES = [
    *(Shape(f"{count:,} x integer", "integer", integer, count) for count in (1, 10, 100, 400, 1600)),
    Shape("1 x boolean", "boolean", lambda s: s.choice("tf"), 1),
    Shape('1 x "char"', '"char"', lambda s: s.choice("abcdef"), 1),
    Shape("all NULL", "integer", lambda s: "", 10),
    Shape("text of 10 KB", "text", lambda s: words(s, 1700), 1),
    Shape("jsonb of 1 KB", "jsonb", lambda s: json_text(s, 1000), 1),
    Shape("json of 1 KB", "json", lambda s: json_text(s, 1000), 1),
    Shape("integer[]", "integer[]", lambda s: array(integer(s) for _ in range(8))),
    Shape("text[]", "text[]", lambda s: array(words(s, 1) for _ in range(8))),
    Shape("integer[][]", "integer[]", lambda s: array("{" + ",".join(integer(s) for _ in range(4)) + "}" for _ in range(3))),
    Shape("uuid, keys", "uuid", uuid, 2, key=True),
    Shape("numeric of 4 digits", "numeric", lambda s: f"{digits(s, 2)}.{digits(s, 2)}"),
    Shape("numeric of 40 digits", "numeric", lambda s: f"{digits(s, 20)}.{digits(s, 20)}"),
    Shape("timestamptz with zone names", "timestamptz",
          lambda s: f"{day(s)} {clock(s)} {s.choice(('Europe/Berlin', 'America/New_York', 'Asia/Tokyo'))}"),
    Shape("timestamptz with offsets", "timestamptz", lambda s: f"{day(s)} {clock(s)}{s.choice(('+01', '-05', '+05:30'))}"),
    Shape("date", "date", day),
    Shape("time", "time", clock),
    Shape("interval", "interval", interval),
    Shape("money", "money", lambda s: f"{s.randrange(1_000_000)}.{s.randrange(100):02}"),
    Shape("point", "point", lambda s: quoted(f"({number(s)},{number(s)})")),
    Shape("box", "box", lambda s: quoted(f"({number(s)},{number(s)}),({number(s)},{number(s)})"), 2),
    Shape("int4range", "int4range", integer_range),
    Shape("int8range", "int8range", integer_range),
    Shape("numrange", "numrange", spanning(lambda s: f"{digits(s, 4)}.{digits(s, 2)}")),
    Shape("daterange", "daterange", spanning(day)),
    Shape("tstzrange", "tstzrange", spanning(lambda s: f'"{day(s)} {clock(s)}+00"'), 2),
    Shape("bit(64)", "bit(64)", lambda s: f"{s.getrandbits(64):064b}"),
    Shape("varbit", "varbit", lambda s: f"{s.getrandbits(32):b}"),
    Shape("bytea", "bytea", lambda s: "\\x" + hexadecimal(s, 64)),
    Shape("inet", "inet", address),
    Shape("cidr", "cidr", lambda s: f"{s.randrange(1, 224)}.{s.randrange(256)}.0.0/16"),
    Shape("macaddr", "macaddr", lambda s: ":".join(hexadecimal(s, 2) for _ in range(6))),
    Shape("hstore", "hstore", hstore, 1, extension="hstore"),
    Shape("citext", "citext", lambda s: words(s, 3), extension="citext"),
    Shape("ltree", "ltree", lambda s: words(s, 5, "."), extension="ltree"),
    Shape("name", "name", lambda s: words(s, 3, "_")),
    Shape("pg_lsn", "pg_lsn", lambda s: f"{s.randrange(1, 256):X}/{s.getrandbits(32):X}"),
    Shape("xml", "xml", lambda s: f"<a><b>{words(s, 5)}</b><c>{integer(s)}</c></a>", 1),
    Shape("a composite type", "shape_pair", lambda s: quoted(f"({integer(s)},{words(s, 1)})"),
          types="create type shape_pair as (a integer, b text)"),
    Shape("a domain", "shape_domain", lambda s: digits(s, 6), types="create domain shape_domain as integer check (value > 0)"),
    Shape("an enum", "shape_enum", lambda s: words(s, 1),
          types="create type shape_enum as enum (" + ", ".join(f"'{word}'" for word in WORDS) + ")"),
    Shape("char(10)", "char(10)", lambda s: words(s, 1)),
    Shape("varchar(20)", "varchar(20)", lambda s: words(s, 2)),
    Shape("float4", "float4", lambda s: f"{s.uniform(-1000, 1000):.3f}"),
    Shape("oid", "oid", lambda s: str(s.getrandbits(32))),
    Shape("tsvector", "tsvector", lexemes, 1),
    Shape("geometry, a point", "geometry", wkb, 1, extension="postgis"),
    Shape("vector(64)", "vector(64)", lambda s: quoted("[" + ",".join(f"{s.uniform(-1, 1):.6f}" for _ in range(64)) + "]"), 1, extension="vector"),
]
EXTENSIONS = sorted({shape.extension for shape in SHAPES if shape.extension})
