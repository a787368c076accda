"""Small files of the kinds that the tests of CPython's csv module, CleverCSV and DuckDB have, and that people report as misread. They
are of our own making: what is a test there is a kind here, with other values."""

import csv
import io

from answers import Answer

NONE = Answer(quote="", escape="")


def tables():
    """What people keep in files, each with a header that its values tell from them."""
    yield "people", [["id", "name", "born", "city"], ["1", "Ann Lee", "1990-02-11", "Rome"], ["2", "Bob O'Neil", "1985-11-30", "Oslo"],
                     ["3", "Cem, Jr.", "2001-07-04", "Bonn; Am Rhein"], ["4", "D'Arcy \"Dee\"", "1977-01-01", ""]]
    yield "money", [["account", "day", "amount", "currency"]] + \
        [[f"DE{i:04}", f"2025-0{i % 9 + 1}-1{i % 9}", f"{i * 37.5:.2f}", "EUR" if i % 3 else "USD"] for i in range(30)]
    yield "amounts", [["Nr", "Betrag", "Text"]] + [[str(i), f"{i},5{i % 10}", f"Posten {i}, offen"] for i in range(25)]
    yield "measures", [["time", "station", "celsius", "wind"]] + \
        [[f"2025-06-01 {i % 24:02}:30:00", f"ST{i % 4}", f"{i * 7 % 30 - 5}.{i % 10}", str(i % 17)] for i in range(48)]
    yield "places", [["lat", "lon", "label"]] + [[f"{50 + i / 10:.4f}", f"{8 - i / 7:.4f}", f"Point {i}"] for i in range(20)]
    yield "notes", [["id", "text", "done"]] + [[str(i), f"To do: call, write | wait; {i}\nthen \"go\"", "true" if i % 2 else "false"]
                                              for i in range(12)]
    yield "log", [["level", "at", "ms", "message"]] + [["WARN" if i % 5 else "ERROR", f"2025-12-31T10:{i:02}:00Z", str(i * 13 % 400),
                                                       f"GET /a?b={i}&c=d took {i} ms"] for i in range(40)]
    yield "sparse", [["k", "a", "b", "c"]] + [[str(i), "" if i % 3 else str(i), "", "x" if i % 7 == 0 else ""] for i in range(30)]


def written(rows, delimiter, quote, escape, newline, quotes_all=False):
    """As that dialect writes it; None where it cannot."""
    special = [delimiter, "\n", "\r", quote or "\0", "\\" if escape == "\\" else "\0"]
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            needs = any(mark in cell for mark in special) or (quote and cell == "" and len(row) == 1)
            if needs and not quote:
                return None
            if needs or quotes_all:
                cell = quote + "".join(escape + c if c in (quote, escape) else c for c in cell) + quote
            cells.append(cell)
        lines.append(delimiter.join(cells) + newline)
    return "".join(lines)


DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "pipes": "||", "tilde": "~|~", "caret": "^", "unit": "\x1f",
              "hive": "\x01", "colon": ":"}
QUOTES = {"usual": ('"', '"'), "backslash": ('"', "\\"), "apostrophe": ("'", "'"), "none": ("", "")}


def grid():
    """Each table in each dialect."""
    for name, rows in tables():
        for delimiter_name, delimiter in DELIMITERS.items():
            for quote_name, (quote, escape) in QUOTES.items():
                for form in ("", "-crlf", "-all", "-headless"):
                    if form and (delimiter_name not in ("comma", "semicolon", "tab", "pipe")):
                        continue
                    text = written(rows[1:] if form == "-headless" else rows, delimiter, quote, escape,
                                   "\r\n" if form == "-crlf" else "\n", form == "-all" and quote != "")
                    if text is None or (form == "-all" and not quote):
                        continue
                    yield (f"{name}-{delimiter_name}-{quote_name}{form}", text,
                           [Answer(delimiter, quote, escape, header=form != "-headless")])


def python_writer():
    """What Python's csv module writes in its own dialects."""
    for name, rows in tables():
        for dialect in ("excel", "excel-tab", "unix"):
            out = io.StringIO()
            csv.writer(out, dialect).writerows(rows)
            yield f"python-{dialect}-{name}", out.getvalue(), [Answer("\t" if dialect == "excel-tab" else ",")]


VENUES = [["Harry's", "Arlington Heights", "IL", "2/1/03", "Kimi Hayes"], ["Shark City", "Glendale Heights", "IL", "12/28/02", "Prezence"],
          ["Tommy's Place", "Blue Island", "IL", "12/28/02", "Blue Sunday/White Crow"],
          ["Stonecutters Seafood and Chop House", "Lemont", "IL", "12/19/02", "Week Back"]]


