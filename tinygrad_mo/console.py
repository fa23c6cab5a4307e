"""Where things are shown: every terminal, also one that knows few characters or is gone; cells."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import ranks

PLAIN = {"→": "->", "←": "<-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "√": "sqrt"}
PLAIN |= {"‘": "'", "’": "'", "“": '"', "”": '"', "≈": "~", "≤": "<=", "≥": ">=", "≠": "!="}
PLAIN |= {"±": "+-", "°": " degrees", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"}


def in_ascii(character: str) -> str:
    """The nearest ASCII characters.

    >>> "".join(map(in_ascii, "é → x²"))
    'e -> x2'
    """
    if character in PLAIN:
        return PLAIN[character]
    parts = unicodedata.normalize("NFKD", character).encode("ascii", "ignore")
    return parts.decode("ascii") or "?"


def replace_unprintable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


codecs.register_error("tinygrad_mo.in_ascii", replace_unprintable)


def print_on_any_terminal() -> None:
    """From now on, what the terminal's encoding cannot show is printed in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="tinygrad_mo.in_ascii")


def printable(text: str, stream: Any) -> str:
    """The text with all that the encoding of `stream` does not know in ASCII.

    >>> printable("größe → 1", io.TextIOWrapper(io.BytesIO(), "cp1252"))
    'größe -> 1'
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "tinygrad_mo.in_ascii").decode(encoding)


def say(text: str) -> None:
    """Print while something runs that must not end for lack of a terminal.

    What the terminal cannot show is printed in ASCII; if it is gone, its pipe broken or its file
    closed, nothing is printed. Of processes that train together, the first one speaks.
    """
    if ranks.rank:
        return
    with suppress(OSError, ValueError):
        print(printable(text, sys.stdout), flush=True)


def is_terminal(stream: Any) -> bool:
    """Does somebody sit there, who reads or types? A program without windows has no streams."""
    try:
        return stream is not None and stream.isatty() and not ranks.rank
    except (AttributeError, OSError, ValueError):
        return False


def stop_printing() -> None:
    """Whoever reads, such as `head`, has read enough: nothing complains at the end, either."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_folder(option: str, folder: Path) -> None:
    """See that there is a folder, before work is done that ends in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"{option}: {folder} is no folder, and none can be made: {error}"
        ) from None


def in_notebook() -> Any:
    """The module that shows things below a cell, where a cell is running; otherwise None."""
    shell = sys.modules.get("IPython")
    if shell is None or type(shell.get_ipython()).__name__ != "ZMQInteractiveShell":
        return None
    return shell.display
