"""The Markdown that is printed and, with --write, kept in docs/benchmarks."""

from .chart import chart
from .paths import DOCS

BEGIN, END = "<!-- script/bench writes from here -->\n", "<!-- to here -->\n"


class Page:
    """Lines, and what the chart shows: for each data set, a loader's rows a second as a multiple of psql's."""

    def __init__(self):
        self.lines, self.charted = [], {}

    def add(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def heading(self, text, level=2):
        self.add("#" * level + " " + text)
        self.add()

    def table(self, columns, rows):
        """Each cell is a text already."""
        self.add("| " + " | ".join(columns) + " |")
        self.add("|" + "---|" * len(columns))
        for row in rows:
            self.add("| " + " | ".join(row) + " |")
        self.add()

    def loaders(self, results, baseline, times="times psql"):
        """What turns.measure gives."""
        columns = ["loader", "rows/s", "MB/s", "client CPU µs/row", "server CPU µs/row", "peak RSS MiB", "spread", times]
        self.table(columns, [
            [name, f"{r['rate'] / 1e3:,.0f} k", f"{r['mb']:.0f}", f"{r['cpu_us']:.2f}", f"{r['server_us']:.2f}", f"{r['rss']:.0f}",
             f"{r['spread'] * 100:.0f} %", f"{r['rate'] / baseline:.2f}"]
            for name, r in results.items()])

    def write(self, headings, is_all):
        """Parts that were measured alone take the place of theirs; the chart stays as it is where no part has drawn one.

        `headings`: of all parts, in their order."""
        page = DOCS / "README.md"
        text = page.read_text()
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        new = "\n" + "\n".join(self.lines)
        page.write_text(text[:begin] + (new if is_all else merged(text[begin:end], new, headings)) + text[end:])
        if self.charted:
            (DOCS / "throughput.svg").write_text(chart(self.charted))


def sections(text):
    """What stands in front of the first heading, and under each."""
    first, *others = ("\n" + text).split("\n## ")
    return first.strip("\n"), {heading: body.strip("\n") for heading, _, body in (other.partition("\n") for other in others)}


def merged(page, new, headings):
    """Each section that comes from another run says which."""
    title, kept = sections(page)
    run, measured = sections(new)
    kept.update({heading: f"By itself: {run}\n\n{body}" for heading, body in measured.items()})
    ordered = [heading for heading in headings if heading in kept]
    return f"\n{title}\n\n" + "".join(f"## {heading}\n\n{kept[heading]}\n\n" for heading in ordered)
