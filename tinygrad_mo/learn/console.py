"""Printing on every terminal, also one that knows few characters."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

PLAIN = {"→": "->", "←": "<-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "√": "sqrt"}
PLAIN |= {"‘": "'", "’": "'", "“": '"', "”": '"', "≈": "~", "≤": "<=", "≥": ">=", "≠": "!="}


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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="tinygrad_mo.in_ascii")
