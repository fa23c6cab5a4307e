"""Showing how far a run is: a bar where tqdm is installed, plain lines where not."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..console import is_terminal, printable, say


def numbers(logs: Mapping[str, float]) -> str:
    """
    >>> numbers({"loss": 0.69314, "aux_loss": 12345.0})
    'loss 0.6931  aux_loss 1.234e+04'
    """
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


def epoch_table(
    label: str, logs: Mapping[str, float], outputs: Sequence[str], owners: Mapping[str, str]
) -> str:
    """The numbers of an epoch, one row per output; `owners` says by key which output it is of.

    >>> logs = {"loss": 1.2, "a_loss": 1.0, "b_loss": 0.2, "a_accuracy": 0.5, "val_a_loss": 1.1}
    >>> owners = {"a_loss": "a", "b_loss": "b", "a_accuracy": "a"}
    >>> print(epoch_table("Epoch 1/3", logs, ["a", "b"], owners))
    Epoch 1/3           loss  accuracy  val_loss
    weighted sum       1.200
      a                1.000    0.5000     1.100
      b               0.2000
    """
    cells: dict[str, dict[str, float]] = {"": {}, **{name: {} for name in outputs}}
    for key, value in logs.items():
        val = "val_" if key.startswith("val_") and key not in owners else ""
        rest = key.removeprefix(val)
        owner = owners.get(rest, "")
        name = rest.removeprefix(f"{owner}_") if owner else rest
        if not owner and name != "loss":
            cells.setdefault(name, {})[f"{val}loss"] = value
        else:
            cells[owner][f"{val}{name}"] = value
    columns = list(dict.fromkeys(c for row in cells.values() for c in row))
    first = max(16, *(len(name) + 4 for name in cells))
    longest = [max(len(f"{row[c]:#.4g}") for row in cells.values() if c in row) for c in columns]
    widths = [max(len(c), n, 6) + 2 for c, n in zip(columns, longest, strict=True)]
    lines = [label.ljust(first) + "".join(c.rjust(w) for c, w in zip(columns, widths, strict=True))]
    for name, row in cells.items():
        if row:
            start = f"  {name}" if name else "weighted sum"
            shown = [f"{row[c]:#.4g}" if c in row else "" for c in columns]
            numbers = "".join(n.rjust(w) for n, w in zip(shown, widths, strict=True))
            lines.append((start.ljust(first) + numbers).rstrip())
    return "\n".join(lines)


class Progress:
    """What an epoch shows: a bar while it runs, and its numbers at the end.

    Parameters
    ----------
    label : str
        Printed in front.
    total : int or None
        Number of steps, if it is known.
    verbose : int
        0: silent, 1: bar and numbers, 2: numbers only.
    outputs : sequence of str
        If there are several, each gets a row.
    owners : dict of str, by key
        Which output a number is of.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        verbose: int,
        outputs: Sequence[str] = (),
        owners: Mapping[str, str] | None = None,
    ):
        self.label, self.verbose, self.outputs = label, verbose, outputs
        self.owners = owners or {}
        self._bar: Any = None
        if verbose == 1 and is_terminal(sys.stderr):
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, desc=label, leave=False, dynamic_ncols=True)

    def advance(self, logs: Mapping[str, float]) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.set_postfix_str(printable(numbers(logs), sys.stderr), refresh=False)
            self._bar.update()

    def close(self, logs: Mapping[str, float] | None = None) -> None:
        """Take the bar away, and print the epoch's numbers if it was finished."""
        if self._bar is not None:
            self._bar.close()
        if logs is not None and self.verbose:
            if len(self.outputs) > 1:
                say(epoch_table(self.label, logs, self.outputs, self.owners))
            else:
                say(f"{self.label}  {numbers(logs)}")
