"""What tests do with a page that a browser shows."""

import time


def resize(browser, width):
    screen(browser, width, 900)


def screen(browser, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait_until(browser, script, *arguments):
    for _ in range(100):
        if run(browser, script, *arguments):
            return
        time.sleep(0.02)
    raise AssertionError(f"never true: {script}")


def run(browser, script, *arguments):
    """What a script of the test gives that runs in the page, once the page has unpacked its own."""
    body = f"const page = window.gradientFlow; {script}"
    wait = "const given = arguments; return window.unpacked.then(() =>"
    return browser.execute_script(
        f"{wait} (function () {{ {body} }}).apply(null, given));", *arguments
    )
