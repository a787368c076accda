"""What an entry of the table of parts says, and what a part is given."""

import collections.abc
import dataclasses
import sys

from .page import Page
from .server import Server


@dataclasses.dataclass
class Bench:
    """What a part is given: where to load, what, how often, and the page that it writes into."""

    server: Server
    page: Page
    sets: list  # of Data: those asked for, of the part's
    rounds: int
    folder: str
    against: str | None  # the other build's program
    scale: float = 1.0  # of what is no data set
    duckdb: str | None = None  # the folder that it is in


@dataclasses.dataclass(frozen=True)
class Part:
    """A thing to measure. What its function writes into the page stands under the heading."""

    name: str
    measures: str  # in one sentence
    function: collections.abc.Callable
    heading: str
    writes: str  # what is under the heading
    sets: tuple = ()  # the data sets it can be measured with; none named: all of them
    flag: str = ""  # the flag that asks for it; --parts does where there is none

    def run(self, bench):
        sets = [data for data in bench.sets if not self.sets or data.name in self.sets]
        if not sets:
            print(f"{self.name}: left out, since it is measured with {' and '.join(self.sets)} alone", file=sys.stderr)
            return
        bench.page.heading(self.heading.format(against=bench.against))
        self.function(dataclasses.replace(bench, sets=sets))
