"""Files as the Pollock benchmark pollutes them (Vitagliano et al., "Pollock: A Data Loading Benchmark", VLDB 2023), made again by
its kinds: one table, in RFC 4180 with every value in quotes, and one thing wrong in each file. What the table has is of our own
making. Left out are its kinds that change the file's name alone, and the ones of gigabytes."""

import dataclasses

from answers import Answer

ROWS = 84
HEADER = ["DATE", "TIME", "PRODUCTID", "Price", "Quantity", "ProductType", "ProductDescription", "NewCollection"]
THINGS = ["Hiking Boots", "Running Jacket, Light", "Fly Rod", "Pillow, Wooden", "Dining Table, Round 48\"", "Kids' Bike, 24\"",
          "Wool Socks", "Men's Vest", "Camp Stove Bundle", "Field Watch", "Tee, Long-Sleeve", "Rain Hat"]
SAYINGS = ["Rugged enough for the peak: light, quick, dry.", "A classic; warm even when wet.", "Made for shade, sun and sea",
           "It's the best-value vest we've made, packed with 650-fill.", "An 8'9\" rod, crisp and light.",
           "Durable - from slope to lodge to shoveling snow."]


def table():
    rows = [HEADER]
    for i in range(ROWS):
        rows.append([f"{i % 28 + 1:02}/{i // 28 + 1:02}/2018", f"{i // 4:02}:{i % 4 * 15:02}", f"{'MRCYB'[i % 5]}{'GICYH'[i % 5]}-{1000 + i * 77}",
                     f"{(i * 7919) % 9999 / 100:.2f}", str(i * 7 % 13), THINGS[i % len(THINGS)], SAYINGS[i % len(SAYINGS)], str(i % 3 // 2)])
    return rows


@dataclasses.dataclass
class Written:
    """What a writer does to each cell and between them; a part may do it otherwise."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    newline: str = "\r\n"

    def cell(self, text):
        close = self.quote[::-1]
        return self.quote + "".join(self.escape + c if c in (self.quote, self.escape) else c for c in text) + close

    def row(self, cells):
        return self.delimiter.join(self.cell(cell) for cell in cells) + self.newline


USUAL = Written()


def rows_of(rows, written=USUAL):
    return [written.row(row) for row in rows]


def whole_files():
    """The kinds that change all of a file."""
    rows = table()
    text = rows_of(rows)
    usual = "".join(text)
    answer = Answer()
    yield "source", usual, answer, "utf-8"
    yield "file_size_0", "", None, "utf-8"
    yield "file_header_only", text[0], None, "utf-8"
    for encoding in ("utf-8", "latin-1", "utf-16"):
        yield f"file_encoding_{encoding}", usual.replace("Fly Rod", "Fly R\u00f6d"), answer, encoding
    yield "file_num_columns_1", "".join(rows_of([row[:1] for row in rows])), answer, "utf-8"
    for count in (1024, 17000):
        wide = [row + [f"col{i + 1}" if number == 0 else row[-1] for i in range(8, count)] for number, row in enumerate(rows)]
        yield f"file_num_columns_{count}", "".join(rows_of(wide)), answer, "utf-8"
    yield "file_num_rows_1", "".join(text[:2]), answer, "utf-8"
    yield "file_no_header", "".join(text[1:]), Answer(header=False), "utf-8"
    yield "file_num_rows_70000", usual + text[-1] * (70000 - ROWS), answer, "utf-8"
    for count, name in ((2, "2"), (3, "3")):
        yield f"file_header_multirow_{name}", text[0] * count + "".join(text[1:]), None, "utf-8"
    for delimited in (True, False):
        for empty in (True, False):
            line = USUAL.row([f"PREAMBLE"] + [""] * 7) if delimited else USUAL.row(["PREAMBLE"])
            foot = line.replace("PREAMBLE", "FOOTNOTE")
            between = ("" if not empty else USUAL.row([""] * 8) if delimited else "\r\n")
            name = f"{'' if delimited else 'not_'}delimited{'_empty_row' if empty else ''}"
            skip = 3 + (1 if empty else 0)
            yield f"file_preamble_3_{name}", line * 3 + between + usual, Answer(skip=skip), "utf-8"
            # What has as many values as all others is one of them, as far as the dialect goes.
            yield f"file_footnote_3_{name}", usual + between + foot * 3, Answer(footer=0 if delimited else 3), "utf-8"
    for newline in ("\n", "\r"):
        yield f"file_record_delimiter_{ord(newline):X}", "".join(rows_of(rows, Written(newline=newline))), answer, "utf-8"
    for delimiter in (";", "|", " ", "\t", "\t\t", ":", ", ", "\\t"):
        name = "_".join(f"{ord(c):X}" for c in delimiter)
        yield f"file_field_delimiter_{name}", "".join(rows_of(rows, Written(delimiter=delimiter))), Answer(delimiter=delimiter), "utf-8"
    yield "file_quotation_char_27", "".join(rows_of(rows, Written(quote="'", escape="'"))), Answer(quote="'", escape="'"), "utf-8"
    yield "file_quotation_char_0", "".join(rows_of([[cell.replace(",", "") for cell in row] for row in rows], Written(quote="", escape=""))), \
        Answer(quote="", escape=""), "utf-8"
    yield "file_escape_char_5C", "".join(rows_of(rows, Written(escape="\\"))), Answer(escape="\\"), "utf-8"
    yield "file_escape_char_0", "".join(rows_of([[cell.replace('"', "") for cell in row] for row in rows])), answer, "utf-8"
    for second in (6, 12):
        other = rows_of([[f"c{i}" for i in range(second)]] + [[str(i * j) for i in range(second)] for j in range(10)])
        yield f"file_multitable_{second}", usual + "\r\n" + "".join(other), None, "utf-8"
    for column in (0, 2, 7):
        for name, text_of_it in (("empty", ""), ("nonalnum", "HEAD/%R"), ("large", "HEADER" * 10000)):
            header = [text_of_it if i == column else cell for i, cell in enumerate(HEADER)]
            yield f"column_header_{column}_{name}", USUAL.row(header) + "".join(text[1:]), answer, "utf-8"
    yield "column_header_nonunique", USUAL.row(["HEADER", "HEADER"] + HEADER[2:]) + "".join(text[1:]), answer, "utf-8"


def changed_rows():
    """The kinds that change one record."""
    rows = table()
    text = rows_of(rows)

    def with_row(number, changed):
        return "".join(text[:number] + [changed] + text[number + 1:])

    for number in (0, 1, 2, 50, ROWS):
        cells = rows[number]
        for kind, changed in (("empty", []), ("less", cells[:5]), ("more", cells + [cells[-1]] * 7)):
            line = USUAL.row(changed) if changed else "\r\n"
            # A header of another width is none.
            yield f"row_n_fields_{number}_{kind}", with_row(number, line), Answer() if number else None
        yield f"row_record_delimiter_{number}_A", with_row(number, Written(newline="\n").row(cells)), Answer() if number > 1 else None
        yield f"row_quotation_mark_{number}_27", with_row(number, Written(quote="'", escape="'").row(cells)), Answer() if number else None
        yield f"row_escape_char_{number}_5C", with_row(number, Written(escape="\\").row([cell + '"' for cell in cells])), \
            Answer() if number else None
    for number in range(1, ROWS + 1):
        yield f"row_field_delimiter_{number}_3B", with_row(number, Written(delimiter=";").row(rows[number])), Answer()
        cells = [USUAL.cell(cell) for cell in rows[number]]
        for column in range(8):
            more = cells[:column] + [""] + cells[column:]
            yield f"row_more_sep_row{number}_col{column}", with_row(number, ",".join(more) + "\r\n"), Answer()
            quoted = cells[:column] + ['"' + cells[column]] + cells[column + 1:]
            yield f"row_extra_quote{number}_col{column}", with_row(number, ",".join(quoted) + "\r\n"), Answer()
        for column in range(7):
            less = cells[:column] + [cells[column] + cells[column + 1]] + cells[column + 2:]
            yield f"row_less_sep_row{number}_col{column}", with_row(number, ",".join(less) + "\r\n"), Answer()


def files():
    """Of each file its name, its bytes as text, how it is read (None: nobody can say), and its encoding."""
    yield from whole_files()
    for name, text, answer in changed_rows():
        yield name, text, answer, "utf-8"
