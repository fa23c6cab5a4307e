"""The reference in a browser, which is here because the other page is tested here, too."""

import pytest

from tinygrad_mo import reference
from tinygrad_mo.reference.page import Page


@pytest.mark.slow
def test_the_reference_opens_and_is_searched_without_a_request(browser, tmp_path):
    path = tmp_path / "reference.html"
    some = [one for one in reference.sections() if one.name in ("losses", "optimizers")]
    path.write_text(Page(some).html(), "utf-8")
    browser.get_log("browser")
    browser.get(f"{path.as_uri()}#optimizers.Adam")
    ask = browser.execute_script
    assert ask("return document.querySelector(':target h3').textContent").startswith("optimizers.A")
    assert ask("return performance.getEntriesByType('resource').length") == 0
    box = browser.find_element("css selector", "nav input")
    box.send_keys("nesterov")
    shown = "return [...document.querySelectorAll('nav li')].filter(x => !x.hidden)"
    assert ask(f"{shown}.map(x => x.textContent)") == ["Nadam"]
    wide = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert ask(wide)
    assert browser.get_log("browser") == []
