"""Small wrong changes of a line of C: one operator, number or factor. Comments and #lines stay."""

import re
from collections.abc import Iterator

CHANGES = [(re.compile(old), new) for old, new in [
    (r"(?<=\s)\+(?=\s)", "-"), (r"(?<=\s)-(?=\s)", "+"), (r"(?<=\s)\*(?=\s)", "/"),
    (r"(?<=\s)/(?=\s)", "*"), (r"\+=", "-="), (r"-=", "+="), (r"\*=", "/="),
    (r"(?<=\s)<(?=\s)", "<="), (r"(?<=\s)>(?=\s)", ">="), (r"<=", "<"), (r">=", ">"),
    (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"), (r"!(?=\w)", ""),
    (r"(?<![\w.])0(?![\w.])", "1"), (r"(?<![\w.])1(?![\w.])", "2"), (r"(?<![\w.])2(?![\w.])", "3"),
    (r"(?<=\s[+-] )\w+(?![\w\[(.>-])", "0"), (r"(?<=\s[*/] )[A-Za-z]\w*(?![\w\[(.>-])", "1"),
    (r"(?<![\w.])(?!0\.0f)\d+\.\d*(?:e-?\d+)?f", r"1.01f * \g<0>"),
]]  # fmt: skip
START = re.compile(r"(?:[\w*]+ +\**)*(?:[A-Z]+\()?([a-z]\w*)[(,]")  # of a function, or of a macro's


def functions(text: str) -> dict[int, str]:
    """The lines of functions, with the name of the function of each."""
    places, function = {}, ""
    for number, line in enumerate(without_comments(text), 1):
        if start := START.match(line):
            function = start[1]
        if function and line.strip() and not line.startswith("#"):
            places[number] = function
    return places


def changes(text: str) -> Iterator[tuple[int, str]]:
    """Pairs of a line's number and what this line may become."""
    lines = text.splitlines()
    for number, code in enumerate(without_comments(text), 1):
        for old, new in [] if code.startswith("#") else CHANGES:
            for found in old.finditer(code):
                line = lines[number - 1]
                yield number, line[: found.start()] + found.expand(new) + line[found.end() :]


def without_comments(text: str) -> list[str]:
    """The lines, with spaces in place of comments."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.DOTALL).splitlines()