def of_cpython_and_clevercsv():
    """The kinds of test_csv.TestSniffer, which CleverCSV's tests have too."""
    no_header = dict(header=False)
    for newline, end in (("lf", "\n"), ("crlf", "\r\n")):
        lines = "".join(", ".join(row) + end for row in VENUES)
        either = [Answer(**no_header), Answer(", ", **no_header)]
        yield f"venues-{newline}", lines, either
        yield f"venues-with-header-{newline}", '"venue","city","state","date","performers"' + end + lines, [Answer(), Answer(", ")]
        quoted = "".join(":".join("'" + cell.replace("'", "''") + "'" for cell in row) + end for row in VENUES)
        yield f"venues-quoted-by-apostrophes-{newline}", quoted, [Answer(":", "'", "'", header=False)]
        yield f"numbers-{newline}", end.join(["2147483648;43.0e12;17;abc;def", "147483648;43.0e2;17;abc;def",
                                              "47483648;43.0;170;abc;def", ""]), [Answer(";", **no_header)]
        yield f"two-columns-one-empty-{newline}", end.join(["aaa\tbbb", "AAA\t", "BBB\t", ""]), [Answer("\t"), Answer("\t", **no_header)]
        yield f"letters-{newline}", end.join(["a|b|c", "d|e|f", ""]), [Answer("|"), Answer("|", **no_header)]
        yield f"letters-quoted-{newline}", end.join(["'a'|'b'|'c'", "'d'|e|f", ""]), [Answer("|", "'", "'"), Answer("|", "'", "'", header=False)]
        # Delimiters that nobody would look for.
        yield f"questions-{newline}", ("?".join(["05/05/03"] * 6) + end) * 3, [Answer("?", **no_header)]
        yield f"plus-{newline}", lines.replace(", ", "+ "), [Answer("+", **no_header), Answer("+ ", **no_header)]
    yield "one-column", "abc\ndef\nghi\n", [Answer(header=True), Answer(header=False)]
    yield "empty-quotes", 'a,b,c\n"",1,""\n"x",2,"y"\n"",3,""\n', [Answer()]
    yield "doubled-quotes-alone", '"a","b"\n"say ""x""",1\n"""",2\n', [Answer()]
    yield "dates-and-names", "".join(f"{i}/1/25 10:0{i}:00,Name {i},{i * 3}\n" for i in range(1, 9)), [Answer(**no_header)]
    yield "urls", "url,hits\n" + "".join(f"http://a.org:80/x?y={i};z={i},{i}\n" for i in range(9)), [Answer()]
    yield "emails", "who|mail\n" + "".join(f"Name {i}|a.{i}@b-c.org\n" for i in range(9)), [Answer("|"), Answer("|", header=False)]
    yield "percents", "a;b\n" + "".join(f"{i},5 %;{i},25 %\n" for i in range(9)), [Answer(";")]
    yield "json-cells", "id\tdoc\n" + "".join(f'{i}\t{{"a": {i}, "b": [1, 2, "x;y"]}}\n' for i in range(9)), [NONE_TAB]
    yield "json-quoted", "id,doc\n" + "".join(f'{i},"{{""a"": {i}, ""b"": [1, 2]}}"\n' for i in range(9)), [Answer()]
    yield "sentences", "id,said\n" + "".join(f'{i},"Well, no; not | really: {i}"\n' for i in range(9)), [Answer()]
    yield "multi-line", 'id,text\n' + "".join(f'{i},"a\n\nb,{i}"\n' for i in range(9)), [Answer()]


NONE_TAB = Answer("\t", "", "")


