"""How long each lesson takes, solved, as a script: a table in Markdown.

Run     python tests/benchmarks/lesson_times.py [NUMBER ...]

Processor time says what a lesson asks of any machine; it is the same beside other programs. A
lesson should stay below 8 seconds. (Linux and macOS.)
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tinygrad_mo.learn import course_folder, lessons_in

BAR = 8.0  # seconds of processor time


def used():
    """Processor time of all programs that were started from here and have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", type=int, help="of lessons (default: all)")
    numbers = parser.parse_args().numbers
    print("| lesson | processor | clock | |\n|---|---:|---:|---|", flush=True)
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for lesson in lessons_in(course_folder()):
            if numbers and lesson.number not in numbers:
                continue
            path = Path(folder, lesson.path.name)
            path.write_text(lesson.solved_text(), "utf-8")
            before, start = used(), time.perf_counter()
            command = [sys.executable, "-W", "error", path.name]
            run = subprocess.run(command, cwd=folder, capture_output=True)
            spent, clock = used() - before, time.perf_counter() - start
            words = "fails" if run.returncode else "above the bar" if spent > BAR else ""
            print(f"| {path.stem} | {spent:.1f} s | {clock:.1f} s | {words} |", flush=True)
            total += spent
    print(f"| all | {total:.1f} s | | |")


if __name__ == "__main__":
    main()
