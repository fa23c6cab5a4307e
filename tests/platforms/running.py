"""Does a process still run?"""

import time
from pathlib import Path


def is_running(number):
    """On Linux; one that has ended, and nobody has asked how, does not run."""
    try:
        state = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ends(number, seconds=10):
    """Does it end soon?"""
    until = time.perf_counter() + seconds
    while is_running(number) and time.perf_counter() < until:
        time.sleep(0.01)
    return not is_running(number)
