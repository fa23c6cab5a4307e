"""Showing how far a run is: a bar where tqdm is installed, plain lines where not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def numbers(logs: Mapping[str, float]) -> str:
    """
    >>> numbers({"loss": 0.69314, "aux_loss": 12345.0})
    'loss 0.6931  aux_loss 1.234e+04'
    """
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


class Progress:
    """One line per epoch; while the epoch runs, a bar with the latest numbers.

    Parameters
    ----------
    label : str
        Printed in front.
    total : int
        Number of steps.
    verbose : int
        0: silent, 1: bar and line, 2: line only.
    """

    def __init__(self, label: str, total: int, verbose: int):
        self.label, self.verbose = label, verbose
        self._bar: Any = None
        if verbose == 1 and sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, desc=label, leave=False, dynamic_ncols=True)

    def advance(self, logs: Mapping[str, float]) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.set_postfix_str(numbers(logs), refresh=False)
            self._bar.update()

    def close(self, logs: Mapping[str, float] | None = None) -> None:
        """Take the bar away, and print the epoch's numbers if it was finished."""
        if self._bar is not None:
            self._bar.close()
        if logs is not None and self.verbose:
            print(f"{self.label}  {numbers(logs)}", flush=True)
