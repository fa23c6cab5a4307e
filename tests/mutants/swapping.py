"""A Python function gets other code, wherever it is in this process."""

import gc
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from mutant import Mutant


class Functions:
    """The functions of a program that exist now, to be changed in copies of this process."""

    def __init__(self, root: Path):
        self.root = root
        self.known: dict[tuple, list[FunctionType]] = defaultdict(list)
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__code__.co_filename.startswith(str(root)):
                self.known[place(each.__code__)].append(each)

    def put_in(self, mutant: Mutant) -> None:
        """Swap the code of the function, and of functions that it has made already."""
        path = str(self.root / mutant.file)
        old, new = (
            list(codes_in(compile(text, path, "exec")))
            for text in ((self.root / mutant.file).read_text("utf-8"), mutant.text(self.root))
        )
        changed = [code for code in new if code not in old]
        for code in changed:
            for function in self.known[place(code)]:
                if function.__code__.co_freevars != code.co_freevars:
                    raise LookupError(f"{code.co_qualname} was made with other variables")
                function.__code__ = code
        if changed and not any(self.known[place(code)] for code in changed):
            raise LookupError(f"there is no {mutant.function} any more")


def place(code: CodeType) -> tuple:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """This code, and that of all functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)
