"""What sniffers answer: pgsluice inspect, Python's csv.Sniffer, DuckDB's sniff_csv(). None: it refuses."""

import csv
import json
import pathlib
import subprocess

from answers import Answer

HERE = pathlib.Path(__file__).resolve().parent


def answer_of_flags(flags, header):
    values = {"--delimiter": ",", "--quote": '"', "--escape": "", "--format": "csv", "--skip-lines": "0", "--skip-footer": "0", "--comment": ""}
    for flag, value in zip(flags, flags[1:]):
        if flag in values:
            values[flag] = value
    names = {"tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|", "backslash": "\\"}
    if values["--format"] == "text":
        return Answer("\t", "", "\\", header)
    delimiter = names.get(values["--delimiter"], values["--delimiter"]).encode().decode("unicode_escape")
    quote = "" if values["--quote"] == "none" else values["--quote"]
    escape = names.get(values["--escape"], values["--escape"]) or quote
    return Answer(delimiter, quote, escape, header, int(values["--skip-lines"]), int(values["--skip-footer"]), values["--comment"])


def by_pgsluice(program, paths):
    """One command for many files; of each its answer, and whether it is sure of it."""
    answers = {}
    out = subprocess.run([program, "inspect", "--output", "json", "@" + str(paths)], capture_output=True, text=True).stdout
    for file in json.loads(out)["files"]:
        answer = None
        if "error" not in file and file["is_sure"] and "header_doubt" not in file:
            answer = answer_of_flags(file["flags"], file["header"])
        answers[file["file"]] = answer
    return answers


def by_python(text):
    try:
        sample = text[:65536]
        found = csv.Sniffer().sniff(sample)
        header = csv.Sniffer().has_header(sample)
    except Exception:  # it raises csv.Error where it refuses, and others where it fails
        return None
    delimiter = found.delimiter + (" " if found.skipinitialspace else "")
    return Answer(delimiter, found.quotechar or "", found.quotechar if found.doublequote else "", header)


def by_duckdb(folder, paths):
    answers = {}
    out = subprocess.run(["node", str(HERE / "sniff_csv.mjs"), folder], input="".join(f"{path}\n" for path in paths), check=True,
                         capture_output=True, text=True).stdout
    for line in out.splitlines():
        said = json.loads(line)
        answer = None
        if "error" not in said:
            none = lambda mark: "" if mark in (None, "(empty)", "\0") else mark
            quote, escape = none(said["Quote"]), none(said["Escape"])
            answer = Answer(said["Delimiter"], quote, escape or quote, said["HasHeader"], int(said["SkipRows"]), 0, none(said["Comment"]))
        answers[said["path"]] = answer
    return answers
