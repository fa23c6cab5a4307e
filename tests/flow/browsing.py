"""What tests do with a page that a browser shows."""

import time


def resize(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait_until(browser, script, *arguments):
    for _ in range(100):
        if run(browser, script, *arguments):
            return
        time.sleep(0.02)
    raise AssertionError(f"never true: {script}")


def run(browser, script, *arguments):
    return browser.execute_script(f"const page = window.gradientFlow; {script}", *arguments)
