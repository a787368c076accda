#!/usr/bin/env python3
"""What script/bench says of its parts is what its table has; nothing is measured here, and nothing built."""

import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compare import data, parts, paths  # noqa: E402


def bench(*arguments):
    return subprocess.run([sys.executable, str(paths.ROOT / "script/bench"), *arguments], capture_output=True, text=True, timeout=60)


class Table(unittest.TestCase):
    def test_each_file_of_a_part_is_one_entry(self):
        files = {path.stem for path in pathlib.Path(parts.__file__).parent.glob("*.py")} - {"__init__"}
        self.assertEqual(sorted(files), sorted(part.name for part in parts.PARTS))
        for part in parts.PARTS:
            self.assertEqual(part.function.__module__, f"compare.parts.{part.name}")

    def test_an_entry_says_in_one_sentence_what_is_measured(self):
        for part in parts.PARTS:
            self.assertRegex(part.measures, r"^[A-Z][^.]*\.$", part.name)
            self.assertRegex(part.writes, r"^[^.]+$", part.name)

    def test_no_two_parts_write_under_the_same_heading(self):
        headings = [part.heading for part in parts.PARTS]
        self.assertEqual(len(set(headings)), len(headings))

    def test_parts_name_data_sets_that_there_are(self):
        for part in parts.PARTS:
            self.assertLessEqual(set(part.sets), set(data.ROWS), part.name)


class Flags(unittest.TestCase):
    def refused(self, *arguments):
        done = bench(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        return done.stderr

    def test_the_help_has_each_part_with_its_sentence(self):
        shown = " ".join(bench("--help").stdout.split())
        for part in parts.PARTS:
            name = f"({part.flag})" if part.flag else part.name
            self.assertIn(f"{name} {part.measures}", shown)

    def test_a_part_that_is_not_in_the_table_is_refused_with_those_that_are(self):
        for given in ("nosuch", "main,nosuch", "nosuch,", "Main"):
            said = self.refused("--parts", given)
            self.assertIn("no part is named", said)
            for part in parts.PARTS:
                self.assertTrue(part.flag or part.name in said, said)

    def test_a_part_with_a_flag_of_its_own_is_not_for_parts(self):
        for part in parts.PARTS:
            if part.flag:
                self.assertIn(f"'{part.name}' is asked for by {part.flag}", self.refused("--parts", part.name))

    def test_what_cannot_be_measured_is_refused_before_anything_is_built(self):
        for flag, value in (("--sets", "nosuch"), ("--rounds", "0"), ("--rounds", "x"), ("--scale", "-1"), ("--scale", "nan"),
                            ("--against", "/nosuch")):
            self.assertIn(f"argument {flag}: ", self.refused(flag, value))


if __name__ == "__main__":
    unittest.main()
