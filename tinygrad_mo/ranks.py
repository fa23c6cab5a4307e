"""Which of several processes this is, where they train one model together (`distributed` says)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

rank, size = 0, 1  # the first one writes files and speaks, for all
plan_kind: Any = None  # of training steps, in place of that of a network
together: Any = None  # what one process has for the others


def agree(doing: str, told: Callable[[], Mapping[str, Any]], word: Any = None) -> Any:
    """Come together with the other processes; an error names what is not the same on all.

    Parameters
    ----------
    doing : str
        Where the program is: "at the start of fit". Default, if empty: between two steps.
    told : function that returns a dict
        What must be the same, by name, in short.
    word : optional
        What need not be.

    Returns
    -------
    The word of the first process that has one, which is true.
    """
    return word if together is None else together.agree(doing, told(), word)