def of_duckdb():
    """The kinds of DuckDB's data/csv and of reports about its sniffer."""
    rows = "".join(f"{i},name {i},{i * 1.5}\n" for i in range(1, 20))
    yield "comments-in-front", "# made by x\n# on 2025-01-01, by y\nid,name,v\n" + rows, [Answer(comment="#"), Answer(skip=2)]
    yield "comments-between", "id,name,v\n" + rows.replace("\n7,name", "\n# a remark\n7,name"), [Answer(comment="#")]
    yield "title", "Export of May\n\nid,name,v\n" + rows, [Answer(skip=2)]
    yield "title-and-notes", "Export\nby x, on Monday\n\nid,name,v\n" + rows, [Answer(skip=3)]
    yield "many-lines-in-front", "note\n" * 20 + "id,name,v\n" + rows, [Answer(skip=20)]
    yield "footer", "id,name,v\n" + rows + "rows: 19\n", [Answer(footer=1)]
    yield "blank-lines", "id,name,v\n\n" + rows.replace("\n", "\n\n"), [Answer()]
    yield "blank-lines-in-front", "\n\nid,name,v\n" + rows, [Answer()]
    yield "no-line-end", "id,name,v\n" + rows[:-1], [Answer()]
    yield "excel-marks-it", "sep=;\na;b\n" + "1;2\n" * 5, [Answer(";", skip=1), Answer(";")]
    yield "trailing-delimiters", "id|name|v|\n" + rows.replace(",", "|").replace("\n", "|\n"), [Answer("|")]
    yield "tpch", "".join(f"{i}|Customer#{i:09}|{i * 7} street, {i}|{i % 25}|11-{i:03}-555|{i * 3.14:.2f}|BUILDING|slyly; bold {i}|\n"
                          for i in range(40)), [Answer("|", header=False)]
    yield "tpcds-empty-columns", "".join(f"{i}|AAAA{i}|||{i * 2}|\n" for i in range(40)), [Answer("|", header=False)]
    yield "one-number-column", "v\n" + "".join(f"{i}\n" for i in range(50)), [Answer()]
    yield "one-decimal-comma-column", "v\n" + "".join(f"{i},5\n" for i in range(50)), None
    yield "decimal-commas", "a;b;c\n" + "".join(f"{i},1;{i},2;{i},3\n" for i in range(50)), [Answer(";")]
    yield "times-with-colons", "at;v\n" + "".join(f"10:{i:02}:00;{i}\n" for i in range(50)), [Answer(";")]
    yield "timestamps", "at,v\n" + "".join(f"2025-01-01 10:{i:02}:00.123,{i}\n" for i in range(50)), [Answer()]
    yield "ipv6", "ip\tname\n" + "".join(f"2001:db8::{i:x}\thost {i}\n" for i in range(50)), [Answer("\t")]
    yield "inches", "id|size\n" + "".join(f'{i}|{i}" pipe\n' for i in range(20)), [Answer("|", "", "")]
    yield "an-odd-quote-in-one-line", "id,name\n" + "".join(f"{i},name {i}\n" for i in range(30)).replace("name 13", '5" name'), \
        [Answer(quote="", escape=""), Answer()]
    yield "apostrophes-in-words", "id,name\n" + "".join(f"{i},it's o'clock {i}\n" for i in range(30)), [Answer()]
    yield "quoted-header-alone", '"id","name, full","v"\n' + rows, [Answer()]
    yield "header-of-numbers", "id,2020,2021\n" + "".join(f"a{i},{i},{i * 2}\n" for i in range(20)), [Answer()]
    yield "headers-alike", "a,a,b\n" + "".join(f"{i},{i},{i}\n" for i in range(20)), [Answer()]
    yield "all-text", "name,city\nAnn,Rome\nBob,Oslo\nCem,Bonn\n", [Answer(), Answer(header=False)]
    yield "long-text", "id,text\n" + "".join(f'{i},"{"lorem; ipsum, dolor | " * 40}"\n' for i in range(20)), [Answer()]
    yield "short-records", "a,b,c\n" + "1,2,3\n" * 60 + "1,2\n" + "1,2,3\n" * 60, [Answer()]
    yield "long-records", "a,b,c\n" + "1,2,3\n" * 60 + "1,2,3,4\n" + "1,2,3\n" * 60, [Answer()]
    yield "half-of-the-records-short", "a,b,c\n" + "1,2,3\n1,2\n" * 20, None
    yield "two-readings", "x,y;z\nu,v;w\np,q;r\n", None
    yield "one-record", "a,b;c\n", None
    yield "markdown", "| id | name |\n|----|------|\n| 1  | a    |\n| 2  | b    |\n", None
    yield "markdown-without-edges", "id | name\n---|---\n1 | a\n2 | b\n", None
    yield "ascii-table", "+----+------+\n| id | name |\n+----+------+\n| 1  | a    |\n| 2  | b    |\n+----+------+\n", None
    yield "fixed-width", "id    name      v\n" + "".join(f"{i:<6}{'name' + str(i):<10}{i * 3}\n" for i in range(30)), None
    yield "json-lines", '{"a":1,"b":"x, y"}\n' * 20, None
    yield "json-array", '[\n{"a":1,"b":2},\n{"a":3,"b":4}\n]\n', None
    yield "xml", "<a>\n<b c=\"1\">x, y</b>\n<b c=\"2\">z, w</b>\n</a>\n", None
    yield "html", "<!DOCTYPE html>\n<table><tr><td>1, 2</td></tr>\n<tr><td>3, 4</td></tr></table>\n", None
    yield "yaml", "a: 1\nb: 2\nc:\n  - x\n  - y\n", None
    yield "ini", "[part]\nname=x\nvalue=y, z\n", None
    yield "sql", "insert into t values (1, 'a', 2);\ninsert into t values (2, 'b', 3);\ninsert into t values (3, 'c', 4);\n", None
    yield "prose", "It was a day, like others. We went, and saw; they came.\nNothing was said.\nThen, at last, rain: much of it.\n", None
    yield "source-code", "int main() {\n  int a = 1, b = 2;\n  return a + b;\n}\n", None
    yield "empty", "", None
    yield "line-ends-alone", "\n\n\n", None
    yield "web-log", "".join(f'10.0.0.{i} - - [01/Jan/2025:10:00:{i:02} +0000] "GET /a,b HTTP/1.1" 200 {i * 7}\n' for i in range(20)), None
    yield "copy-text", "".join(f"{i}\ta\\tb {i}\t\\N\n" for i in range(20)), [Answer("\t", "", "\\", header=False)]


def files():
    """Of each file its kind, its name, its text, and the answers that are right; None: nobody can say, or it is no CSV."""
    for kind, of_kind in (("grid of dialects", grid), ("written by Python", python_writer), ("of CPython and CleverCSV", of_cpython_and_clevercsv),
                          ("of DuckDB and its reports", of_duckdb)):
        for name, text, answers in of_kind():
            yield kind, name, text, answers
