"""Runs with several loss weights, in words and as a table. The page shows these very words."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isfinite, log10
from statistics import mean, stdev

from .runs import Difference, RunData
from .words import listing, phrase, short_names

KINDS = {  # what is said of a difference, in a cell of a table
    "lower": "lower",
    "higher": "higher",
    "hardly": "hardly changes",
    "same": "the same with each seed",
    "few": "one way, too few seeds",
    "unseen": "no difference seen",
    "one seed": "one seed cannot tell",
    "infinite": "not finite",
}
CLAUSES = {  # and in a sentence, of several numbers
    "lower": "lower at the end: {}",
    "higher": "higher at the end: {}",
    "hardly": "hardly changed: {}",
    "same": "exactly the same with each seed: {}",
    "few": "the same way with each seed, but too few seeds to be sure: {}",
    "unseen": "no difference to be seen: {}",
    "one seed": "one seed cannot tell: {}",
    "infinite": "not finite: {}",
}
SENTENCE = "Trained with {} instead of {}: {}."
OF_BASE = "Trained with {}: the others are compared with this."
BASE = "compared with"


def label(runs: RunData, weights: Mapping[str, float]) -> str:
    """A mixture in short: the weights that are not the same in all of them."""
    names = dict(zip(runs.losses, short_names(runs.losses), strict=True))
    vary = varying(runs)
    if len(vary) == 1:
        return phrase("{} x {:g}", names[vary[0]], weights[vary[0]])
    return ", ".join(phrase("{} {:g}", names[loss], weights[loss]) for loss in vary or names)


def varying(runs: RunData) -> list[str]:
    """The losses whose weight is not the same in all runs."""
    return [loss for loss in runs.losses if len({mix[loss] for mix in runs.mixtures}) > 1]


def title(runs: RunData, name: str) -> str:
    """A score in words: "main_output_accuracy" is "main accuracy"."""
    known = zip(runs.losses, short_names(runs.losses), strict=True)
    for loss, short in sorted(known, key=lambda pair: -len(pair[0])):
        if name.startswith(f"{loss}_"):
            return f"{short} {name[len(loss) + 1 :].replace('_', ' ')}"
    return name


def with_spread(middle: float, spread: float | None, sign: str = "") -> str:
    """A number with as many digits as its spread, which has two, allows.

    >>> with_spread(0.48712, 0.0203), with_spread(0.035, 0.0129, "+"), with_spread(1.5, None)
    ('0.487 +- 0.020', '+0.035 +- 0.013', '1.5')
    """
    if not isfinite(middle):
        return "not finite"
    if not spread or not isfinite(spread):
        return phrase(f"{{:{sign}.4g}}", float(middle))
    digits = max(0, 1 - floor(log10(spread)))
    return f"{middle:{sign}.{digits}f} +- {spread:.{digits}f}"


def value(runs: RunData, name: str, weights: Mapping[str, float]) -> str:
    """A score with these weights: mean and standard deviation of the seeds."""
    found = runs.scores(name, weights)
    if not all(map(isfinite, found)):
        return KINDS["infinite"]
    return with_spread(mean(found), stdev(found) if len(found) > 1 else None)


def change(found: Difference) -> str:
    """A difference in numbers, if there are any to be told."""
    if found.kind in ("infinite", "same"):
        return ""
    return with_spread(found.mean, found.spread, "+")


def sentence(runs: RunData, weights: Mapping[str, float]) -> str:
    """What training with these weights led to, beside the base."""
    if dict(weights) == runs.base:
        return phrase(OF_BASE, label(runs, weights))
    by_kind: dict[str, list[str]] = {}
    for name in runs.names:
        found = runs.difference(name, weights)
        told = f" ({change(found)})" if found.kind in ("lower", "higher", "hardly", "few") else ""
        by_kind.setdefault(found.kind, []).append(title(runs, name) + told)
    clauses = [phrase(CLAUSES[kind], listing(by_kind[kind])) for kind in CLAUSES if kind in by_kind]
    if not clauses:
        return phrase("Trained with {}.", label(runs, weights))
    return phrase(SENTENCE, label(runs, weights), label(runs, runs.base), "; ".join(clauses))


def rows(runs: RunData, weights: Mapping[str, float]) -> list[list[str]]:
    """Of each score: what it is, its value, the difference to the base, and the word for it."""
    if dict(weights) == runs.base:
        return [[title(runs, name), value(runs, name, weights), "", BASE] for name in runs.names]
    found = {name: runs.difference(name, weights) for name in runs.names}
    return [
        [title(runs, name), value(runs, name, weights), change(one), KINDS[one.kind]]
        for name, one in found.items()
    ]


def notes(runs: RunData) -> list[str]:
    """What one must know to read the numbers."""
    count = len(runs.seeds)
    about = [runs.about] if runs.about else []
    if count == 1:
        return [*about, "one seed: nobody knows how far another one would be from it"]
    return [
        *about,
        f"losses unweighted; values: mean +- standard deviation of {count} seeds",
        "differences, seed by seed: mean +- 95% interval (Student's t); with 0 in it there is none "
        "to be seen, and chance alone puts 1 of 20 beyond",
    ]


def table(runs: RunData) -> str:
    """A block for each score, and in it a row for each mixture of loss weights."""
    head = f"against {label(runs, runs.base)}, seed by seed"
    labels = [label(runs, weights) for weights in runs.mixtures]
    by_mixture = [rows(runs, weights) for weights in runs.mixtures]
    blocks = [list(block) for block in zip(*by_mixture, strict=True)]
    cells = [row[1:3] for block in blocks for row in block]
    first = max(len(text) for text in [*labels, *(f"{block[0][0]}  " for block in blocks)]) + 2
    widths = [max((len(row[i]) for row in cells), default=0) for i in (0, 1)]
    lines = []
    for block in blocks:
        lines.append(f"{block[0][0].ljust(first)}  {''.ljust(widths[0])}  {head}")
        for name, (_, number, change, word) in zip(labels, block, strict=True):
            numbers = f"{number.rjust(widths[0])}  {change.rjust(widths[1])}"
            lines.append(f"  {name.ljust(first - 2)}  {numbers}  {word}".rstrip())
    rule = "-" * max(map(len, lines), default=0)
    return "\n".join([*lines, rule, *notes(runs)])
