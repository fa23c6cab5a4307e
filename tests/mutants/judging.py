"""A plugin of pytest: in place of running the tests, it runs them on mutants."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from c_kernels import Kernels
from calls import Calls, in_pairs, sources_of
from children import Children, Ended, limit
from mutant import Mutant
from swapping import Functions

SECONDS = 2  # of processor time that a test of a mutant may take, beside ten times what it takes


class Verdict(NamedTuple):
    """What became of a mutant, and the test that said so.

    It was "killed", has "survived", was "not run" by any test, or "left out": a function that was
    made while the program was imported cannot always be changed afterwards.
    """

    mutant: Mutant
    word: str
    test: str
    seconds: float


class Judge:
    """Collects all tests once; then each mutant gets a child process of its own.

    In the child one function has the code of the mutant, and the tests that call it run, cheap ones
    first, until one fails. A test that finds no end, or crashes, has failed.
    """

    def __init__(self, mutants: Sequence[Mutant], options: Namespace, work: Path):
        self.mutants, self.root, self.kept = mutants, options.root, options.kept
        self.jobs, self.seconds = options.jobs, options.seconds
        self.kernels = Kernels(work, self.root)
        self.verdicts: list[Verdict] = []
        self.failed: list[str] = []

    def pytest_runtestloop(self, session) -> bool:
        self.session = session
        session.config.pluginmanager.unregister(name="terminalreporter")  # no dot for each test
        calls = Calls(self.root, self.kept, session.items, self.passes, self.kernels)
        calls.find_out(sources_of(self.root), self.jobs)
        self.failed = calls.failed
        if not self.failed:
            self.judge_all(calls)
        return True

    def judge_all(self, calls: Calls) -> None:
        self.functions = Functions(self.root)
        if any(mutant.file.endswith((".c", ".h")) for mutant in self.mutants):
            self.kernels.compile()
        children = Children(self.jobs, lambda mutant, ended: self.note(verdict(mutant, ended)))
        for mutant in self.mutants:
            if tests := calls.of(mutant, self.seconds):
                tests = [(calls.items[test], calls.seconds[test]) for test in tests]
                children.start(mutant, partial(self.judge, mutant, tests))
            else:
                self.note(Verdict(mutant, "not run", "no test runs it", 0.0))
        children.wait_for_all()

    def judge(self, mutant: Mutant, tests: list[tuple], write: Callable[[str], object]) -> None:
        """Run the tests, and write the name of each; the last one is the one that failed."""
        limit(60)
        owner = self.functions if mutant.file.endswith(".py") else self.kernels
        try:
            owner.put_in(mutant)
        except LookupError as error:
            return write(f"\nleft out: {error}")
        for (item, seconds), following in in_pairs(tests):
            write(f"\n{item.nodeid}")
            limit(SECONDS + 10 * seconds)
            if not self.passes(item, following and following[0]):
                return
        write("\n")

    def passes(self, item, following, profile=None) -> bool:
        """Run one test; its fixtures stay, where the following one needs them."""
        before = self.session.testsfailed
        if profile:
            profile.enable()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if profile:
            profile.disable()
        return self.session.testsfailed == before

    def note(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        mutant, number = verdict.mutant, f"{len(self.verdicts)}/{len(self.mutants)}"
        where = f"{mutant.file}:{mutant.line} {mutant.function}"
        print(f"{number:9}{verdict.word:9}{verdict.seconds:5.1f} s  {where}  {verdict.test}")
        sys.stdout.flush()


def verdict(mutant: Mutant, ended: Ended) -> Verdict:
    """What the last line that a child wrote says."""
    test = ended.text.rpartition("\n")[2]
    if test.startswith("left out"):
        return Verdict(mutant, "left out", test, ended.seconds)
    if not test and not ended.how:
        return Verdict(mutant, "survived", "", ended.seconds)
    how = f" ({ended.how})" if ended.how else ""
    return Verdict(mutant, "killed", (test or "it cannot be made") + how, ended.seconds)
