"""Which tests call which functions, how long each test takes, and whether it passes.

Each file of tests runs in a child process of its own, watched by Python's profiler. What was found
out is kept in a file, with a fingerprint of what it depends on: the next run watches only the files
of tests that have changed (all of them, if the program has).
"""

import cProfile
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from c_kernels import Kernels
from children import Children, Ended
from mutant import Mutant, files_of

HERE = Path(__file__).parent


class Calls:
    """What the tests do on the unchanged program.

    Parameters
    ----------
    root : Path
        The folder of the program.
    folder : Path or None
        Where it is kept what was found out. None: nowhere.
    items : list of pytest.Item
        The tests.
    passes : function of a test, the one after it, and a profile
        Runs the test under the profile: did it pass?
    kernels : Kernels
        Their functions that a test asks for count as called.
    """

    def __init__(
        self, root: Path, folder: Path | None, items: list, passes: Callable, kernels: Kernels
    ):
        self.root, self.folder, self.passes, self.kernels = root, folder, passes, kernels
        self.items = {item.nodeid: item for item in items}
        self.files: dict[Path, list] = defaultdict(list)
        for item in items:
            self.files[item.path].append(item)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self.seconds: dict[str, float] = {}
        self.tests: dict[str, list[str]] = defaultdict(list)  # by file and function
        self.failed: list[str] = []

    def find_out(self, sources: Iterable[Path], jobs: int) -> None:
        """Watch the tests; `sources` are the files that any of them depends on."""
        common = fingerprint(path.read_bytes() for path in sources)
        prints = {
            path: fingerprint([path.read_bytes(), *(i.nodeid.encode() for i in items), common])
            for path, items in self.files.items()
        }
        known = {path: self.kept(path, prints[path]) for path in self.files}
        new = [path for path in self.files if known[path] is None]
        print(f"{len(self.items)} tests in {len(known)} files; {len(new)} files to be watched")

        def keep(path: Path, ended: Ended) -> None:
            known[path] = json.loads(ended.text) if ended.text else {}
            if not ended.text:
                self.failed.append(f"{path} ({ended.how})")
            elif self.folder and all(passed for passed, _, _ in known[path].values()):
                text = json.dumps([prints[path].hex(), known[path]])
                self.place(path).write_text(text, "utf-8")

        children = Children(jobs, keep)
        for path in new:
            children.start(path, lambda write, path=path: write(self.watch(self.files[path])))
        children.wait_for_all()
        for watched in known.values():
            self.learn(watched)

    def place(self, path: Path) -> Path:
        return self.folder / f"{path.relative_to(self.root)}.json".replace("/", ".")

    def kept(self, path: Path, print_: bytes) -> dict | None:
        """What is known of the tests of a file, if that is still true."""
        if not self.folder or not self.place(path).exists():
            return None
        of, watched = json.loads(self.place(path).read_text("utf-8"))
        return watched if of == print_.hex() else None

    def learn(self, watched: dict) -> None:
        for test, (passed, seconds, called) in watched.items():
            self.seconds[test] = seconds
            if not passed:
                self.failed.append(test)
            for name in called:
                self.tests[name].append(test)

    def watch(self, items: list) -> str:
        """By test: did it pass, how many seconds took it, and what did it call."""
        watched = {}
        for item, following in in_pairs(items):
            profile, start = cProfile.Profile(builtins=False), time.process_time()
            self.kernels.asked.clear()
            passed = self.passes(item, following, profile)
            called = {*self.called(profile), *self.kernels.names_of_asked()}
            watched[item.nodeid] = passed, time.process_time() - start, sorted(called)
        return json.dumps(watched)

    def called(self, profile: cProfile.Profile) -> Iterator[str]:
        """Files and functions, as mutants have them: a function within another one is that one."""
        for entry in profile.getstats():
            file = getattr(entry.code, "co_filename", "")
            if file.startswith(f"{self.root}/"):
                function = entry.code.co_qualname.split(".<locals>")[0]
                yield f"{Path(file).relative_to(self.root)} {function}"

    def of(self, mutant: Mutant, within: float) -> list[str]:
        """The tests that call the function of a mutant, cheap ones first, until time is over."""
        tests = self.tests.get(f"{mutant.file} {mutant.function}")
        if not tests and not mutant.file.endswith(".py"):  # C that other C calls
            tests = self.tests.get(mutant.file, [])
        tests = sorted(tests or [], key=self.seconds.__getitem__)
        before = accumulate(map(self.seconds.__getitem__, tests), initial=0.0)
        return [test for test, spent in zip(tests, before, strict=False) if spent < within]


def sources_of(root: Path) -> list[Path]:
    """What any test may depend on: all of the program, and what tests share."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."]
    files = [each for folder in folders for each in files_of(folder)]
    return [each for each in files if each.parent != HERE and not each.name.startswith("test_")]


def in_pairs(items: list) -> Iterable[tuple]:
    """Each one with the one that follows."""
    return zip(items, [*items[1:], None], strict=True)


def fingerprint(parts: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"\0".join(parts)).digest()
