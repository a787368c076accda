"""How a file is read: what a sniffer answers, and what the files' makers know."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Answer:
    delimiter: str = ","
    quote: str = '"'  # empty: none
    escape: str = '"'  # the quote: doubled; a backslash: everywhere; empty: none
    header: bool = True
    skip: int = 0  # lines in front
    footer: int = 0  # records behind
    comment: str = ""


def records_of(text, answer):
    """The records by that answer, as COPY reads them: a quote opens and closes anywhere in a value."""
    return [record for record, _ in numbered_records(text, answer)]


def numbered_records(text, answer):
    parts = [re.escape(answer.delimiter), r"\r\n|\n|\r"]
    parts += [re.escape(mark) for mark in {answer.quote, answer.escape} if mark]
    records, record, value, start = [], [], [], 0
    in_quotes = False
    place = 0
    for found in re.finditer("|".join(parts), text):
        if found.start() < place:
            continue
        value.append(text[place:found.start()])
        mark, place = found.group(), found.end()
        if answer.escape == "\\" and mark == "\\":
            value.append(text[place:place + 1])
            place += 1
        elif mark == answer.quote:
            if in_quotes and answer.escape == answer.quote and text.startswith(mark, place):
                value.append(mark)
                place += 1
            else:
                in_quotes = not in_quotes
        elif in_quotes:
            value.append(mark)
        elif mark == answer.delimiter:
            record.append("".join(value))
            value = []
        else:
            records.append((record + ["".join(value)], text[start:place]))
            record, value, start = [], [], place
    value.append(text[place:])
    if record or value != [""]:
        records.append((record + ["".join(value)], text[start:]))
    return records


def data_of(text, answer):
    """The records that are loaded by that answer."""
    for _ in range(answer.skip):
        end = re.search(r"\r\n|\n|\r", text)
        text = text[end.end():] if end else ""
    records = [record for record, line in numbered_records(text, answer)
               if not (answer.comment and line.startswith(answer.comment)) and record != [""]]
    # What every record ends with is no value.
    if len(records) > 1 and all(len(record) > 2 and record[-1] == "" for record in records):
        records = [record[:-1] for record in records]
    records = records[:len(records) - answer.footer] if answer.footer else records
    return answer.header, records


def is_right(text, given, true):
    """Two answers by which the same is loaded are one."""
    return given == true or data_of(text, given) == data_of(text, true)
