"""Two losses of two parameters, on which methods that balance losses are told apart.

The landscape of Liu et al. 2021 (CAGrad), which Navon et al. 2022 (Nash-MTL) and Liu et al. 2023
(FAMO) use, too. Above x2 = 0 lie two narrow gorges, in which one loss is steep and the other one
hardly counts: there the plain sum gets stuck. Below, both losses are bowls, and their Pareto set is
a slightly bent line near x2 = -8.36, here known exactly.

Everything runs in plain numbers, which for two of them is faster than arrays. The methods are those
of training: of one with a closed form for two losses, this form is what `Balancer.balance` uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import cosh, hypot, log, sqrt, tanh
from typing import Any

import numpy as np

from ..balancing import FAMO, Balancer, CAGrad, Equal, GramBalancer, get

Weigh = Callable[[float, float, float, float, float], Any]
LEAST = 5e-6  # what a logarithm is taken of is at least this
ON_FRONT = 0.01  # a distance; FAMO, whose weights swing, ends within that
MIDDLE = (0.0, -8.3551)  # the minimum of the mean of both losses
STEEP = 350.0  # cosh of more would not fit in a float


def landscape(x1: float, x2: float, scale: float = 1.0) -> tuple[float, ...]:
    """Both losses and their slopes: l1, its two, l2, its two. The first loss has a scale.

    >>> [round(x, 4) for x in landscape(-8.5, 7.5)]
    [6.5524, -0.2854, 0.0072, 7.9008, -0.074, 0.0087]
    """
    bent, narrow = tanh(x2), cosh(min(abs(x2), STEEP)) ** -2
    above = tanh(x2 / 2)
    gorge, bowl = max(above, 0.0), max(-above, 0.0)
    turn = (1 - above * above) / 2
    # At 0, where one part ends and the other one begins, the slope is the mean of both sides.
    into_gorge = turn if x2 > 0 else turn / 2 if x2 == 0 else 0.0
    into_bowl = -turn if x2 < 0 else -turn / 2 if x2 == 0 else 0.0
    wall = ((x2 + 8) ** 2) / 100
    found: list[float] = []
    for inner, slope, side, factor in (
        (0.5 * (-x1 - 7) + bent, narrow, 7 - x1, scale),
        (0.5 * (3 - x1) - bent + 2, -narrow, -7 - x1, 1.0),
    ):
        steep = abs(inner) > LEAST
        height, far = log(max(abs(inner), LEAST)) + 6, side * side / 10 + wall - 20
        down1 = gorge * (-0.5 / inner if steep else 0.0) - bowl * side / 5
        down2 = gorge * (slope / inner if steep else 0.0) + bowl * (x2 + 8) / 50
        down2 += into_gorge * height + into_bowl * far
        found += factor * (gorge * height + bowl * far), factor * down1, factor * down2
    return tuple(found)


def pareto_set(points: int = 2001) -> np.ndarray:
    """Points (n, 2) of the exact Pareto set: there the two gradients point in opposite directions.

    >>> pareto_set(3).round(4).tolist()
    [[-7.0, -8.4345], [0.0, -8.3551], [7.0, -8.4345]]
    """
    return np.array([(x1, valley(x1)) for x1 in np.linspace(-7, 7, points).tolist()])


def valley(x1: float) -> float:
    """The x2 at which both gradients lie along one line, by halving."""
    low, high = -8.6, -8.2

    def turn(x2: float) -> float:
        _, a1, a2, _, b1, b2 = landscape(x1, x2)
        return a1 * b2 - a2 * b1

    rising = turn(high) > turn(low)
    for _ in range(50):
        middle = (low + high) / 2
        if (turn(middle) > 0) == rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2


@cache
def front() -> np.ndarray:
    """The Pareto set, finely; it is not made before somebody asks for it."""
    return pareto_set()


def distance(x1: float, x2: float) -> float:
    """From a point to the Pareto set."""
    starts, along = front()[:-1], np.diff(front(), axis=0)
    to_point = np.array([x1, x2]) - starts
    share = np.clip((to_point * along).sum(1) / (along**2).sum(1), 0, 1)
    return float(np.sqrt(((to_point - share[:, None] * along) ** 2).sum(1).min()))


@dataclass(frozen=True)
class Setting:
    """How a paper uses the landscape.

    Attributes
    ----------
    name : str
    scale : float
        Of the first loss.
    steps : int
    starts : tuple of (float, float)
    methods : dict of Balancer, by name
    """

    name: str
    scale: float
    steps: int
    starts: tuple[tuple[float, float], ...]
    methods: dict[str, Balancer]


def settings() -> list[Setting]:
    """Those of three papers; in that of Nash-MTL, every method that losses below 0 allow."""
    five = (-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)
    three = (-8.5, 7.5), (-8.5, -5.0), (9.0, 9.0)
    famo = FAMO(decay=0.0, minimum=[-2.1, -21.0])
    few = "equal mgda pcgrad cagrad nash_mtl upgrad aligned_mtl"
    many = f"{few} fairgrad imtl_g config dualproj gradvac uncertainty rlw stch"
    some = "nash_mtl mgda equal pcgrad cagrad upgrad"
    return [
        Setting("CAGrad", 1.0, 100_000, three, {n: get(n) for n in few.split()}),
        Setting(
            "Nash-MTL",
            0.1,
            35_000,
            five,
            {n: get(n) for n in many.split()} | {"cagrad": CAGrad(0.4)},
        ),
        Setting("FAMO", 0.1, 50_000, five, {"famo": famo} | {n: get(n) for n in some.split()}),
    ]


def weigher(method: Balancer) -> Weigh:
    """What gives weights from the two losses, aa, ab and bb."""
    if type(method) is Equal:
        return lambda l1, l2, aa, ab, bb: (1.0, 1.0)
    method, needs = method.fresh(), method.needs

    def ask(l1: float, l2: float, aa: float, ab: float, bb: float) -> Any:
        gram = np.array([[aa, ab], [ab, bb]]) if needs == "gram" else None
        return method.balance([l1, l2], gram).tolist()

    if not isinstance(method, GramBalancer):
        return ask
    of_two = method.of_two
    return lambda l1, l2, aa, ab, bb: (
        of_two(aa, ab, bb) if aa > 0 and bb > 0 else ask(l1, l2, aa, ab, bb)
    )


@dataclass(frozen=True)
class Run:
    """One way through the landscape.

    Attributes
    ----------
    way : ndarray, shape (n, 2)
        Where it has been, from the start to the end.
    losses : (float, float)
        At the end.
    """

    way: np.ndarray
    losses: tuple[float, float]

    @property
    def end(self) -> tuple[float, float]:
        x1, x2 = self.way[-1].tolist()
        return x1, x2

    @property
    def is_on_front(self) -> bool:
        return distance(*self.end) < ON_FRONT

    @property
    def is_in_the_middle(self) -> bool:
        return hypot(self.end[0] - MIDDLE[0], self.end[1] - MIDDLE[1]) < 0.01


def descend(
    method: Balancer, start: Sequence[float], scale: float, steps: int, rate: float = 1e-3
) -> Run:
    """Adam on the two parameters (with the defaults of its paper), weights by the method."""
    weigh = weigher(method)
    (x1, x2), m1, m2, v1, v2, fade1, fade2 = start, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0
    way = [(x1, x2)]
    every = max(1, steps // 1000)
    for step in range(1, steps + 1):
        l1, a1, a2, l2, b1, b2 = landscape(x1, x2, scale)
        w1, w2 = weigh(l1, l2, a1 * a1 + a2 * a2, a1 * b1 + a2 * b2, b1 * b1 + b2 * b2)
        g1, g2 = w1 * a1 + w2 * b1, w1 * a2 + w2 * b2
        m1, m2 = m1 + 0.1 * (g1 - m1), m2 + 0.1 * (g2 - m2)
        v1, v2 = v1 + 0.001 * (g1 * g1 - v1), v2 + 0.001 * (g2 * g2 - v2)
        fade1, fade2 = fade1 * 0.9, fade2 * 0.999
        long = rate / (1 - fade1)
        x1 -= long * m1 / (sqrt(v1 / (1 - fade2)) + 1e-8)
        x2 -= long * m2 / (sqrt(v2 / (1 - fade2)) + 1e-8)
        if step % every == 0:
            way.append((x1, x2))
    l1, _, _, l2, _, _ = landscape(x1, x2, scale)
    return Run(np.array(way), (l1, l2))


def verdicts(setting: Setting, runs: dict[str, list[Run]]) -> str:
    """A row per method: how many of its ways end on the front, how near, and where all end."""
    count = len(setting.starts)
    lines = [
        f"Setting of {setting.name}: first loss x {setting.scale:g}, {setting.steps:,} steps of "
        f"Adam, {count} starts",
        f"{'method':<13}on front  within  in the middle  where it ends: x1, x2 (-: stuck)",
    ]
    for name, its in runs.items():
        front = [distance(*one.end) for one in its if one.is_on_front]
        middle = sum(one.is_in_the_middle for one in its)
        ends = "  ".join(
            f"{' ' if one.is_on_front else '-'}({one.end[0] + 1e-9:5.2f}, {one.end[1]:5.2f})"
            for one in its
        )
        within = f"{max(front):.0e}" if front else "-"
        counts = f"{len(front)} of {count}   {within:>7}  {middle} of {count}"
        lines.append(f"{name:<13}{counts}        {ends}")
    return "\n".join(lines)


def run_all(told: Callable[[str], None]) -> dict[str, dict[str, list[Run]]]:
    """All settings: by the name of the setting and of the method, a run from each start."""
    found: dict[str, dict[str, list[Run]]] = {}
    for setting in settings():
        found[setting.name] = {
            name: [descend(method, start, setting.scale, setting.steps) for start in setting.starts]
            for name, method in setting.methods.items()
        }
        told(verdicts(setting, found[setting.name]))
    return found
