"""A real browser without a screen, which reaches no network: Debian's Chromium, by Selenium."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which Chromium refuses to root
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
)


class Browser:
    """A browser with one page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, path: Path, *, width: int = 1280, **features: str) -> None:
        """Load a file in a window of that width; features are those of media queries."""
        run = self.driver.execute_cdp_cmd
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        run("Emulation.setDeviceMetricsOverride", size)
        wanted = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        run("Emulation.setEmulatedMedia", {"media": "", "features": wanted})
        for kind in ("performance", "browser"):
            self.driver.get_log(kind)  # what was before is forgotten
        self.driver.get(path.as_uri())

    def ask(self, script: str, *arguments: object) -> Any:  # whatever it returns
        """Run a script in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the page was opened."""
        entries = [
            json.loads(one["message"])["message"] for one in self.driver.get_log("performance")
        ]
        sent = [one for one in entries if one["method"] == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent]

    def errors(self) -> list[str]:
        """Return what the browser complained of since the page was opened."""
        return [one["message"] for one in self.driver.get_log("browser")]


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser, and end it."""
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    assert all(paths), "chromium and chromium-driver are missing: see .ci/debian-packages"
    options = webdriver.ChromeOptions()
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.binary_location = str(paths[0])
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(paths[1])))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
