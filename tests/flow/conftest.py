"""A real browser, for the tests of the page."""

import os
import shutil
import warnings

import pytest

from browsing import resize, run


def find_browser():
    try:
        from selenium import webdriver
    except ImportError:
        return None, "selenium is not installed: pip install 'tinygrad-mo[dev]'"
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        return None, "chromium or chromedriver is missing: apt-get install chromium chromium-driver"
    return (webdriver, chromium, driver), ""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    found, reason = find_browser()
    if found is None:
        if os.environ.get("TINYGRAD_MO_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    webdriver, chromium, driver = found
    options = webdriver.ChromeOptions()
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "hide-scrollbars",
    ):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.binary_location = chromium
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    running.set_window_size(1440, 900)
    yield running
    running.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of a flow; the test fails if the page logs an error."""

    def open_page(flow, snapshots=(), link="", width=1440):
        path = tmp_path / "flow.html"
        flow.save(path, snapshots)
        resize(browser, width)
        browser.get("about:blank")
        browser.get_log("performance")
        browser.get(path.as_uri() + link)
        run(browser, "")
        return browser

    yield open_page
    errors = [entry["message"] for entry in browser.get_log("browser")]
    assert errors == []
