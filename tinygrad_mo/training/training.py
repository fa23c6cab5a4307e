"""How a model learns: one loss per output, weighted and summed, one sweep, one step."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import reduce
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from .. import metrics, ops, optimizers
from ..callbacks import Callback, History
from ..console import say
from ..device import Array, new_generator
from ..engine.calls import Call, inside
from ..engine.graph import Tensor
from ..engine.plan import Plan, Tape
from ..files.checkpoint import save_model
from ..losses import LOSSES
from ..metrics import Metric
from ..network.feeding import arrays_for, cast, counted, match, matched_arrays
from ..network.network import FunctionalModel, Tensors
from ..replay.plan import ReplayedPlan
from .batches import ArrayBatches, StreamBatches, is_stream, split
from .fitting import Batches, Fit
from .not_finite import birthplace
from .progress import numbers
from .scores import Scores
from .terms import LossTerm, sample_weights, separate_missing, terms_of_output, weights_by_term

NUMBERS = (int, float, np.number)


class TrainableModel(FunctionalModel):
    """A model that can be compiled, fitted and evaluated."""

    terms: dict[str, LossTerm] | None = None  # by name; None before compile

    def __init__(self, inputs: Tensors, outputs: Tensors, name: str | None = None):
        super().__init__(inputs, outputs, name)
        self.added: dict[str, tuple[Tensor, float]] = {}

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
    ) -> None:
        """Say what to learn. Forgets the state of an earlier optimizer.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or function; or a list or dict of them
            One for all outputs, one per output in order, or by output name. None, or a name that a
            dict leaves out, is an output without a loss; a list is several losses for one output.
        loss_weights : float, a list or dict of them, or a function, optional
            What each loss is multiplied with before they are added. Default: 1. A function
            ``f(step, losses)`` is asked before each sweep: it gets the losses of the batch by name
            and returns weights by name, those that change.
        metrics : str or Metric; or a list of them; or a list or dict of lists, optional
            For the only output, or by output.

        Raises
        ------
        ValueError
            For names that no output has, wrong counts, or a list that can be read in two ways.
        """
        compiled_with = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics
        }  # fmt: skip
        if isinstance(optimizer, str) and optimizer in LOSSES:
            raise ValueError(f"{optimizer!r} is a loss: the optimizer comes first, then the loss")
        chosen_optimizer = optimizers.get(optimizer)
        names = list(self.outputs)
        strict = self.outputs_are_dict and len(names) > 1
        if len(names) == 1 and isinstance(loss, list | tuple):
            loss = {names[0]: loss}  # several losses for the only output
        chosen = match("loss", loss, names, by_name_only=strict, repeat=True)
        terms: dict[str, LossTerm] = {}

        def enter(term: LossTerm) -> None:
            if term.name in terms:
                raise ValueError(f"two losses are called {term.name!r}: rename an output or a loss")
            terms[term.name] = term

        for name, given in chosen.items():
            if given is not None:
                for term in terms_of_output(name, self.outputs[name], given):
                    enter(term)
        if not terms and not self.added:
            raise ValueError(f"compile needs a loss for at least one output: {', '.join(names)}")
        several = len(terms) > len({term.output for term in terms.values()})
        balancer = loss_weights if callable(loss_weights) else None
        given = {} if loss_weights is None or balancer else loss_weights
        given = weights_by_term(given, list(terms.values()))
        of = [*terms] if several else names
        if isinstance(given, Mapping):
            of = list(dict.fromkeys([*of, *names, *self.added]))
        factors = match("loss_weights", given, of, by_name_only=strict, repeat=True)
        for name, (tensor, weight) in self.added.items():
            enter(LossTerm(name, value=tensor))
            factors.setdefault(name, weight)
        penalised = [w for w in self.weights if w.regularizer is not None]
        if penalised:
            enter(term := LossTerm("regularization"))
            with inside(Call(term)):
                term.value = reduce(ops.add, [w.regularizer(w) for w in penalised])
        factors = {name: factor for name, factor in factors.items() if name in terms}
        factors = checked_weights(dict.fromkeys(terms, 1.0) | factors)
        chosen_metrics = self._metrics(metrics, terms)
        check_unique(history_keys(terms, chosen_metrics, len(names)))
        self.optimizer = chosen_optimizer
        self.metrics, self.terms = chosen_metrics, terms
        self._loss_weights, self.balancer = factors, balancer
        self.compiled_with = compiled_with
        self.step = 0
        self._plan: tuple[Any, Plan] | None = None
        self._switches = self.switches()
        self.shuffler = new_generator()

    def add_loss(self, tensor: Tensor, name: str, weight: float = 1.0) -> None:
        """Add a scalar of the graph to the losses, before `compile`.

        Parameters
        ----------
        tensor : Tensor
            Symbolic, without axes, computed from what the model computes: of an inner tensor, of
            several outputs ...
        name : str
            Under which it is weighted, logged and drawn.
        weight : float
            Default: 1.
        """
        if not isinstance(tensor, Tensor) or tensor.shape != ():
            given = f"{tensor}" if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"loss {name!r} must be a scalar, use .mean() or .sum(), not {given}")
        if name in self.added or name in self.outputs:
            raise ValueError(f"there is a loss or output called {name!r} already")
        term = LossTerm(name)
        with inside(Call(term)):
            self.added[name] = (tensor * 1.0, weight)  # a step of its own: its card in the picture

    @property
    def loss_weights(self) -> dict[str, float]:
        """What each loss is multiplied with, by name.

        Set it at any time (left out means 1), or set a function that is asked before each sweep, as
        in `compile`. The optimizer keeps its state.
        """
        return self._loss_weights

    @loss_weights.setter
    def loss_weights(self, given: Any) -> None:
        if not callable(given):
            self._change_weights(given)
        self.balancer = given if callable(given) else None

    def _change_weights(self, given: Any) -> None:
        names, strict = list(self.compiled_terms()), self.outputs_are_dict
        chosen = match("loss_weights", given, names, by_name_only=strict, repeat=True)
        self._loss_weights = checked_weights(dict.fromkeys(names, 1.0) | chosen)

    @property
    def weight_list(self) -> list[float]:
        """The loss weights in the order of the losses, as `Plan.backward` takes them."""
        known, names = self._loss_weights, self.compiled_terms().keys()
        if known.keys() != names:
            known = match("loss_weights", known, list(names))
        return list(checked_weights({name: known[name] for name in names}).values())

    def _metrics(self, given: Any, terms: Mapping[str, LossTerm]) -> dict[str, list[Metric]]:
        if given is None:
            return {}
        judged = {term.output: term for term in terms.values()}
        strict, by_output = self.outputs_are_dict, isinstance(given, Mapping)
        if isinstance(given, list | tuple):
            by_output = any(m is None or isinstance(m, list | tuple) for m in given)
            if not by_output and len(given) == len(self.outputs) > 1:
                each = ", ".join(f"{m} for {o}" for o, m in zip(self.outputs, given, strict=True))
                form = "a dict of lists" if strict else "a list of lists, or a dict of lists"
                raise ValueError(
                    f"metrics: a list can be read in two ways: one metric for each output ({each}),"
                    f" or all {len(given)} for every output. Give {form}"
                )
        if not by_output:  # the same for every output
            given = {name: given for name in self.outputs if name in judged}
        matched = match("metrics", given, list(self.outputs), by_name_only=strict)
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
            result[name] = [metrics.get(deepcopy(m), *shapes) for m in chosen]  # own counts
        return result

    @property
    def metrics_names(self) -> list[str]:
        """The keys of a row of History, in order."""
        return history_keys(self.compiled_terms(), self.metrics, len(self.outputs))

    def outputs_of_keys(self) -> dict[str, str]:
        """Which output the keys of History speak of, where they speak of one."""
        owners = {t.label: t.output for t in self.compiled_terms().values() if t.output is not None}
        for output, chosen in self.metrics.items():
            keys = history_keys({}, {output: chosen}, len(self.outputs))[1:]
            owners |= dict.fromkeys(keys, output)
        return owners

    def metric_called(self, key: str) -> Metric | None:
        """The metric behind a key of History, if it is one."""
        names = history_keys({}, self.metrics, len(self.outputs))[1:]
        every = [metric for chosen in self.metrics.values() for metric in chosen]
        return dict(zip(names, every, strict=True)).get(key)

    @property
    def account_names(self) -> list[str]:
        """The further keys of History: parts and shares of the losses, if there are several."""
        terms = list(self.compiled_terms())
        kinds = ("weighted", "share", "gradient_share") if len(terms) > 1 else ()
        return [f"{kind}/{name}" for kind in kinds for name in terms]

    def compiled_terms(self) -> dict[str, LossTerm]:
        if self.terms is None:
            raise RuntimeError(f"call compile(optimizer, loss) before training {self}")
        late = [name for name in self.added if name not in self.terms]
        if late:
            raise RuntimeError(f"the loss {late[0]!r} was added after compile: call compile again")
        return self.terms

    def pairing(self) -> str:
        """What belongs to what, as a table: output, loss, weight, metrics, shape of the labels."""
        rows = [("output", "loss", "weight", "metrics", "labels")]
        for term in self.compiled_terms().values():
            names = [m.name for m in self.metrics.get(term.output or "", [])]
            shape = "" if term.target is None else str(term.target.shape)
            loss = term.name if term.loss is None else term.loss.name
            weight = f"{self.loss_weights[term.name]:g}"
            rows.append((term.output or "-", loss, weight, ", ".join(names) or "-", shape or "-"))
        judged = {row[0] for row in rows}
        rows += [(name, "none", "-", "-", "-") for name in self.outputs if name not in judged]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def training_plan(self) -> Plan:
        """The plan of a training step; made anew when layers were frozen or unfrozen."""
        terms, trainable = self.compiled_terms(), [one.trainable for one in self._switches]
        if self._plan is None or self._plan[0] != trainable:
            values, wrt = [t.value for t in terms.values()], self.trainable_weights
            self._plan = trainable, ReplayedPlan(values, wrt, fetch=list(self.outputs.values()))
        return self._plan[1]

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
            Shape (samples,). One array counts for all outputs; a dict may leave outputs out.
        class_weight : "balanced" or dict by class; or a dict of them by output, optional
        """
        judged = {t.output: t for t in self.compiled_terms().values() if t.output is not None}
        inputs = arrays_for("input", self.inputs, x, self.inputs_are_dict)
        feed = {self.inputs[name]: array for name, array in inputs.items()}
        targets = {name: term.target for name, term in judged.items()}
        origins = {name: self._origin_of_labels(term) for name, term in judged.items()}
        what, strict = "labels of output", self.outputs_are_dict
        y = self._of_judged(what, y, judged)
        labels = matched_arrays(what, targets, y, strict, origins)
        counts = {f"input {n!r}": len(a) for n, a in inputs.items()}
        counts |= {f"labels of {n!r}": len(a) for n, a in labels.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"data and labels: different numbers of samples: {counted(counts)}")
        weights = self._by_output("sample_weight", sample_weight, judged)
        classes = self._by_output("class_weight", class_weight, judged)
        missing = {
            t.output: t.loss.missing
            for t in self.compiled_terms().values()
            if t.loss is not None and t.loss.missing is not None
        }
        for name, term in judged.items():
            what = f"labels of output {name!r}"
            known, labelled = separate_missing(what, labels[name], missing.get(name))
            feed[term.target] = cast(what, known, term.target)
            count = max(self.outputs[name].shape[-1] or 2, 2)
            own = sample_weights(name, weights.get(name), classes.get(name), known, labelled, count)
            feed[term.weights] = own.astype(term.weights.dtype)
        return feed

    def _by_output(self, what: str, given: Any, judged: Mapping[str, LossTerm]) -> dict[str, Any]:
        """Something optional, given once for all outputs, or by output."""
        if given is None:
            return {}
        once = isinstance(given, Mapping) and not any(isinstance(key, str) for key in given)
        if isinstance(given, list | tuple) and given:
            once = all(isinstance(one, int | float | np.number) for one in given)
        if once:  # by class, or by sample
            return dict.fromkeys(judged, given)
        given = self._of_judged(what, given, judged)
        return match(what, given, list(judged), by_name_only=self.outputs_are_dict, repeat=True)

    def _of_judged(self, what: str, given: Any, judged: Mapping[str, LossTerm]) -> Any:
        """Leave out what is given for outputs without a loss."""
        names = list(self.outputs)
        if len(judged) == len(names) or not isinstance(given, list | tuple | Mapping):
            return given
        if not isinstance(given, Mapping) and len(given) != len(names):
            return given  # for those with a loss only
        given = match(what, given, names, by_name_only=self.outputs_are_dict)
        return {name: one for name, one in given.items() if name in judged}

    def _origin_of_labels(self, term: LossTerm) -> str:
        """Why labels must have the shape that they must have."""
        output = self.outputs[str(term.output)]
        words = f"since {term.loss.name} compares them with {output}"
        if term.loss.sparse:
            words += ": the index of a class, not one-hot rows"
        return words

    def save(self, path: str | Path) -> None:
        """Write the whole model to a file: graph, weights, and where its training stands.

        `tinygrad_mo.load` reads it. A function of your own inside (a loss, an activation, a layer's
        class) is written as its name; hand it to `load`. Nothing in a file is ever executed.
        """
        save_model(path, self)

    def learn(self, feed: Mapping[Tensor, Array]) -> Tape:
        """One step: forward, one sweep backward, and a step of the optimizer."""
        plan = self.training_plan()
        tape = plan.forward(feed, training=True)
        if self.balancer is not None:
            values = [float(plan.value(tape, loss)) for loss in plan.losses]
            changes = self.balancer(self.step, dict(zip(self._loss_weights, values, strict=True)))
            self._change_weights({**self._loss_weights, **changes})
        found = plan.backward(tape, self.weight_list, sparse=True)
        try:
            self.optimizer.apply({w: g[0] for w, g in found.items() if g is not None})
        except FloatingPointError as error:
            where = birthplace(plan, feed, self.weight_list)
            raise FloatingPointError(f"{error}\n{where}" if where else str(error)) from None
        plan.move_averages(tape)
        self.step += 1
        return tape

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; returns its losses and metrics as they were before the step."""
        feed = self.labelled_data(x, y, sample_weight, class_weight)
        scores = Scores(self)
        scores.add(feed, self.learn(feed))
        return self._as_asked(scores.logs(), return_dict)

    def _as_asked(self, logs: dict[str, float], return_dict: bool) -> Any:
        if return_dict:
            return logs
        return logs["loss"] if len(logs) == 1 else list(logs.values())

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
        groups: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x, y : array, or a list or dict of arrays
            Per input and per output. Or x alone: an iterable (or a function without arguments that
            makes one, which is called for each epoch) of batches ``(x, y)`` or
            ``(x, y, sample_weight)``.
        batch_size, epochs : int
            Samples per step, and how often to go through the data. Default: 32 and 1.
        verbose : int
            0: silent, 1: progress bar (with tqdm) and a line per epoch, 2: a line per epoch.
        callbacks : list of Callback, optional
        validation_split : float
            This share of the samples, the last ones, is held back. Default: 0.
        validation_data : (x, y) or (x, y, sample_weight), or an iterable of batches, optional
        shuffle : bool
            Draw a new order in each epoch. Default: True.
        sample_weight : array, or a list or dict of arrays, optional
            How much each sample counts, for all outputs or by output.
        class_weight : "balanced" or dict by class; or a dict of them by output, optional
            How much the samples of each class count in training (not in validation). "balanced":
            each class as much as the others.
        groups : array, shape (samples,), optional
            Which samples belong together (frames of one video, pictures of one person): the
            `validation_split` never parts them, so that held-back data are really new.
        initial_epoch : int
            Epochs that were done before. Default: 0.
        steps_per_epoch : int, optional
            Of an iterable: how many batches are an epoch. Default: all.

        Returns
        -------
        History
            Ctrl-C stops after the running step; the model is then as that step left it, and
            KeyboardInterrupt is raised.
        """
        self.compiled_terms()
        held_out: Batches | None = None
        if is_stream(x):
            for name, given in (("y", y), ("sample_weight", sample_weight), ("groups", groups)):
                if given is not None:
                    raise ValueError(f"x yields whole batches (x, y, sample_weight): leave {name}")
            batches: Batches = self._stream(x, steps_per_epoch, class_weight)
            if validation_split:
                raise ValueError("validation_split needs arrays: give validation_data")
        else:
            if steps_per_epoch is not None:
                raise ValueError("steps_per_epoch is for an iterable of batches")
            data = self.labelled_data(x, y, sample_weight, class_weight)
            if validation_data is None and (validation_split or groups is not None):
                plain = self.labelled_data(x, y, sample_weight) if class_weight else data
                data, _ = split(data, validation_split, groups)
                _, late = split(plain, validation_split, groups)
                held_out = ArrayBatches(late, batch_size)
            batches = ArrayBatches(data, batch_size, self.shuffler if shuffle else None)
        if is_stream(validation_data):
            held_out = self._stream(validation_data)
        elif validation_data is not None:
            if not isinstance(validation_data, list | tuple) or len(validation_data) not in (2, 3):
                kind = type(validation_data).__name__
                raise TypeError(f"validation_data is (x, y) or (x, y, sample_weight), not {kind}")
            held_out = ArrayBatches(self.labelled_data(*validation_data), batch_size)
        if not isinstance(epochs, int | np.integer) or epochs < 0:
            raise ValueError(f"epochs cannot be {epochs}: it counts passes through the data")
        self._warn_of_untrained()
        self.log_names = [*self.metrics_names, *self.account_names]
        if held_out is not None:
            self.log_names += [f"val_{name}" for name in self.metrics_names]
        check_unique(self.log_names)
        self.stop_training: bool | str = False  # a callback may say True, or why
        history = History()
        listeners = [history, *as_callbacks(callbacks)]
        self.fitting = Fit(self, batches, held_out, listeners, epochs, initial_epoch, verbose)
        self.fitting.run()
        return history

    def _stream(self, x: Any, steps: int | None = None, class_weight: Any = None) -> StreamBatches:
        if is_balanced(class_weight):
            raise ValueError(
                "class_weight='balanced' counts all labels, and a batch that is yielded shows only "
                "its own: give numbers by class"
            )

        def label(x: Any, y: Any, sample_weight: Any = None) -> dict[Tensor, Array]:
            return self.labelled_data(x, y, sample_weight, class_weight)

        return StreamBatches(x, label, steps)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        sample_weight: Any = None,
        return_dict: bool = False,
        class_weight: Any = None,
        verbose: int = 0,
    ) -> Any:
        """Losses and metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, sample_weight, class_weight
            As for `fit`.
        return_dict : bool
            Default: False.
        verbose : int
            Default: 0, silent. Otherwise the numbers are printed, too.

        Returns
        -------
        list of float in the order of `metrics_names`, a float if that is only the loss, or a dict
        """
        if is_stream(x):
            scored = self.score(self._stream(x, None, class_weight))
        else:
            data = self.labelled_data(x, y, sample_weight, class_weight)
            scored = self.score(ArrayBatches(data, batch_size))
        if verbose:
            say(numbers(scored))
        return self._as_asked(scored, return_dict)

    def score(self, batches: Batches) -> dict[str, float]:
        """Losses and metrics of batches that are matched to tensors already, by name."""
        plan, scores = self.training_plan(), Scores(self)
        for feed, _ in batches.epoch():
            scores.add(feed, plan.forward(feed, keep=False))
        return scores.logs()

    def _warn_of_untrained(self) -> None:
        plan = self.training_plan()
        if not plan.wrt and self.weights:
            warnings.warn(f"{self}: every weight is frozen, so nothing is trained", stacklevel=3)
        idle = [w.name for w in plan.wrt if not plan.reaches(w)]
        if idle:
            without = [name for name in self.outputs if name not in self.compiled_terms()]
            warnings.warn(
                f"no loss reaches {', '.join(idle)}: they keep their initial values"
                + (f" (outputs without a loss: {', '.join(without)})" if without else ""),
                stacklevel=3,
            )


