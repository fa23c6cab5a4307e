"""What is to be learned, as one value: losses, their weights, metrics, and the data they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from itertools import count
from typing import Any

import numpy as np

from .. import metrics, ops, ranks
from ..arguments import function_of, shown
from ..balancing import method_in
from ..device import Array, on_device, to_numpy
from ..engine.calls import inside
from ..engine.graph import Parameter, Tensor
from ..engine.plan import Plan, topological_order
from ..engine.randomness import Randomness
from ..layers.regularizers import penalty
from ..losses import Loss
from ..metrics import Metric
from ..naming import did_you_mean, name_of
from ..network.contents import Contents
from ..network.feeding import arrays_for, cast, counted, match, matched_arrays
from ..network.network import Network, check_connected
from ..network.planning import NetworkPlan
from ..ops.contract import check_holds
from ..recipes import kept
from .averages import MovingAverages
from .states import refuse_shared_states
from .terms import (
    LossTerm,
    class_weights,
    classes_in,
    labelled_in,
    sample_weights,
    separate_missing,
    terms_of_output,
    weights_by_term,
)
from .weights import LossWeights, checked_weight

NUMBERS = (int, float, np.number)


class Objective:
    """What a network is to learn. It is made whole, or not at all.

    Parameters
    ----------
    network : Network
    loss, loss_weights, metrics
        As for `Model.compile`.

    Attributes
    ----------
    terms : dict of LossTerm
        The losses by name; everything that counts losses counts them in this order.
    metrics : dict of list of Metric
        By output. They are patterns: who counts makes copies.
    weights : LossWeights
        What each loss is multiplied with.
    balancer : Balancer, function or None
        Asked for weights in each step.
    contents : Contents
        What belongs to the network: all that its outputs and these losses reach.
    averages : MovingAverages
    randomness : Randomness
        What dropout and noise draw.
    made_with : dict
        The arguments, for a file.
    """

    def __init__(
        self, network: Network, loss: Any = None, loss_weights: Any = None, metrics: Any = None
    ):
        given = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics}
        self.made_with = kept(given)
        self.inputs, self.outputs = dict(network.inputs), dict(network.outputs)
        self.inputs_are_dict = network.inputs_are_dict
        self.by_name_only = network.outputs_are_dict and len(self.outputs) > 1
        self.terms: dict[str, LossTerm] = {}
        self._enter_losses(loss)
        self.balancer = method_in(loss_weights) or function_in(loss_weights)
        factors = self._factors(network, None if self.balancer else loss_weights)
        for added in network.added.values():
            self._enter(term := LossTerm(added.name, None, None, *count_of(added.value)))
            with inside(term.call()):
                term.value = ops.identity(added.value)  # a step of its own: its card in the picture
            factors.setdefault(added.name, added.weight)
        self._look_around(network)
        self._enter_regularization()
        factors = {name: factor for name, factor in factors.items() if name in self.terms}
        weights = LossWeights(dict.fromkeys(self.terms, 1.0) | factors)
        self._take_weights(weights, self.balancer)
        self.metrics = self._metrics(metrics)
        check_unique(self.keys)
        self._check_connected()
        self._plan: tuple[Any, Plan] | None = None

    def _enter_losses(self, loss: Any) -> None:
        names = list(self.outputs)
        if len(names) == 1 and isinstance(loss, list | tuple):
            loss = {names[0]: loss}  # several losses for the only output
        chosen = match("loss", loss, names, by_name_only=self.by_name_only, repeat=True)
        for name, given in chosen.items():
            if given is not None:
                for term in terms_of_output(name, self.outputs[name], given):
                    self._enter(term)

    def _enter(self, term: LossTerm) -> None:
        if term.name in self.terms:
            raise ValueError(f"two losses are called {term.name!r}: rename an output or a loss")
        self.terms[term.name] = term

    def _factors(self, network: Network, given: Any) -> dict[str, Any]:
        """The loss weights that were given, by name of loss."""
        names, terms = list(self.outputs), list(self.terms.values())
        if not terms and not network.added:
            raise ValueError(f"compile needs a loss for at least one output: {', '.join(names)}")
        several = len(terms) > len({term.output for term in terms})
        given = weights_by_term({} if given is None else given, terms)
        of = [*self.terms] if several else names
        if isinstance(given, Mapping):
            of = list(dict.fromkeys([*of, *names, *network.added]))
        found = match("loss_weights", given, of, by_name_only=self.by_name_only, repeat=True)
        return {name: checked_weight(name, factor) for name, factor in found.items()}

    def _look_around(self, network: Network) -> None:
        """Find what the outputs and the losses reach."""
        masks = [t.mask for t in self.outputs.values() if t.mask is not None]
        values = [term.value for term in self.terms.values()]
        self.steps = topological_order([*self.outputs.values(), *masks, *values])
        self.contents = Contents(self.steps, network.rest)
        self.averages = MovingAverages(self.steps)
        refuse_shared_states(self.contents, self.averages)
        self.randomness = Randomness(self.steps)

    def _enter_regularization(self) -> None:
        self._penalty: LossTerm | None = None
        penalised = [w for w in self.contents.weights.values() if w.regularizer is not None]
        if penalised:
            self._enter(term := LossTerm("regularization"))
            self._penalty = term
            with inside(term.call()):
                term.value = reduce(ops.add, map(penalty, penalised))

    def _check_connected(self) -> None:
        """A loss or penalty of one's own may need an Input that the network does not have."""
        terms = self.terms.values()
        fed = [x for term in terms for x in (term.target, term.weights) if x is not None]
        ends = {term.value: f"the loss {term.name!r}" for term in terms}
        check_connected(topological_order(list(ends)), self.inputs.values(), ends, fed)

    def _metrics(self, given: Any) -> dict[str, list[Metric]]:
        if given is None:
            return {}
        judged, names = self.judged(), list(self.outputs)
        by_output = isinstance(given, Mapping)
        if isinstance(given, list | tuple):
            by_output = any(m is None or isinstance(m, list | tuple) for m in given)
            if not by_output and len(given) == len(names) > 1:
                each = ", ".join(f"{m} for {o}" for o, m in zip(names, given, strict=True))
                form = (
                    "a dict of lists"
                    if self.by_name_only
                    else "a list of lists, or a dict of lists"
                )
                raise ValueError(
                    f"metrics: a list can be read in two ways: one metric for each output ({each}),"
                    f" or all {len(given)} for every output. Give {form}"
                )
        if not by_output:  # the same for every output
            given = {name: given for name in names if name in judged}
        matched = match("metrics", given, names, by_name_only=self.by_name_only)
        result: dict[str, list[Metric]] = {}
        for name, chosen in matched.items():
            if not isinstance(chosen, list | tuple):
                chosen = [] if chosen is None else [chosen]
            if not chosen:
                continue
            if name not in judged:
                raise ValueError(
                    f"metrics: output {name!r} has no loss, so it is given no labels: give it a "
                    f"loss (of weight 0, if it is not to be trained)"
                )
            shapes = judged[name].target.shape, self.outputs[name].shape
            losses = self._losses_of(name)
            result[name] = [metrics.get(own_metric(m), losses, *shapes) for m in chosen]
            check_metrics(name, result[name], judged[name].target, self.outputs[name])
        return result

    # ------------------------------------------------------------ what is called how

    @property
    def keys(self) -> list[str]:
        """The keys of a row of History: the total, each loss if there are several, the metrics."""
        own = [term.label for term in self.terms.values()] if self.has_several else []
        return ["loss", *own, *self._metrics_by_key()]

    @property
    def has_several(self) -> bool:
        """Are there several losses or outputs, so that each has a key?"""
        return max(len(self.terms), len(self.outputs)) > 1

    @property
    def account_keys(self) -> list[str]:
        """The further keys of History: parts and shares of the losses, if there are several."""
        if len(self.terms) < 2:
            return []
        kinds = ["weighted", "share", *["weight"] * bool(self.balancer), "gradient_share"]
        return [f"{kind}/{name}" for kind in kinds for name in self.terms]

    def _metrics_by_key(self) -> dict[str, tuple[str, Metric]]:
        """By key: of which output it is, and the metric."""
        found: dict[str, tuple[str, Metric]] = {}
        for output, chosen in self.metrics.items():
            for metric in chosen:
                key = metric.name if len(self.outputs) == 1 else f"{output}_{metric.name}"
                if key in found:
                    refuse_twice(key)
                found[key] = output, metric
        return found

    def outputs_of_keys(self) -> dict[str, str]:
        """Which output the keys speak of, where they speak of one."""
        owners = {t.label: t.output for t in self.terms.values() if t.output is not None}
        owners |= {f"{t.name}_weight": t.name for t in self.terms.values() if t.name == t.output}
        return owners | {key: output for key, (output, _) in self._metrics_by_key().items()}

    def metric_called(self, key: str) -> Metric | None:
        """The metric behind a key, if it is one."""
        return self._metrics_by_key().get(key, ("", None))[1]

    def judged(self) -> dict[str, LossTerm]:
        """The outputs that have a loss, and the (last) loss of each."""
        return {t.output: t for t in self.terms.values() if t.output is not None}

    def silent_outputs(self) -> list[str]:
        """The outputs that have no loss, and that no added one is computed from."""
        added = [term.value for term in self.terms.values() if term.output is None]
        used = {x.key for step in topological_order(added) for x in step.inputs if x is not None}
        judged = self.judged()
        return [n for n, t in self.outputs.items() if n not in judged and t.key not in used]

    def pairing(self) -> str:
        """What belongs to what, as a table: output, loss, weight, metrics, shape of the labels."""
        rows = [("output", "loss", "weight", "metrics", "labels")]
        for term in self.terms.values():
            names = [m.name for m in self.metrics.get(term.output or "", [])]
            shape = "" if term.target is None else str(term.target.shape)
            loss = term.name if term.loss is None else term.loss.name
            loss += " (a sum)" * term.is_sum
            weight = f"{self.weights[term.name]:g}"
            if self.balancer is not None:
                weight += f" (set by {name_of(self.balancer)})"
            rows.append((term.output or "-", loss, weight, ", ".join(names) or "-", shape or "-"))
        judged = {row[0] for row in rows}
        rows += [(name, "none", "-", "-", "-") for name in self.outputs if name not in judged]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    # ------------------------------------------------------------ weights

    def set_weights(self, given: Any) -> None:
        """Change what losses are multiplied with: numbers (left out: 1), or who sets them."""
        balancer = method_in(given) or function_in(given)
        weights = self.weights
        if balancer is None:
            names, given = list(self.terms), {} if given is None else given
            given = weights_by_term(given, self.terms.values())
            chosen = match(
                "loss_weights", given, names, by_name_only=self.by_name_only, repeat=True
            )
            weights = LossWeights(dict.fromkeys(names, 1.0) | chosen)
        self._take_weights(weights, balancer)

    def _take_weights(self, weights: LossWeights, balancer: Any) -> None:
        """These, and who sets some of them in each step (of a function nobody knows which)."""
        names, balanced = list(self.terms), self._balanced_by(balancer)
        self.balancer, self.balanced, self.weights = balancer, balanced, weights
        is_method = hasattr(balancer, "needs")
        weights.set_by = {names[k]: name_of(balancer) for k in balanced if is_method}

    @property
    def tasks(self) -> list[int]:
        """The numbers of the losses that are tasks: all but the penalty of regularizers."""
        return [k for k, term in enumerate(self.terms.values()) if term is not self._penalty]

    def _balanced_by(self, balancer: Any) -> list[int]:
        """The numbers of the losses that a method weighs: all but the penalty, or those it says."""
        names, who = list(self.terms), name_of(balancer)
        only = getattr(balancer, "only", None)
        for name in only or ():
            if name not in names:
                hint = did_you_mean(name, names)
                raise ValueError(f"{who}: only: no loss is called {name!r}; {hint}")
        found = [k for k, name in enumerate(names) if name in only] if only else self.tasks
        if hasattr(balancer, "needs") and len(found) < 2:
            raise ValueError(
                f"{who} balances several losses, and here is one, {names[found[0]]!r}: leave it out"
            )
        return found

    def balance(self, step: int, losses: Sequence[Any]) -> None:
        """Ask the function, if there is one, which gets the losses of a batch."""
        if self.balancer is not None:
            function: Any = self.balancer
            changes = function(step, dict(zip(self.terms, map(float, losses), strict=True)))
            if not isinstance(changes, Mapping):
                raise TypeError(
                    f"loss_weights: {name_of(self.balancer)} must return a dict of weights by "
                    f"loss, not {shown(changes)}"
                )
            self.weights.update(weights_by_term(changes, self.terms.values()))

    @property
    def weight_list(self) -> list[float]:
        """The loss weights in the order of the losses, as `Plan.backward` takes them."""
        return list(self.weights.values())

    # ------------------------------------------------------------ plan and data

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The parameters that training changes."""
        return self.contents.trainable_weights()

    def plan(self) -> Plan:
        """The plan of a training step; another one after layers were frozen or unfrozen."""
        kind = ranks.plan_kind or NetworkPlan  # several processes share out the batches
        made_for = self.contents.flags(), kind
        if self._plan is None or self._plan[0] != made_for:
            self.contents.check_flags()
            self._plan = made_for, self.plan_for(list(self.terms.values()), kind)
        return self._plan[1]

    def plan_for(self, terms: Sequence[LossTerm], kind: Callable[..., Plan] = NetworkPlan) -> Plan:
        """A plan for some of the losses, as the layers are frozen now."""
        counts = [x for term in terms for x in (term.count, term.mask) if x is not None]
        fetch = [*self.outputs.values(), *counts, *self.averages.statistics]
        values = [term.value for term in terms]
        frozen = self.contents.frozen_steps(self.steps)
        return kind(values, self.trainable_weights, fetch, frozen)

    def labelled_data(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None
    ) -> dict[Tensor, Array]:
        """Everything that the losses need, checked, by the tensor to which it is fed.

        Parameters
        ----------
        x, y : array, or a list or dict of arrays
            Per input, and per output that has a loss (per output is allowed, too). A label of NaN
            means that the sample has none for this output.
        sample_weight : array, or a list or dict of arrays, optional
            Shape (samples,), or, where a loss judges each step of a sequence, (samples, steps). One
            array counts for all outputs; a dict may leave outputs out.
        class_weight : "balanced" or dict by class; or a dict of them by output, optional
            Labels that are missing, or belong to padded steps, are not counted.
        """
        self.contents.move()
        judged = self.judged()
        inputs = arrays_for("input", self.inputs, x, self.inputs_are_dict)
        feed = {self.inputs[name]: array for name, array in inputs.items()}
        targets = {name: term.target for name, term in judged.items()}
        what = "labels of output"
        y = self._of_judged(what, y, judged)
        if not judged and y is not None and not isinstance(y, Mapping):
            refuse_for_nobody("y")
        labels = matched_arrays(what, targets, y, self.by_name_only, self._origin_of_labels)
        counts = {f"input {n!r}": len(a) for n, a in inputs.items()}
        counts |= {f"labels of {n!r}": len(a) for n, a in labels.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"data and labels: different numbers of samples: {counted(counts)}")
        weights = self._by_output("sample_weight", sample_weight, judged)
        for name, term in judged.items():
            what = f"labels of output {name!r}"
            ndim = len(term.weights.shape)
            known, labelled = separate_missing(what, labels[name], self._losses_of(name), ndim)
            feed[term.target] = cast(what, known, term.target)
            self._check_labels(name, to_numpy(feed[term.target]))
            own = sample_weights(name, weights.get(name), labelled)
            feed[term.weights] = held(f"sample_weight of {name!r}", own, term.weights)
        return self.class_weighted(feed, class_weight)

    def _losses_of(self, output: str) -> list[Loss]:
        return [t.loss for t in self.terms.values() if t.output == output and t.loss is not None]

    def _check_labels(self, output: str, labels: np.ndarray) -> None:
        """All labels of an output, before one of them has changed a weight."""
        for loss in self._losses_of(output):
            try:
                loss.check_labels(labels, self.outputs[output])
            except ValueError as error:
                what = f"labels of output {output!r} for {loss.name}"
                raise ValueError(f"{what}: {error}") from None

    def class_weighted(
        self,
        feed: dict[Tensor, Array],
        class_weight: Any,
        whole: Mapping[Tensor, Array] | None = None,
    ) -> dict[Tensor, Array]:
        """Labelled data in which the samples of each class count so much.

        `whole`: all the data of which these are a part, if they are known: a class that is not
        among them is a mistake then. A batch alone may well lack it.
        """
        judged = self.judged()
        new = dict(feed)
        for name, given in self._by_output("class_weight", class_weight, judged).items():
            if given is not None:
                what, term = f"class_weight of {name!r}", judged[name]
                labelled = labelled_in(term, feed)
                classes = classes_in(what, term, feed, labelled)
                known = self._known_classes(what, term, whole)
                own = to_numpy(feed[term.weights])
                factors = class_weights(what, given, classes, labelled, known)
                new[term.weights] = held(what, own * factors, term.weights)
        return new

    def _known_classes(self, what: str, term: LossTerm, whole: Any) -> set[int] | None:
        """All that labels of an output can say; None if one number alone can say anything."""
        units = self.outputs[term.output or ""].shape[-1] or 1
        if units > 1:
            return set(range(units))
        if whole is None:
            return None
        labelled = labelled_in(term, whole)
        found = set(classes_in(what, term, whole, labelled)[labelled].tolist())
        return found if found - {0, 1} else {0, 1}

    def _by_output(self, what: str, given: Any, judged: Mapping[str, LossTerm]) -> dict[str, Any]:
        """Something optional, given once for all outputs, or by output."""
        if given is None:
            return {}
        if not judged:
            refuse_for_nobody(what)
        if isinstance(given, Mapping) and given and not any(isinstance(key, str) for key in given):
            if len(judged) > 1 and what == "class_weight":
                raise ValueError(
                    f"{what}: one dict by class was given for {len(judged)} outputs, "
                    f"{', '.join(judged)}: say whose classes these are, as in "
                    f"{{{list(judged)[-1]!r}: {dict(given)}}}"
                )
            return dict.fromkeys(judged, given)
        is_list = isinstance(given, list | tuple) and len(given) > 0
        if is_list and all(isinstance(one, NUMBERS) for one in given):
            return dict.fromkeys(judged, given)  # by sample
        given = self._of_judged(what, given, judged)
        return match(what, given, list(judged), by_name_only=self.by_name_only, repeat=True)

    def _of_judged(self, what: str, given: Any, judged: Mapping[str, LossTerm]) -> Any:
        """Leave out what is given for outputs without a loss."""
        names = list(self.outputs)
        if len(judged) == len(names) or not isinstance(given, list | tuple | Mapping):
            return given
        if not isinstance(given, Mapping) and len(given) != len(names):
            return given  # for those with a loss only
        given = match(what, given, names, by_name_only=self.by_name_only)
        return {name: one for name, one in given.items() if name in judged}

    def _origin_of_labels(self, output: str) -> str:
        """Why labels must have the shape that they must have."""
        term = self.judged()[output]
        words = f"since {term.loss.name} compares them with {self.outputs[output]}"
        if term.loss.sparse:
            words += ": the index of a class, not one-hot rows"
        return words


def own_metric(metric: Any) -> Any:
    """A copy of a metric, which counts for itself; what names or makes one, as it is."""
    return deepcopy(metric) if isinstance(metric, Metric | Loss) else metric


def check_metrics(output: str, chosen: Sequence[Metric], labels: Tensor, y_pred: Tensor) -> None:
    """Metrics must be able to judge what they will be given."""
    known = {*labels.shape, *y_pred.shape}
    samples = next(n for n in count(2) if n not in known)  # not to be taken for features
    arrays = [
        np.zeros([samples, *(n or samples + 1 for n in t.shape[1:])], t.dtype)
        for t in (labels, y_pred)
    ]
    for metric in chosen:
        try:
            metric.check_shapes(*arrays)
        except ValueError as error:
            raise ValueError(
                f"metrics of output {output!r}, tried on {samples} samples: {error}. Give each "
                f"output metrics that suit its labels, in a dict by output"
            ) from None


def held(what: str, weights: np.ndarray, tensor: Tensor) -> Array:
    """Weights in the type of the tensor to which they are fed, if it can hold them."""
    check_holds(what, weights, tensor.dtype)
    return on_device(weights.astype(tensor.dtype))


def count_of(loss: Tensor) -> tuple[Tensor | None, bool]:
    """Of how much a scalar is the mean or the sum, if a loss has made it; and is it the sum?"""
    step = loss.step
    op = step.op if step is not None and loss.index == 0 else None
    counted = op in (ops.weighted_mean, ops.weighted_sum)
    return step.output(1) if counted else None, op is ops.weighted_sum  # type: ignore[union-attr]


def function_in(loss_weights: Any) -> Any:
    """The function that is asked for weights in each step, if one was given."""
    if not callable(loss_weights):
        return None
    return function_of("loss_weights", loss_weights, ["step", "losses"])


def refuse_for_nobody(what: str) -> None:
    raise ValueError(f"{what} is given, but no output has a loss that needs labels: leave {what}")


def refuse_twice(key: str) -> None:
    raise ValueError(
        f"History would hold two series called {key!r}: rename an output, or give a metric or loss "
        f"a name of its own, name='...'"
    )


def check_unique(keys: Sequence[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            refuse_twice(key)
