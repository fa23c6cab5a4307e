"""The scale doctor: loss weights with which all losses pull alike on what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from textwrap import fill
from typing import Any

import numpy as np

from .. import arguments

WIDTH = 88  # letters in a line
TAKEN = ("this model", "suggested")  # names of rows
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
DIVIDED = ("Adagrad", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adadelta")  # by its own size


@dataclass(frozen=True)
class Suggestion:
    """What the gradients on a batch say about loss weights. Printed, it explains itself.

    Attributes
    ----------
    weights : dict of float
        The proposal: the weighted gradients on what is shared are equally long. The geometric mean
        of those that were computed is 1.
    lengths : dict of float
        Of each unweighted gradient, on all parameters that at least two losses reach.
    cosines : dict of float, by pair of losses
        Of the angles between these gradients.
    compared : dict of dict
        Other weights, by name, first those of the model.
    optimizer : str
        The class of the model's optimizer.
    alone : list of str
        Losses that share nothing, or have no gradient there: their weight stays 1.
    clipping : str
        How the optimizer clips gradients, as in "clipnorm=1", if it does.
    """

    weights: dict[str, float]
    lengths: dict[str, float]
    cosines: dict[tuple[str, str], float]
    compared: dict[str, dict[str, float]]
    optimizer: str = ""
    alone: list[str] = field(default_factory=list)
    clipping: str = ""

    def pulls(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The share of each loss in the summed lengths of the weighted gradients."""
        parts = {name: abs(weights[name]) * length for name, length in self.lengths.items()}
        whole = sum(parts.values())
        return {name: part / whole if whole else 0.0 for name, part in parts.items()}

    def __str__(self) -> str:
        return "\n".join([*self._table(), "", *(fill(line, WIDTH) for line in self._words())])

    def _table(self) -> list[str]:
        names = list(self.lengths)
        widths = [max(len(name), 9) + 2 for name in names]
        first = max(
            len(one) for one in ("shares, suggested", *(f"shares, {n}" for n in self.compared))
        )

        def row(label: str, cells: Sequence[str]) -> str:
            each = zip(cells, widths, strict=True)
            return label.ljust(first + 2) + "".join(cell.rjust(width) for cell, width in each)

        lines = [row("", names), row("|gradient|", [f"{x:.3g}" for x in self.lengths.values()])]
        for label, weights in (*self.compared.items(), ("suggested", self.weights)):
            lines.append(row(f"weights, {label}", [f"{weights[name]:.3g}" for name in names]))
            shares = self.pulls(weights)
            lines.append(row(f"shares, {label}", [f"{shares[name]:.0%}" for name in names]))
        return lines

    def _words(self) -> list[str]:
        lines = []
        for label, weights in self.compared.items():
            shares = {name: share for name, share in self.pulls(weights).items() if share}
            if idle := [name for name in self.lengths if name not in shares]:
                lines.append(
                    f"With the weights of {label}, no pull comes from {', '.join(idle)}, of weight "
                    f"0."
                )
            if len(shares) < 2:
                continue
            first, last = (pick(shares, key=lambda name: shares[name]) for pick in (max, min))
            if shares[first] > 2 * shares[last]:
                lines.append(
                    f"With the weights of {label}, {first} pulls "
                    f"{shares[first] / shares[last]:.3g} times as hard as {last} on what they "
                    f"share."
                )
            else:
                who = "the others" if idle else "all losses"
                lines.append(f"With the weights of {label}, {who} pull about alike.")
        against = [(c, pair) for pair, c in self.cosines.items() if c < -0.25]
        if against:
            worst, (a, b) = min(against)
            lines.append(
                f"{a} and {b} pull against each other (cosine {worst:+.2f}): weights decide who "
                f"wins there; a method such as 'upgrad' lets neither lose."
            )
        if self.alone:
            lines.append(
                f"Not compared, since nothing is shared, or without a gradient there in this "
                f"batch: {', '.join(self.alone)}."
            )
        if self.clipping:
            lines.append(
                f"{self.clipping} cuts gradients off after they were mixed: beyond it, larger "
                f"weights make no larger step."
            )
        elif self.optimizer in (*DIVIDED, "Lion"):
            does = "divides each gradient by its own size"
            if self.optimizer == "Lion":
                does = "takes the sign of gradients alone"
            lines.append(
                f"{self.optimizer} {does}: only the ratios of the weights count, and only where "
                f"losses meet. In the head of a single loss its weight cancels."
            )
        elif self.optimizer:
            lines.append(
                f"{self.optimizer} steps in proportion to the gradient: twice all weights is twice "
                f"the learning rate, and a loss of small weight trains its own head slowly."
            )
        lines.append(
            "Equal pulls are a fair start, no optimum: what matters more may pull more. The sizes "
            "are those of this batch and change in training; 'gradnorm' or 'imtl_g' follow them."
        )
        return lines


