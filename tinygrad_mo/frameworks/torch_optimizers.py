"""What is known of optimizers of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RMSprop", "Adagrad", "Adadelta")


def frozen_in(parameters: Mapping[str, Any], optimizers: Sequence[Any]) -> list[str]:
    """The parameters that training does not change."""
    trained = {id(w) for one in optimizers for group in one.param_groups for w in group["params"]}
    return [
        name
        for name, w in parameters.items()
        if not w.requires_grad or (optimizers and id(w) not in trained)
    ]


def optimizer_of(optimizers: Sequence[Any]) -> dict[str, Any]:
    """What is known of the optimizer: nothing where there are several, or several settings.

    Of a decay that is added to the gradient, as that of Adam, nothing is said but of SGD's.
    """
    groups = [group for one in optimizers for group in one.param_groups]
    plain = [{k: v for k, v in group.items() if k != "params"} for group in groups]
    name = type(optimizers[0]).__name__ if optimizers else ""
    if name not in OPTIMIZERS or len(optimizers) > 1 or any(one != plain[0] for one in plain):
        return {}
    given = plain[0]
    mixed_in = not (name in ("SGD", "AdamW") or given.get("decoupled_weight_decay"))
    if given.get("maximize") or (given.get("weight_decay") and mixed_in):
        return {}
    same = ("momentum", "weight_decay", "centered")  # as in our words
    settings = {key: given[key] for key in same if given.get(key)}
    if "eps" in given:
        settings["epsilon"] = given["eps"]
    if "betas" in given:
        settings["beta_1"] = given["betas"][0]
    return {"optimizer": {"NAdam": "Nadam"}.get(name, name), "settings": settings}
