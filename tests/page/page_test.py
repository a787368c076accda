#!/usr/bin/env python3
"""Uses the page of `pgsluice serve` as a person would, in Chromium, and leaves pictures of it.

    tests/page/page_test.py PGSLUICE FOLDER [NAME ...]

Ends with 77 where Chromium is not installed. Looking for barriers (axe-core) wants npm once.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM, PICTURES = sys.argv[1], pathlib.Path(sys.argv[2])
try:
    from browser import Browser, is_installed
    if not is_installed():
        raise ImportError
except ImportError:
    print("skipped: chromium, chromium-driver and python3-selenium are not installed; script/bootstrap does that")
    sys.exit(77)
from selenium.webdriver.common.keys import Keys

from server import Database, Gate, Service

HOSTILE = "<img src=x onerror=alert(1)>"
PHONE, DESK = (320, 740), (1280, 900)


def rows(first, count, text="text of a row"):
    return "".join(f"{i},{text} {i}\n" for i in range(first, first + count))


def long_file(gates):
    """Of several chunks: behind each third of it a row stands in front of a gate."""
    text = "a,b\n"
    for part, gate in enumerate(gates):
        text += rows(part * 100_000 + 1, 60_000, "x" * 60) + f"{part * 100_000},gate {gate}\n"
    return text + rows(900_001, 1000)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.folder.name)
        cls.database = Database(os.environ["PGSLUICE_TEST_URL"], f"pgsluice_page_{os.getpid()}")
        cls.service = Service(PROGRAM, cls.database, ["--allow", "create"])
        cls.browser = Browser(cls.base)

    @classmethod
    def tearDownClass(cls):
        cls.browser.end()
        cls.service.end()
        cls.database.drop()
        cls.folder.cleanup()

    def setUp(self):
        self.gates = []
        self.open()
        self.browser.run("sessionStorage.clear()")
        self.open()

    def tearDown(self):
        for gate in self.gates:
            gate.open()
        self.assertEqual([], self.browser.wrongs())

    def open(self, address=None):
        self.browser.open(address or self.service.address)
        self.browser.one("#file")
        self.browser.until("the list is there", lambda: self.browser.text("#loads-body"))

    def file(self, name, text):
        path = self.base / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def gate(self, number):
        self.gates.append(Gate(self.database, number))
        return self.gates[-1]

    def count(self, table):
        return int(self.database.do(f"select count(*) from {table}"))

    def choose(self, path, table=None):
        self.browser.choose(path)
        self.browser.labelled("Table")
        if table:
            self.browser.fill("Table", table)

    # What is chosen is shown, and stored.

    def test_a_file_is_shown_and_stored(self):
        self.database.do("create table shown (id int primary key, city text, day date)")
        self.choose(self.file("it's São (1)*.csv", "id;city;day\n1;\"São\nPaulo\";2026-01-02\n2;;2026-02-03\n"), "shown")
        self.browser.until_says("3 columns · 2 records · names in the first record · delimiter=;")
        self.assertIn("2026-02-03", self.browser.text(".rows"))
        self.assertIn("NULL", self.browser.text(".rows"))
        self.assertIn("integer", self.browser.text(".rows thead"))
        self.browser.press("Upload")
        self.browser.until_says("Stored in public.shown")
        self.assertEqual("1|São\nPaulo|2026-01-02\n2||2026-02-03", self.database.do("select * from shown order by 1"))
        self.browser.until_says("finished", "#loads-body")
        self.assertIn("it's São (1)*.csv", self.browser.text("#loads-body"))
        self.browser.press("Upload another file")
        self.choose(self.file("shown.csv", "id;city;day\n1;\"São\nPaulo\";2026-01-02\n2;;2026-02-03\n"))
        self.assertEqual("public.shown", self.browser.labelled("Table").get_property("value"))
        self.browser.press("Upload")
        self.browser.until_says("It is in public.shown already")

    def test_a_table_is_made_and_rows_are_updated(self):
        self.choose(self.file("new.csv.gz", subprocess.run(["gzip"], input=b"a,b\n1,x\n2,caf\xe9\n", stdout=subprocess.PIPE).stdout), "made")
        self.browser.until_says("The text is no UTF-8; it is taken for WIN1252.")
        self.browser.labelled("Make the table if it is not there").click()
        self.browser.press("Upload")
        self.browser.until_says("Stored in public.made")
        self.assertEqual("1|x\n2|café", self.database.do("select * from made order by 1"))
        self.database.do("alter table made add primary key (a), alter b drop not null")
        self.browser.press("Upload another file")
        self.choose(self.file("more.csv", "a,b\n2,y\n3,-\n"), "made")
        self.browser.labelled("A record whose key is there").send_keys("updates")
        self.browser.fill("Key columns", "a")
        self.browser.fill("NULL is", "-")
        self.browser.press("Upload")
        self.browser.until_says("Stored in public.made")
        self.assertEqual("1|x\n2|y\n3|", self.database.do("select * from made order by 1"))

    def test_a_server_that_is_gone_is_not_taken_for_one_with_nothing_new(self):
        self.database.do("create table gone (a int, b text)")
        service = Service(PROGRAM, self.database)
        try:
            self.open(service.address)
            self.choose(self.file("gone.csv", "a,b\n1,x\n"), "gone")
            self.browser.press("Upload")
            self.browser.until_says("public.gone", "#loads-body")
        finally:
            service.end()
        self.browser.run("document.dispatchEvent(new Event('visibilitychange'))")
        self.browser.until_says("The server cannot be reached. What is below was so at ", "#loads-body")
        self.assertIn("gone", self.browser.text("#loads-body .list"))

    def test_the_first_click_counts(self):
        self.database.do("create table first_click (a int, b text)")
        self.choose(self.file("first.csv", "a,b\n1,x\n"))
        self.browser.one(".found summary").click()
        self.browser.labelled("Table").send_keys("public.first_click")
        self.browser.until_says("create table public.first_click", ".found pre")
        self.browser.press("Upload")
        self.browser.until_says("Stored in public.first_click")

    # In the middle.

    def test_progress_is_seen_and_kept_as_a_chart(self):
        self.database.do("create table watched (a int, b text);" + Gate.trigger("watched"))
        gates = [self.gate(number) for number in (11, 12, 13, 14)]
        self.choose(self.file("watched.csv", long_file([11, 12, 13, 14])), "watched")
        self.browser.until_says("Looked at: the first 1.0 MB.")
        self.browser.press("Upload")
        for gate in gates:
            self.browser.until("the load stands at the gate", gate.is_reached)
            # Several may stand in one chunk; the first chunk has none.
            self.assertLess(self.browser.until("rows are shown as stored", lambda: self.shown_rows(0)), 241_004)
            gate.open()
        self.browser.until_says("Stored in public.watched")
        self.assertEqual(241_004, self.count("watched"))
        opens = self.browser.until("it is in the list", lambda: self.browser.all("#loads-body .opens"))[0]
        opens.click()
        self.browser.one(".detail dl.facts")

    def shown_rows(self, more_than):
        text = self.browser.text("#upload .figures")
        for line, value in zip(text.split("\n"), text.split("\n")[1:]):
            if line.lower() == "rows stored" and value.replace(",", "").isdigit() and int(value.replace(",", "")) > more_than:
                return int(value.replace(",", ""))
        return None

    def test_it_can_be_cancelled(self):
        self.database.do("create table cancelled (a int, b text);" + Gate.trigger("cancelled"))
        gate = self.gate(21)
        self.choose(self.file("cancelled.csv", long_file([21])), "cancelled")
        self.browser.press("Upload")
        self.browser.until("the load stands at the gate", gate.is_reached)
        self.browser.until_says("running", "#loads-body")
        self.browser.press("Cancel")
        self.browser.until_says("Cancelled")
        self.browser.until_says("unfinished", "#loads-body")
        stored = self.count("cancelled")
        gate.open()
        said = self.browser.text(".outcome")
        self.assertIn(f"{stored:,} rows of it are in" if stored else "Nothing of it is stored.", said)
        self.browser.press("Try again")
        self.browser.until_says("Stored in public.cancelled")
        self.assertEqual(61_001, self.count("cancelled"))
        self.assertLess(stored, 61_001)

    def test_a_reload_in_the_middle_can_be_gone_on_with(self):
        self.database.do("create table reloaded (a int, b text);" + Gate.trigger("reloaded"))
        gate = self.gate(31)
        # More than is read ahead of what stands at the gate: else all of it has come before the page is left.
        path = self.file("reloaded.csv", long_file([31]) + rows(2_000_000, 1_300_000, "y" * 60))
        self.choose(path, "public.reloaded")
        self.browser.press("Upload")
        self.browser.until("the load stands at the gate", gate.is_reached)
        self.browser.until("a part of it is stored", lambda: self.count("reloaded") > 0)
        self.assertEqual([], self.browser.wrongs())
        self.open()
        self.browser.until_says("was cut when this page was left")
        gate.open()
        self.browser.until_says("unfinished", "#loads-body")
        self.assertLess(self.count("reloaded"), 1_361_001)
        self.browser.choose(path)
        self.browser.button("Go on with the upload")
        self.assertEqual("public.reloaded", self.browser.labelled("Table").get_property("value"))
        self.browser.press("Go on with the upload")
        self.browser.until_says("Stored in public.reloaded")
        self.assertEqual(1_361_001, self.count("reloaded"))
        self.assertEqual(1_361_001, int(self.database.do("select count(distinct a) from reloaded")))
        self.assertEqual("1", self.database.do("select count(*) from pgsluice.loads where target = 'public.reloaded'"))
        self.open()
        self.assertNotIn("was cut", self.browser.text())

    # What is bad.

    def test_bad_records_have_their_reasons_and_their_file(self):
        self.database.do("create table bad (a int primary key, b text)")
        self.choose(self.file("bad.csv", "a,b\n1,x\nzwei,y\n3,z\n"), "bad")
        self.browser.press("Upload")
        self.browser.until_says("A record is bad")
        said = self.browser.text(".outcome")
        for words in ("Line\n3", "Column\na", "Value\nzwei", "invalid input syntax for type integer"):
            self.assertIn(words, said)
        self.assertEqual(0, self.count("bad"))
        self.browser.press("Back to the file")
        self.browser.press("Only check it")
        self.browser.until_says("1 of 3 records is bad")
        self.assertEqual(0, self.count("bad"))
        self.browser.press("Back to the upload")
        self.browser.fill("Bad records allowed", "5")
        self.browser.press("Upload")
        self.browser.until_says("Stored in public.bad, but for 1 bad record")
        self.browser.until_says("zwei", ".records")
        self.assertIn("invalid input syntax for type integer", self.browser.text(".records"))
        self.browser.press("Download rejects.csv")
        load = self.database.do("select load_id from pgsluice.loads where target = 'public.bad'")
        self.assertEqual("a,b\nzwei,y\n", self.browser.download(f"load-{load}.rejects.csv"))
        self.assertEqual(2, self.count("bad"))

    def test_a_spreadsheet_is_called_one(self):
        path = self.base / "trips.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("xl/workbook.xml", "<workbook/>")
        self.browser.choose(path)
        self.browser.until_says("trips.xlsx: is a spreadsheet (xlsx), not CSV")
        self.assertFalse(self.browser.run("return document.querySelector('form .main').checkVisibility()"), "no button invites to load it")
        self.browser.one("details > summary").click()
        self.browser.labelled("Table")

    def test_what_others_wrote_is_text(self):
        name = '"' + HOSTILE + '"'
        self.database.do(f"create table {name} (a int, {name} text);"
                         "create function no() returns trigger language plpgsql as $$ begin if new.a = 7 then "
                         f"raise exception '{HOSTILE}'; end if; return new; end $$;"
                         f"create trigger no before insert on {name} for each row execute function no()")
        path = self.file("<b onclick=alert(1)>.csv", f"a,{HOSTILE}\n1,{HOSTILE}\n7,<script>alert(1)</script>\n")
        self.choose(path, name)
        self.browser.until_says(HOSTILE, ".rows tbody")
        self.assertIn(HOSTILE, self.browser.text(".rows thead"))
        self.browser.press("Upload")
        self.browser.until_says("A record is bad")
        self.assertIn(HOSTILE, self.browser.text(".outcome"))
        self.browser.press("Back to the file")
        self.browser.fill("Bad records allowed", "5")
        self.browser.press("Upload")
        self.browser.until_says(HOSTILE, ".records")
        self.browser.until_says(HOSTILE, "#loads-body")
        self.assertEqual([], self.browser.run("return [...document.querySelectorAll('img, script:not([src]), [onerror], [onclick]')].map(String)"))

    def test_jobs_and_migrations_are_shown(self):
        (self.base / "migrations").mkdir()
        self.file("migrations/V1__first.sql", "create table migrated (a int)")
        self.file("job.sql", "insert into migrated values (1)")
        config = self.file("pgsluice.toml", '[[job]]\nname = "nightly"\ncron = "* * * * *"\nsql = "job.sql"\n')
        for command in (["migrate", "up", "--dir", self.base / "migrations"], ["schedule", "run", "--once", "--config", config]):
            subprocess.run([PROGRAM, *map(str, command), "-d", self.database.url], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.database.do("insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at, exit_code, message) select project, job, "
                         f"'2026-01-01 00:00Z', 'failed', 'x', '2026-01-01 00:00:01Z', 1, '{HOSTILE}' from pgsluice.jobs")
        self.open()
        self.browser.until_says("V1__first.sql", "#migrations-body")
        self.browser.until_says("applied", "#migrations-body")
        self.browser.until_says("nightly", "#jobs-body")
        self.browser.press("nightly")
        self.browser.until_says("What it said", "#jobs-body")
        self.browser.until_says("failed", "#jobs-body .records")
        self.assertIn(HOSTILE, self.browser.text("#jobs-body .records"))

    # Who may.

    def test_a_token_is_asked_for_and_kept_in_the_tab(self):
        secret = "secret-of-the-shop"
        tokens = self.file("tokens", f"shop {hashlib.sha256(secret.encode()).hexdigest()} - * -\n")
        self.database.do("create table kept (a int, b text)")
        service = Service(PROGRAM, self.database, ["--tokens", tokens])
        try:
            self.browser.open(service.address)
            self.browser.until_says("This server wants a token", "dialog")
            self.browser.fill("Token", "wrong")
            self.browser.press("Use it")
            self.browser.until_says("Nobody is known by this token", "dialog")
            self.browser.fill("Token", secret)
            self.browser.press("Use it")
            self.browser.until_says("shop", "#who")
            self.choose(self.file("kept.csv", "a,b\n1,x\n"), "public.kept")
            self.assertEqual([], [label for label in self.browser.text(".options").split("\n") if "Make the table" in label])
            self.browser.press("Upload")
            self.browser.until_says("Stored in public.kept")
            self.open(service.address)
            self.browser.until_says("shop", "#who")
            self.assertEqual("", self.browser.run("return document.cookie + Object.keys(localStorage).join()"))
            self.assertEqual([], self.browser.driver.execute_async_script("indexedDB.databases().then(arguments[0])"))
            first = self.browser.driver.current_window_handle
            self.browser.driver.switch_to.new_window("tab")
            self.browser.open(service.address)
            self.browser.until_says("This server wants a token", "dialog")
            self.assertEqual([], self.browser.run("return Object.values(sessionStorage)"))
            self.browser.driver.close()
            self.browser.driver.switch_to.window(first)
            self.browser.press("Forget the token")
            self.browser.until_says("This server wants a token", "dialog")
            self.assertNotIn(secret, self.browser.run("return Object.values(sessionStorage).join()"))
            self.browser.press("Not now")
        finally:
            self.assertEqual([], self.browser.wrongs())
            service.end()

    # For all.

    def test_the_keyboard_is_enough(self):
        self.database.do("create table typed (a int primary key, b text)")
        self.browser.tab_to("at.classList.contains('skip')", "the way to the content")
        self.browser.tab_to("at.id === 'file'", "the choice of a file")
        self.browser.choose(self.file("typed.csv", "a,b\n1,x\n"))
        self.browser.labelled("Table")
        self.assertEqual("typed.csv", self.browser.run("return document.activeElement.innerText"))
        self.browser.tab_to("at.labels?.[0]?.innerText === 'Table'", "the table")
        self.browser.keys("public.typed")
        self.browser.tab_to("at.labels?.[0]?.innerText === 'All rows or none'", "a tick")
        self.browser.keys(Keys.SPACE)
        self.browser.tab_to("at.innerText === 'Upload'", "the upload")
        self.browser.keys(Keys.ENTER)
        self.browser.until_says("Stored in public.typed")
        self.assertEqual("Stored in public.typed", self.browser.run("return document.activeElement.innerText"))
        self.assertEqual("Stored in public.typed", self.browser.run("return document.querySelector('#said').textContent"))
        self.browser.until_says("public.typed", "#loads-body")
        self.browser.tab_to("at.classList.contains('opens') && at.innerText === 'public.typed'", "the load")
        self.browser.keys(Keys.ENTER)
        self.browser.until_says("Records read", "#loads-body")
        self.assertEqual("true", self.browser.run("return document.activeElement.getAttribute('aria-expanded')"))
        self.assertEqual(1, self.count("typed"))

    def test_nothing_keeps_people_out(self):
        found = subprocess.run([str(ROOT / "script/fetch-axe")], stdout=subprocess.PIPE, text=True)
        if found.returncode == 3:
            self.skipTest("npm cannot be reached, and axe-core comes from there")
        axe = pathlib.Path(found.stdout.strip()).read_text()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.database.do("create table seen (id int primary key, city text, fare numeric(8, 2), day timestamp);"
                         "create table held (a int, b text);" + Gate.trigger("held"))
        gate = self.gate(41)
        trips = "id,city,fare,day\n" + "".join(f"{i},{('Rome', 'Oslo', 'São Paulo')[i % 3]},{i * 1.25:.2f},2026-01-{i % 28 + 1:02} 10:00:00\n" for i in range(1, 400))
        views = [(scheme, name, size) for scheme in ("light", "dark") for name, size in (("phone", PHONE), ("desk", DESK))]

        def look(what):
            for scheme, name, size in views:
                self.browser.look_as(scheme, *size)
                self.browser.picture(PICTURES / f"{what}-{scheme}-{name}.png")
                self.assertEqual([], self.browser.barriers(axe), f"{what}, {scheme}, {name}")
                width = self.browser.run("return document.documentElement.scrollWidth")
                self.assertEqual([], [word for word in self.browser.text().split("\n") if word in ("false", "undefined", "null", "NaN", "[object Object]")])
                self.assertLessEqual(width, size[0], f"{what} at {name} is wider than its screen")
            self.browser.look_as_usual()

        try:
            self.choose(self.file("trips.csv", trips), "public.seen")
            look("chosen")
            self.browser.fill("Bad records allowed", "5")
            self.browser.press("Upload")
            self.browser.until_says("Stored in public.seen")
            self.browser.press("Upload another file")
            self.choose(self.file("held.csv", long_file([41])), "public.held")
            self.browser.press("Upload")
            self.browser.until("the load stands at the gate", gate.is_reached)
            self.browser.until("rows are shown as stored", lambda: self.shown_rows(0))
            look("running")
            gate.open()
            self.browser.until_says("Stored in public.held")
            self.browser.press("Upload another file")
            self.choose(self.file("fares.csv", trips.replace("\n7,", "\nseven,").replace("50.00", "fifty")), "public.seen")
            self.browser.labelled("A record whose key is there").send_keys("updates")
            self.browser.fill("Bad records allowed", "9")
            self.browser.press("Upload")
            self.browser.until_says("seven", ".records")
            self.browser.until("it is in the list", lambda: self.browser.all("#loads-body .opens"))[0].click()
            self.browser.one(".detail .records")
            look("ended")
        finally:
            self.browser.look_as_usual()


def main():
    if "PGSLUICE_TEST_URL" not in os.environ:
        own = str(ROOT / "script/private-postgres")
        os.execv(own, [own, "run", "max_connections=100", "--", sys.executable, __file__, *sys.argv[1:]])
    unittest.main(argv=[__file__, *sys.argv[3:]], verbosity=2)


if __name__ == "__main__":
    main()
