"""A Chromium without a screen, as a person would use it, which notes what a page does that it may not."""
import json
import os
import pathlib
import shutil
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Of a machine that is as busy as can be: nothing here is decided by it.
PATIENCE = int(os.environ.get("PAGE_PATIENCE", "300"))

# In each document before its own scripts.
NOTES = """
window.noted = [];
document.addEventListener("securitypolicyviolation", (event) => noted.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
window.addEventListener("error", (event) => noted.push(`error: ${event.message}`));
window.addEventListener("unhandledrejection", (event) => noted.push(`rejection: ${event.reason}`));
window.alert = () => noted.push("alert");
"""


def is_installed():
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    def __init__(self, folder):
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                         "--force-color-profile=srgb", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=NOTES)
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))

    def end(self):
        self.driver.quit()

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, address):
        self.driver.get(address)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css="body"):
        """What a person reads, of all that fits; empty where nothing does."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText).join('\\n').replaceAll('\u00a0', ' ')", css)

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"it did not come to this: {what}\n{self.text()}\n{self.run('return window.noted')}")
            time.sleep(0.05)

    def until_says(self, words, css="main"):
        return self.until(f"{css} says {words!r}", lambda: words in self.text(css))

    def one(self, css):
        return self.until(f"there is {css}", lambda: next(iter(self.all(css)), None))

    def labelled(self, label):
        """The field that a label names."""
        return self.until(f"there is a field {label!r}", lambda: self.run(
            "const found = [...document.querySelectorAll('label')].find((label) => label.innerText.trim() === arguments[0]);"
            "return found && document.getElementById(found.htmlFor)", label))

    def button(self, words):
        return self.until(f"there is a button {words!r}", lambda: self.run(
            "return [...document.querySelectorAll('button')].find((button) => button.innerText.trim() === arguments[0] && !button.disabled"
            " && button.checkVisibility())", words))

    def press(self, words):
        self.button(words).click()

    def fill(self, label, text):
        field = self.labelled(label)
        field.clear()
        field.send_keys(text)
        return field

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, is_there, what):
        """Goes there by the keyboard alone."""
        for _ in range(80):
            self.keys(Keys.TAB)
            if self.run(f"const at = document.activeElement; return {is_there}"):
                return
        raise AssertionError(f"the keyboard does not come to {what}")

    def choose(self, path):
        self.one("#file").send_keys(str(path))

    def look_as(self, scheme, width, height, motion="no-preference"):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme},
                                                         {"name": "prefers-reduced-motion", "value": motion}])
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def look_as_usual(self):
        self.cdp("Emulation.setEmulatedMedia", features=[])
        self.cdp("Emulation.clearDeviceMetricsOverride")

    def picture(self, path):
        """Of the whole page."""
        import base64
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def wrongs(self):
        """What it did that it may not, since this was asked last; an answer that is an error is none."""
        noted = self.run("return (window.noted ?? []).splice(0)")
        for line in self.driver.get_log("browser"):
            if line["level"] == "SEVERE" and line["source"] != "network" or "Content Security Policy" in line["message"]:
                noted.append(line["message"])
        return noted

    def barriers(self, axe):
        """What axe-core finds, in words."""
        if not self.run("return !!window.axe"):
            self.run(axe)
        found = self.driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then((found) => arguments[0](found.violations))")
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]

    def download(self, name):
        path = self.downloads / name
        self.until(f"{name} is downloaded", path.exists)
        return path.read_text()


def as_json(value):
    return json.dumps(value, indent=2)
