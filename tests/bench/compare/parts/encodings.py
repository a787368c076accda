"""Files in other encodings, beside the same in UTF-8."""

from ..loaders import Loader, by_pgsluice, pgsluice
from ..turns import measure

ENCODINGS = ["LATIN1", "WIN1252", "UTF-16", "UTF-32LE", "GB18030"]


def transcoded(data, encoding):
    path = f"{data.path}.{encoding}"
    with open(data.path, encoding="utf-8", newline="") as source, \
            open(path, "w", encoding={"LATIN1": "latin-1", "WIN1252": "cp1252"}.get(encoding, encoding), newline="") as out:
        while text := source.read(1 << 20):
            out.write(text)
    return path


def run(bench):
    server, page = bench.server, bench.page
    for data in bench.sets:
        loaders = [by_pgsluice(server, data)]
        for encoding in ENCODINGS:
            loaders.append(Loader(encoding, [pgsluice(server, data, "--encoding", encoding, path=transcoded(data, encoding))]))
        results = measure(server, data, loaders, bench.rounds)
        plain = results["pgsluice"]["rate"]
        page.add(f"{data.name}.")
        page.add()
        page.table(["encoding", "rows/s", "of UTF-8's", "spread"],
                   [["UTF-8" if name == "pgsluice" else name, f"{result['rate'] / 1e3:,.0f} k", f"{result['rate'] / plain:.2f}",
                     f"{result['spread']:.0%}"] for name, result in results.items()])
