#!/usr/bin/env python3
"""What script/bench says of its parts is what its table has; nothing is measured here, and nothing built."""

import pathlib
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scale_model  # noqa: E402
from compare import data, page, parts, paths  # noqa: E402


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


class Written(unittest.TestCase):
    def test_a_part_that_is_measured_alone_takes_its_place_and_the_others_stay(self):
        before = "\nthe run\n\n## One\n\n1\n\n### of it\n\n2\n\n## Two\n\n3\n\n"
        after = page.merged(before, "\nanother run\n\n## Two\n\n4\n\n## Half\n\n5\n", ["One", "Half", "Two"])
        self.assertEqual(after, "\nthe run\n\n## One\n\n1\n\n### of it\n\n2\n\n## Half\n\nBy itself: another run\n\n5\n\n"
                         "## Two\n\nBy itself: another run\n\n4\n\n")
        self.assertEqual(page.merged(after, "\nx\n", ["One", "Half", "Two"]), after)


class Model(unittest.TestCase):
    """tests/bench/scale_model.py."""

    def rate(self, hosts, **parts):
        return scale_model.run(scale_model.Parts(**parts), hosts).rows_per_second

    def test_hosts_help_until_the_server_is_the_limit_and_then_no_more(self):
        rates = [self.rate(hosts, source_mb=20) for hosts in (1, 2, 4, 100, 200)]
        self.assertAlmostEqual(rates[1] / rates[0], 2, places=2)
        self.assertAlmostEqual(rates[2] / rates[0], 4, places=2)
        self.assertAlmostEqual(rates[4] / rates[3], 1, places=2)
        enough = scale_model.enough_hosts(scale_model.Parts(source_mb=20))
        self.assertLess(self.rate(enough - 1, source_mb=20), self.rate(enough, source_mb=20))
        self.assertGreaterEqual(self.rate(enough, source_mb=20) * 1.01, self.rate(enough + 1, source_mb=20))

    def test_what_is_slowest_is_named(self):
        for part, limit in (({"source_mb": 1}, "source"), ({"link_mb": 1}, "way to the server"), ({"cores": 0.01}, "its cores"),
                            ({"server_cores": 0.1}, "server's cores"), ({"server_disk_mb": 1}, "disk"), ({"server_link_mb": 1}, "network")):
            self.assertIn(limit, scale_model.run(scale_model.Parts(**part), 2).limit)

    def test_a_host_that_dies_costs_its_share_and_what_it_had_in_hand(self):
        well, dies = (scale_model.run(scale_model.Parts(source_mb=20, dies=dies), 4).seconds for dies in (0, 1))
        self.assertAlmostEqual(dies / well, (0.5 + 0.5 * 4 / 3), places=2)
        at_the_end = scale_model.run(scale_model.Parts(bytes=1e9, source_mb=500, dies=1), 4).seconds
        self.assertGreater(at_the_end, scale_model.Parts().lease)

    def test_the_page_has_what_it_says(self):
        text = (paths.ROOT / "docs/scale.md").read_text()
        command, shown = re.search(r"```\n\$ python3 tests/bench/scale_model.py(.*?)\n(.*?)```", text, re.S).groups()
        self.assertEqual(shown.strip(), scale_model.report(*scale_model.flags(command.split())))


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
