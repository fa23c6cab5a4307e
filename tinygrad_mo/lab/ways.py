"""Other ways to balance than weights from losses or gradients: sampling, stopping, weight decay.

Each is a function that makes a model ready, whose loss weights are all 1, and returns callbacks for
its training. It is told

- ``validation``: labelled data (x, y) on which nobody trains, as `divided` keeps them;
- ``fit``: ``fit(model, callbacks)`` trains a model as all others are trained here.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ..callbacks import Callback, EarlyStopping, TaskSampler
from ..layers.regularizers import L1L2

DECAY = 1e-3  # the factor of a kernel's squared length
PATIENCE = 1  # epochs without progress, after which a loss stops
Way = Callable[[Any, Any, Callable[..., None]], list[Callback]]


def tasks(model: Any) -> list[str]:
    """The losses, without the penalty of regularizers."""
    names = list(model.objective.terms)
    return [names[k] for k in model.objective.tasks]


def sample_across(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """Each step trains one loss, drawn evenly."""
    return [TaskSampler(across=dict.fromkeys(tasks(model), 1.0))]


def sample_within(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """Each loss sees half of the samples of a batch, drawn for each loss anew."""
    return [TaskSampler(within=dict.fromkeys(model.objective.judged(), 0.5))]


def stop_each(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """A loss that no longer falls on validation data stops, and the others go on."""
    return [
        EarlyStopping(f"val_{model.objective.terms[name].label}", patience=PATIENCE, only=name)
        for name in tasks(model)
    ]


def noise_weights(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """A first training shows what is left of each loss: its noise. Each is divided by that."""
    first = deepcopy(model)
    fit(first, [])
    left = first.evaluate(*validation, return_dict=True)
    model.loss_weights = {
        name: 1 / left[model.objective.terms[name].label] for name in tasks(model)
    }
    return []


def decay_heads(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """L2 on what a single loss trains: the larger the decay, the more its head must rely on
    what all share."""
    return decayed(model, lambda reach: len(reach) == 1)


def decay_all(model: Any, validation: Any, fit: Any) -> list[Callback]:
    """L2 on every kernel."""
    return decayed(model, lambda reach: True)


def decayed(model: Any, chosen: Callable[[tuple[int, ...]], bool]) -> list[Callback]:
    """The kernels that are chosen by which losses reach them."""
    plan = model.training_plan()
    for w in model.trainable_weights:
        if w.value.ndim > 1 and chosen(plan.reaches(w)):
            w.regularizer = L1L2(l2=DECAY)
    given = dict(model.objective.made_with)
    model.compile(model.optimizer, **(given | {"loss_weights": None}))
    return []


WAYS: dict[str, Way] = {
    one.__name__: one
    for one in (sample_across, sample_within, stop_each, noise_weights, decay_heads, decay_all)
}
