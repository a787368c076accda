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

    def write(self):
        """The chart stays as it is where no part has drawn one."""
        page = DOCS / "README.md"
        text = page.read_text()
        before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END):]
        page.write_text(before + "\n" + "\n".join(self.lines) + after)
        if self.charted:
            (DOCS / "throughput.svg").write_text(chart(self.charted))
