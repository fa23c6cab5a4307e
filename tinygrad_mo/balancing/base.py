"""What methods that balance losses share: one small contract.

A method is asked once in each step, before the gradient is mixed. It is told

- ``losses``, shape (n,): their values on this batch;
- ``gram``, shape (n, n), if it says so in `needs`: the inner products of the losses' gradients on
  the parameters that at least two losses reach, in float64;
- ``which``, shape (n,): which of the K losses of the model these are. One that has no labels in
  this batch, or no gradient on what is shared, is not among them; its weight is 1.

It returns n weights, finite numbers. Each multiplies its loss wherever the loss reaches: in what is
shared, and in what this loss alone trains. So one weighted sum of rows that are there already, or
one weighted sweep, is the training gradient, and every picture and table of it stays true.

A method may also ask for the ``"rows"`` themselves, one per loss, and return what becomes of them
in each shared parameter (`Balancer.mixed`); then its weights are those of the rest.

What a method learns or counts are attributes, named in `state`: arrays with a number for each of
the K losses, or a random generator. They are made in `begin`, are kept in a file with the model,
and training goes on from them with the same bits.

A method on Gram matrices may look at some layers alone (`on`), and it may be asked for each layer
or each parameter by itself (`per`): then every one of these has a Gram matrix, weights and a memory
of its own, and its gradient is mixed by these weights. What only one loss reaches has weight 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import arguments
from ..arguments import shown
from ..recipes import Recipe, refuse_unknown

NEEDS = "losses", "gram", "rows"
PER = "model", "layer", "parameter"


class Balancer(Recipe):
    """The common part of methods that weigh losses in each step.

    Given as ``loss_weights``, it is a pattern: each model has a copy of its own, which begins anew,
    `model.objective.balancer`.

    Parameters
    ----------
    only : str or list of str, optional
        The losses to be balanced, by name; the others keep the weights that they have. Default:
        all, but for the penalty of regularizers, which is no task.
    every : int
        It is asked in every so many steps; between them the weights stay, and a step costs what it
        costs without it (Navon et al. 2022 do so). Default: 1.
    on : str or list of str, optional
        The layers on whose parameters gradients are compared, by name, such as the last one that
        all losses share (Chen et al. 2018). Default: all that two losses reach.
    per : "model", "layer" or "parameter"
        For what it is asked apart (Wang et al. 2021 do so for each matrix). Default: "model".

    Attributes
    ----------
    needs : "losses", "gram" or "rows"
        What is worked out for it. Losses cost nothing.
    state : tuple of str
        Names of the attributes that a file keeps.
    count : int
        K, once it has been asked.
    parts : dict of Balancer
        By layer or parameter, if it is asked for each apart.

    Examples
    --------
    A method of one's own, which makes the lengths of all gradients alike:

    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> class Alike(tg.balancing.Balancer):
    ...     needs = "gram"
    ...
    ...     def weights(self, losses, gram, which):
    ...         return 1 / np.sqrt(np.diag(gram))
    >>> Alike().balance([0.7, 3.0], np.array([[4.0, 0.0], [0.0, 25.0]]))
    array([0.5, 0.2])
    """

    needs = "losses"
    state: tuple[str, ...] = ()
    only: list[str] | None = None
    every = 1
    on: list[str] | None = None
    per = "model"
    count = 0
    parts: Mapping[str, Any] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.needs not in NEEDS:
            raise ValueError(
                f"{cls.__name__}: needs is one of {', '.join(map(repr, NEEDS))}, not {cls.needs!r}"
            )

    def __init__(
        self,
        only: Any = None,
        every: int = 1,
        on: Any = None,
        per: str = "model",
        **unknown: Any,
    ):
        refuse_unknown(type(self), unknown)
        who = type(self).__name__
        self.only = None if only is None else arguments.names(f"{who}: only", only)
        if self.only == []:
            raise ValueError(f"{who}: only names no loss: leave it out, and all are balanced")
        self.every = arguments.whole(f"{who}: every", every, at_least=1)
        self.on = None if on is None else arguments.names(f"{who}: on", on)
        if self.on == []:
            raise ValueError(f"{who}: on names no layer: leave it out, and all are looked at")
        if per not in PER:
            raise ValueError(f"{who}: per is {', '.join(map(repr, PER))}, not {shown(per)}")
        self.per = per
        if per != "model" and self.every > 1:
            raise ValueError(f"{who}: per={per!r} mixes in each step anew: leave every out")
        if self.needs != "gram" and (self.on or per != "model"):
            raise ValueError(
                f"{who}: on and per are for methods on Gram matrices; this one looks at "
                f"{self.needs}: leave them out"
            )

    @property
    def mixes(self) -> bool:
        """Is what is shared mixed otherwise than by the weights that are told?"""
        return self.needs == "rows" or self.per != "model"

    def begin(self, count: int) -> None:
        """Make what is in `state`, for so many losses."""

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        """The n weights of a step: see the top of this file."""
        raise NotImplementedError(f"{type(self).__name__} has no weights")

    def mixed(self, rows: Any) -> Any:
        """What a parameter gets of its rows (n, ...), if the method needs ``"rows"``."""
        raise NotImplementedError(f"{type(self).__name__} mixes no rows")

    def fresh(self) -> Any:
        """Another one, made with the same arguments, at its beginning."""
        given, options = self.made_with
        return type(self)(*given, **options)

    def balance(self, losses: Any, gram: Any = None) -> np.ndarray:
        """The weights of all K losses in this step.

        Parameters
        ----------
        losses : array, shape (K,)
            NaN: not in this batch.
        gram : array, shape (K, K), optional
            Finite. Zeros: this loss has no gradient on what is shared.
        """
        losses = np.asarray(losses, float)
        gram = None if gram is None else np.asarray(gram, float)
        self._check_asked(losses, gram)
        here = ~np.isnan(losses)
        if self.count != len(losses):
            self.begin(len(losses))
            self.count = len(losses)
        if gram is not None:
            here &= np.diagonal(gram) > 0
        if here.all():
            return self._answer(losses, gram, np.arange(len(losses)))
        which, weights = np.flatnonzero(here), np.ones(len(losses))
        if len(which):
            known = None if gram is None else gram[np.ix_(which, which)]
            weights[which] = self._answer(losses[which], known, which)
        return weights

    def balance_each(self, losses: Any, grams: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The weights by layer or parameter, from a Gram matrix of each: see `balance`."""
        if self.count != len(losses):
            self.begin(len(losses))
            self.count, self.parts = len(losses), {}
        self.parts = {n: self.parts[n] if n in self.parts else self.fresh() for n in grams}
        return {name: self.parts[name].balance(losses, gram) for name, gram in grams.items()}

    def _check_asked(self, losses: np.ndarray, gram: np.ndarray | None) -> None:
        who = type(self).__name__
        if losses.ndim != 1:
            raise ValueError(f"{who}: losses have the shape (K,), not {losses.shape}")
        if gram is None and self.needs == "gram":
            raise ValueError(f"{who} looks at gradients: give their Gram matrix, too")
        if gram is not None and gram.shape != 2 * losses.shape:
            raise ValueError(
                f"{who}: the Gram matrix of {len(losses)} losses has the shape "
                f"{2 * losses.shape}, not {gram.shape}"
            )

    def _answer(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> np.ndarray:
        """What `weights` returns, if that is what it must be."""
        answer = self.weights(losses, gram, which)
        try:
            found = np.array(answer, float)
        except (TypeError, ValueError):
            found = np.array(np.nan)
        if found.shape != losses.shape:
            raise ValueError(
                f"{type(self).__name__}.weights must return {len(losses)} numbers, one for each "
                f"loss that it was told, not {shown(answer)}"
            )
        return found

    def memory(self) -> dict[str, Any]:
        """What is in `state`, as copies; of a generator, where it stands."""
        names = ("count", *self.state) if self.count else ()
        own = {name: remembered(getattr(self, name)) for name in names}
        for part, method in self.parts.items():
            own |= {f"{part}/{name}": value for name, value in method.memory().items()}
        return own

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` gave; nothing: it has not been asked yet."""
        self.count, apart = 0, dict[str, dict[str, Any]]()
        if memory:
            self.begin(int(memory["count"]))
        for key, value in memory.items():
            part, _, name = key.rpartition("/")
            if part:
                apart.setdefault(part, {})[name] = value
                continue
            now = getattr(self, name)
            if isinstance(now, np.random.Generator):
                now.bit_generator.state = value
            else:
                setattr(self, name, np.array(value) if isinstance(value, np.ndarray) else value)
        self.parts = {part: self.fresh() for part in apart}
        for part, method in self.parts.items():
            method.remember(apart[part])


def remembered(x: Any) -> Any:
    if isinstance(x, np.random.Generator):
        return x.bit_generator.state
    return x.copy() if isinstance(x, np.ndarray) else x


class GramBalancer(Balancer):
    """A method to which the Gram matrix says all, with a closed form for two losses.

    A subclass writes `of_two`, in plain numbers, and `of_many`.
    """

    needs = "gram"

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        if len(gram) == 2:
            return self.of_two(float(gram[0, 0]), float(gram[0, 1]), float(gram[1, 1]))
        return self.of_many(gram)

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        """From the squared lengths of two gradients, both above 0, and their inner product."""
        raise NotImplementedError(f"{type(self).__name__} has no closed form for two losses")

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        """From a Gram matrix of any size, whose diagonal is above 0."""
        raise NotImplementedError(f"{type(self).__name__} is for two losses")
