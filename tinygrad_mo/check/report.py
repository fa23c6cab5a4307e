"""What a gradient check says: a report, or an error."""

from __future__ import annotations

from math import inf
from typing import Any

from ..arguments import number, whole
from .differences import BEYOND, Slope

# At the first step bending makes an error of about h**2 = 1e-8, and rounding one of EPS / h = 2e-12
# if the value is as large as its slope times x: two digits to spare.
TOLERANCE = 1e-6
COARSEST = 1e2  # tolerances: where differences are no more exact than that, nothing is judged


class GradientError(AssertionError):
    """A gradient is wrong or cannot be judged: the text names the op or weight, and says why."""


class Report(dict[str, float]):
    """What a gradient check has compared, and what it has not. Print it to read it.

    By input or weight: the largest error that was found, relative to the size of the slope.

    Attributes
    ----------
    unchecked : dict
        What was not checked, and why not.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo.check import check_op
    >>> from tinygrad_mo import ops
    >>> report = check_op(ops.embedding, np.array([2, 0]), np.array([[1.0], [2.0], [3.0]]))
    >>> list(report), report.unchecked
    (['input 1'], {'input 0': 'it is int64, and only floats have slopes'})
    >>> print(report)
    embedding: gradients and differences agree, to ... of the slope, for input 1.
    Not checked: input 0: it is int64, and only floats have slopes.
    """

    def __init__(self, subject: str, tolerance: float, cure: str):
        self.subject, self.tolerance = subject, tolerance
        self.cure = cure  # of a missing gradient
        self.unchecked: dict[str, str] = {}

    def __str__(self) -> str:
        agree = f"to {max(self.values()):.0e} of the slope, for {', '.join(self)}"
        lines = [f"{self.subject}: gradients and differences agree, {agree}"]
        lines += [f"Not checked: {part}: {why}" for part, why in self.unchecked.items()]
        return "\n".join(f"{line}." for line in lines)

    def compare(self, name: str, part: str, what: str, of: str, slope: Slope) -> bool:
        """Enter the error of one slope of `name`, or why this `part` is not checked, or raise.

        `what` and `of` begin a complaint. True: it was compared.
        """
        true, error, jump, told, size, rounding = slope
        of += " along a random direction is"
        require(error < inf, f"{what} cannot be judged: the value is not finite around here")
        if told is None:
            still = true == jump == 0
            require(still, f"{what} is None, but {of} {true:.9g}: {self.cure}")
            return False
        gap, size, says = abs(true - told), max(abs(true), size), f"the gradient says {told:.9g}"
        bound = exact = self.tolerance * size
        if abs(jump) > BEYOND * error:
            sides = f"{true + jump / 2:.9g} ahead and {true - jump / 2:.9g} behind"
            require(
                gap <= exact,
                f"{what} cannot be judged at a kink: {of} {sides}, {says}. Move away from it",
            )
            self.unchecked[part] = "there is a kink; its gradient is the mean of both slopes"
        elif size <= error + BEYOND * rounding and abs(true) <= BEYOND * error:
            self.unchecked.setdefault(part, "its slope is 0 here, up to rounding")
            return False
        else:  # where both are less exact than the tolerance, the check is as exact as they are
            bound = max(exact, BEYOND * (error + rounding))
        require(gap <= bound, f"{what} is wrong: {of} {true:.9g}, {says}")
        require(
            bound <= min(COARSEST * self.tolerance, 0.5) * size,
            f"{what} cannot be judged: {of} {true:.9g}, give or take {error + rounding:.0e}, "
            f"{says}. The value rounds too coarsely or bends too much here: take an offset away "
            f"from it, move the inputs, or allow a larger tolerance than {self.tolerance:g}",
        )
        gap = gap if bound == exact else bound
        self[name] = max(self.get(name, 0.0), float(gap / size) if size else 0.0)
        return True

    def require_some(self) -> None:
        """A check that has compared nothing must not pass."""
        why = "; ".join(f"{part}: {why}" for part, why in self.unchecked.items())
        require(bool(self), f"{self.subject}: nothing was checked: {why or 'there is no input'}")


def options(caller: str, directions: Any, tolerance: Any, seed: Any) -> tuple[int, float, int]:
    """Those of both checks, once they are found to be such."""
    return (
        whole(f"{caller}: directions", directions, at_least=1),
        number(f"{caller}: tolerance", tolerance, above=0, below=1),
        whole(f"{caller}: seed", seed),
    )


def require(holds: bool, message: str) -> None:
    if not holds:
        raise GradientError(message)