def suggest(model: Any, x: Any, y: Any = None, compare: Any = None) -> Suggestion:
    """Propose loss weights with which all losses pull alike on what they share.

    Parameters
    ----------
    model : Model
        Compiled; nothing is changed.
    x, y
        A batch, as for `Model.gradient_flow`: some hundred samples.
    compare : dict of dicts of float, optional
        Other weights, each a dict by loss, by what they are called.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> tg.set_random_seed(0)
    >>> x = tg.Input((2,))
    >>> trunk = tg.layers.Dense(8, activation="tanh", name="trunk")(x)
    >>> model = tg.Model(x, [tg.layers.Dense(1, name=name)(trunk) for name in ("age", "height")])
    >>> model.compile("sgd", "mse")
    >>> data = np.random.default_rng(0).normal(size=(64, 2))
    >>> print(tg.balancing.suggest(model, data, [40 + 9 * data[:, :1], data[:, 1:]]))
                                age     height
    |gradient|                   59       3.04
    weights, this model           1          1
    shares, this model          95%         5%
    weights, suggested        0.227       4.41
    shares, suggested           50%        50%
    <BLANKLINE>
    With the weights of this model, age pulls 19.4 times as hard as height on what they
    share.
    SGD steps in proportion to the gradient: twice all weights is twice the learning rate,
    and a loss of small weight trains its own head slowly.
    Equal pulls are a fair start, no optimum: what matters more may pull more. The sizes are
    those of this batch and change in training; 'gradnorm' or 'imtl_g' follow them.
    """
    losses, numbers = list(model.objective.terms), model.objective.tasks
    compare = arguments.by_name("suggest: compare", compare, weights_by_loss)
    if taken := [label for label in compare if label in TAKEN]:
        raise ValueError(f"suggest: compare: {taken[0]!r} has a row already: take another name")
    flow = model.gradient_flow(x, y)
    shared = [
        m.gram[np.ix_(numbers, numbers)]
        for name, m in flow.parameters.items()
        if name not in flow.frozen and sum(m.reach[k] for k in numbers) > 1
    ]
    gram = sum(shared, np.zeros((len(numbers), len(numbers))))
    d = np.sqrt(np.diagonal(gram))
    together = [n for n in range(len(d)) if 0 < d[n] < np.inf]
    names = [losses[numbers[n]] for n in together]
    if len(names) < 2:
        raise ValueError(
            "suggest: no two losses have a gradient on the same weights, in this batch, so that "
            "there is nothing to balance"
        )
    lengths = {name: float(d[n]) for name, n in zip(names, together, strict=True)}
    middle = exp(sum(map(log, lengths.values())) / len(lengths))
    weights = dict.fromkeys(losses, 1.0) | {name: middle / one for name, one in lengths.items()}
    cosines = {
        (names[i], names[j]): float(
            gram[together[i], together[j]] / lengths[names[i]] / lengths[names[j]]
        )
        for j in range(len(names))
        for i in range(j)
    }
    own = {"this model": dict(model.loss_weights)}
    others = {label: dict.fromkeys(losses, 1.0) | given for label, given in compare.items()}
    for label, given in others.items():
        for name in given:
            if name not in losses:
                raise ValueError(f"suggest: compare, {label}: no loss is called {name!r}")
    alone = [losses[k] for k in numbers if losses[k] not in lengths]
    clipping = [f"{name}={x:g}" for name, x in flow.settings.items() if name in CLIPPING]
    return Suggestion(
        weights, lengths, cosines, own | others, flow.optimizer, alone, ", ".join(clipping)
    )


def weights_by_loss(what: str, given: Any) -> dict[str, float]:
    return arguments.by_name(what, given, arguments.number)
