"""Does a test notice? Small wrong changes of the program, each judged by the tests that run it.

    python tests/mutants/run.py --count 300                 spread over the rooms
    python tests/mutants/run.py --only tinygrad_mo/losses   those of a folder or a file
    python tests/mutants/run.py --known                     those in the two lists
    python tests/mutants/run.py --only tinygrad_mo/flow/curves.py --slow tests/flow/test_charts.py

Quick and medium tests are asked, the cheapest first, within 20 s for a mutant. For each mutant is
printed which test noticed it; at the end, which ones none has noticed. `survived.txt` has mutants
that once survived and must be noticed; `equal.txt` has those that change no answer, with the
reason: they are left out. The exit code is 0 if nothing has survived, and the lists are true.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: a copy of this process has no threads

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

import pytest

import tinygrad_mo as tg
from judging import Judge, Verdict
from mutant import Mutant, files_of, found, listed, mutants_of
from tinygrad_mo.compiled import library

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROOMS = """
tinygrad_mo/ops tinygrad_mo/layers tinygrad_mo/losses tinygrad_mo/optimizers tinygrad_mo/metrics
tinygrad_mo/flow tinygrad_mo/engine tinygrad_mo/training kernels/cpu
"""
LEFT_OUT = """
flow/animation.py flow/chart_parts.py flow/charts.py flow/curves.py flow/figure.py
flow/run_curves.py training/captured.py
"""  # what is drawn is looked at by slow tests alone; a GPU's step needs one, or its double
GPU = "_on_gpu"  # so ends the name of a function that needs one, too
NOT_ASKED = """
benchmarks files gpu habits lab learn mutants platforms properties systems test_check.py test_cli.py
test_house.py test_lowest.py test_planted_faults.py test_readme.py test_reference.py
test_removable.py test_sizes.py
"""  # about something else, or many networks at once
OPTIONS = """
--doctest-modules --strict-markers -p no:cacheprovider -p no:faulthandler -q --tb=no
--show-capture=no
"""  # of pytest
NOT_NOTICED = ("survived", "not run")
WORDS = ("killed", *NOT_NOTICED, "left out")


def chosen(rooms: Sequence[str], root: Path, count: int, seed: int, without) -> list[Mutant]:
    """Mutants drawn by chance, as many from each room as from the others (if it has as many)."""
    drawn = []
    for room in rooms:
        files = [f for f in files_of(root / room) if f == root / room or not is_left_out(f)]
        every = [m for path in files for m in mutants_of(path, root)]
        every = [m for m in every if m.name not in without and not m.function.endswith(GPU)]
        random.Random(f"{seed} {room}").shuffle(every)
        drawn.append(every)
    return [m for m in chain.from_iterable(zip_longest(*drawn)) if m][:count]


def is_left_out(path: Path) -> bool:
    return any(path.match(name) for name in LEFT_OUT.split())


def report(verdicts: Sequence[Verdict], equal: dict) -> list[Verdict]:
    """Print the sums and the survivors; those that should not have survived."""
    words = Counter((room_of(v.mutant.file), v.word) for v in verdicts)
    print(f"\n{'':24}" + "".join(f"{word:>10}" for word in WORDS))
    for room in dict.fromkeys(room for room, _ in words):
        print(f"{room:24}" + "".join(f"{words[room, word]:10}" for word in WORDS))
    left = [v for v in verdicts if v.word in NOT_NOTICED and v.mutant.name not in equal]
    for v in left:
        print(f"\n{v.word}: {v.mutant.file}:{v.mutant.line}\n{v.mutant}")
    print(f"\n{len(verdicts)} mutants, {len(left)} of them not noticed")
    return left


def room_of(file: str) -> str:
    return "/".join(file.split("/")[:2])


def untrue(verdicts: Sequence[Verdict], equal: dict, names, root: Path) -> list[str]:
    """What is wrong with the lists: an entry that does not exist, an equal one that is killed."""
    wrong = ["there is no such line any more:\n" + "\n".join(map(str, name))
             for name in names if not found(name, root)]  # fmt: skip
    return wrong + [
        f"in equal.txt, but noticed by {v.test}:\n{v.mutant}"
        for v in verdicts
        if v.word == "killed" and v.mutant.name in equal
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="how many mutants (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument("--only", metavar="PATH", help="a folder or a file of the program")
    parser.add_argument("--known", action="store_true", help="those in equal.txt and survived.txt")
    parser.add_argument("--slow", action="store_true", help="ask slow tests, too")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--seconds", type=float, default=20, help="for the tests of one mutant")
    parser.add_argument("--root", type=Path, default=ROOT, help="another program than this one")
    parser.add_argument("--lists", type=Path, default=HERE, help="where the two lists are")
    parser.add_argument("tests", nargs="*", help="tests to ask (default: all quick ones)")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    root = options.root
    equal, survived = (listed(options.lists / f"{name}.txt") for name in ("equal", "survived"))
    if options.known:
        mutants = [m for name in {**equal, **survived} if (m := found(name, root))]
    else:
        rooms = [options.only] if options.only else ROOMS.split()
        mutants = chosen(rooms, root, options.count, options.seed, without=equal)
    tg.use(threads=1)
    os.chdir(root)
    tests = options.tests or [
        "tests", "tinygrad_mo", *(f"--ignore=tests/{name}" for name in NOT_ASKED.split())
    ]  # fmt: skip
    options.kept = None if options.tests or options.slow else library.cache_folder() / "calls"
    with tempfile.TemporaryDirectory() as work:
        judge = Judge(mutants, options, Path(work))
        marks = "not exhaustive" if options.slow else "(not slow or medium) and not exhaustive"
        pytest.main(["-o", f"addopts={OPTIONS}", "-m", marks, *tests], plugins=[judge])
    if judge.failed:
        print("these tests fail on the unchanged program:", *judge.failed, sep="\n")
        return 2
    if len(judge.verdicts) < len(mutants):
        print("the tests could not be collected")
        return 2
    wrong = untrue(judge.verdicts, equal, [*equal, *survived], root)
    left = report(judge.verdicts, equal)
    print(*wrong, sep="\n\n")
    return 1 if left or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