def history_keys(
    terms: Mapping[str, LossTerm], metrics: Mapping[str, list[Metric]], outputs: int
) -> list[str]:
    """The total, each loss if there are several of them or of outputs, and the metrics."""
    keys = ["loss"]
    if max(len(terms), outputs) > 1:
        keys += [term.label for term in terms.values()]
    for output, chosen in metrics.items():
        keys += [metric.name if outputs == 1 else f"{output}_{metric.name}" for metric in chosen]
    return keys


def check_unique(keys: Sequence[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(
                f"History would hold two series called {key!r}: rename an output, or give a metric "
                f"or loss a name of its own, name='...'"
            )


def is_balanced(class_weight: Any) -> bool:
    """Is "balanced" asked for, for some output?"""
    every = class_weight.values() if isinstance(class_weight, Mapping) else class_weight
    return class_weight == "balanced" or (
        isinstance(class_weight, Mapping | list | tuple)
        and any(isinstance(one, str) and one == "balanced" for one in every)
    )


def as_callbacks(given: Any) -> list[Callback]:
    chosen = [given] if isinstance(given, Callback) else list(given or [])
    for one in chosen:
        if isinstance(one, type):
            raise TypeError(f"callbacks: {one.__name__} is a class, write {one.__name__}(...)")
        if not isinstance(one, Callback):
            raise TypeError(f"callbacks: a {type(one).__name__} is no Callback")
    return chosen


def checked_weights(given: Mapping[str, Any]) -> dict[str, float]:
    for name, factor in given.items():
        if not isinstance(factor, NUMBERS) or not isfinite(factor):
            raise ValueError(f"loss_weights: that of {name!r} must be a number, not {factor!r}")
    return {name: float(factor) for name, factor in given.items()}
