"""What a file of C++ says, as far as its layout tells: its functions, the names that its headers declare, its texts of SQL.
It relies on clang-format, which the suite checks too, and on nothing else."""

import collections
import re

COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL
)
NAME = re.compile(r"[A-Za-z_]\w*")


def without_texts(text):
    """The code alone: no comments, and nothing in quotes. Lines stay where they are."""

    def blank(match):
        found = match.group(0)
        return ("" if found.startswith("/") else '""') + "\n" * found.count("\n")

    return COMMENT_OR_TEXT.sub(blank, text)


def texts(text):
    """(line, the text) of each text in double quotes, raw ones too."""
    for match in COMMENT_OR_TEXT.finditer(text):
        if match.group(0)[0] in 'R"':
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


FUNCTION_OPENS = re.compile(r"^( *).*\)(?: const| noexcept| override| -> [^{]+)* \{$")
STATEMENT = re.compile(r"^ *(?:\} )?(?:if|for|while|switch|else|catch|do|try)\b")


def functions(text):
    """(first line, number of lines) of each function that stands in a namespace or directly in a class."""
    lines = text.split("\n")
    opened = None
    for number, line in enumerate(lines):
        if opened:
            first, indent = opened
            if line == indent + "}":
                yield first + 1, number - first + 1
                opened = None
            continue
        if not FUNCTION_OPENS.match(line) or STATEMENT.match(line):
            continue
        first = number
        while first > 0 and not re.match(r"^ {0,2}\S", lines[first]):
            first -= 1
        indent = re.match(r"^ *", lines[first]).group(0)
        if len(indent) <= 2:
            opened = first, indent


def declared_names(code):
    """The names of functions, members, types and enumerators that a header declares."""
    names = {
        name for before, name in re.findall(r"(\w*)[>&*\]]* ([A-Za-z_]\w*)\(", code) if before not in ("return", "co_return", "")
    }
    names |= set(re.findall(r"[\w>&*\]] ([A-Za-z_]\w*)(?: = [^;]*|\{[^;]*\})?;", code))
    names |= set(re.findall(r"\b(?:struct|class|enum class|using|concept) ([A-Za-z_]\w*)(?=[ :{;])", code))
    for values in re.findall(r"enum (?:class )?\w*(?: : \w+)? \{([^}]*)\}", code):
        names |= set(re.findall(r"([A-Za-z_]\w*)(?: = \w+)?,?", values))
    return names


def private_functions(code):
    """(class, how many functions it declares as private) for each class of a header."""
    for match in re.finditer(r"^class (\w+)[^;{]*\{(.*?)^\};", code, re.MULTILINE | re.DOTALL):
        parts = re.split(r"^ (public|private|protected):", match.group(2), flags=re.MULTILINE)
        private = "".join(parts[i + 1] for i in range(1, len(parts), 2) if parts[i] == "private")
        yield match.group(1), len(
            re.findall(r"^  (?!using|struct|friend|class)[\w:~][^=\n]*?\w\(", private, re.MULTILINE)
        )


class Names:
    """In which files each name stands, and how often. Files of tests count: what they call is used."""

    def __init__(self, codes):
        self.count = collections.Counter()
        self.files = collections.defaultdict(set)
        for path, code in codes.items():
            for name in NAME.findall(code):
                self.count[name] += 1
                self.files[name].add(path)
        self.codes = codes

    def unused(self, header):
        """Names that a header declares and that nothing uses: they stand there alone, or once more where they are defined."""
        for name in sorted(declared_names(self.codes[header])):
            if self.count[name] == 1:
                yield name
            elif self.count[name] == 2 and len(self.files[name]) == 2:
                other = next(iter(self.files[name] - {header}))
                definition = re.search(rf"(?:^|::|[\w>&*] ){name}\(", self.codes[other], re.MULTILINE)
                call = re.search(rf"(?:return|=|co_await|\(|\.|->) ?{name}\(", self.codes[other])
                if other.stem == header.stem and definition and not call:
                    yield name
