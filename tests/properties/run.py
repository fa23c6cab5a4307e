"""Try all laws on many random cases: `python tests/properties/run.py --examples 10000`.

It ends with 1 if a law is broken, and shows the simplest case that it has found: of a network, a
program to be pasted. The same seed draws the same cases.
"""

import argparse
import multiprocessing
import os
import secrets
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: processes run side by side
sys.path.append(str(Path(__file__).resolve().parents[1]))  # what the tests share

from laws import LAWS, smallest_failure


def tried(what):
    """One law on so many examples: name, processor time, and what breaks it, as text."""
    name, examples, seed = what
    start = time.process_time()
    found = smallest_failure(name, examples, seed)
    seconds = time.process_time() - start
    if found is None:
        return name, seconds, ""
    case, error = found
    said = "".join(traceback.format_exception(error, limit=-3)).split("Failing test case")[0]
    return name, seconds, f"{case!r}\n{said}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="of all laws together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("laws", nargs="*", metavar="law", help=f"default: all; {', '.join(LAWS)}")
    given = parser.parse_args(arguments)
    names = given.laws or list(LAWS)
    each = -(-given.examples // len(names))
    print(f"seed {given.seed}, {each} examples of each of {len(names)} laws", flush=True)
    broken, start = {}, time.time()
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        tasks = [(name, each, given.seed) for name in names]
        for name, seconds, failure in pool.imap_unordered(tried, tasks):
            said = "BROKEN" if failure else "holds"
            print(f"{said:6}  {each:6}  {seconds:7.1f} s  {name.replace('_', ' ')}", flush=True)
            if failure:
                broken[name] = failure
    for name, failure in broken.items():
        print(f"\n---- {name}, seed {given.seed}: the simplest case that breaks it\n{failure}")
    print(f"{each * len(names)} examples, {len(broken)} laws broken, {time.time() - start:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
