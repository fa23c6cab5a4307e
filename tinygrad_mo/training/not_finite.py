"""Where the first NaN or infinity of a training step came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..device import Array, first_place, to_numpy
from ..engine.graph import Parameter, Tensor
from ..engine.plan import Plan
from ..optimizers.finite import is_finite


def first_not_finite(
    plan: Plan,
    feed: Mapping[Tensor, Array],
    weights: Sequence[float],
    names: Mapping[Parameter, str],
) -> str:
    """Run a training step again and say where the first NaN or infinity appears, or "".

    A step is to blame if all that went in is finite and what comes out is not. Random numbers are
    drawn anew, so that a fault which depends on them may not show again. `names` are those of
    the parameters.
    """
    with np.errstate(all="ignore"):
        values: dict[int, Any] = {}
        for slot, tensor in plan.leaves:
            values[slot] = feed[tensor] if tensor.value is None else tensor.value
        for n, step in enumerate(plan.steps):
            arrays = [None if slot is None else values[slot] for slot in plan.inputs[n]]
            y = step.run(arrays, training=step not in plan.frozen)[0]
            values.update(zip(plan.outputs[n], y if step.several else (y,), strict=True))
        for loss, weight in zip(plan.losses, weights, strict=True):
            slot = plan.slots[loss.key]
            if weight and not is_finite(values[slot]):
                return made_forward(plan, values, slot, loss, names)
        return made_backward(plan, feed, weights)


def made_forward(
    plan: Plan,
    values: Mapping[int, Any],
    slot: int,
    loss: Tensor,
    names: Mapping[Parameter, str],
) -> str:
    """Go back from a loss that is not finite along what is not finite."""
    made_by = {slot: n for n, outputs in enumerate(plan.outputs) for slot in outputs}
    while slot in made_by:
        n = made_by[slot]
        bad = [s for s in plan.inputs[n] if s is not None and not is_finite(values[s])]
        if not bad:
            seen = ", ".join(
                f"{x} from {span(values[s])}"
                for x, s in zip(plan.steps[n].inputs, plan.inputs[n], strict=True)
                if x is not None and s is not None
            )
            what, where = kind(values[slot]), plan.steps[n].describe()
            return f"loss {loss.name!r}: {what} appears first, forward, {where}\n({seen})"
        slot = bad[0]
    leaf = next(tensor for s, tensor in plan.leaves if s == slot)
    who = f"what is fed to {leaf}"
    if isinstance(leaf, Parameter):
        who = f"the weight {names.get(leaf, leaf.name)!r} {leaf.shape}"
    return f"loss {loss.name!r}: {who} holds {kind(values[slot])} already"


def made_backward(plan: Plan, feed: Mapping[Tensor, Array], weights: Sequence[float]) -> str:
    found: list[str] = []

    def watch(n: int, position: int, gradient: Array, losses: tuple[int, ...]) -> None:
        if not found and not is_finite(gradient):
            row = next(k for k in range(len(losses)) if not is_finite(gradient[k]))
            x, loss = plan.steps[n].inputs[position], plan.losses[losses[row]]
            found.append(
                f"loss {loss.name!r}: {kind(gradient[row])} appears first in the backward sweep, "
                f"in the gradient of {x}, {plan.steps[n].describe()}"
            )

    plan.backward(plan.forward(feed, training=True), weights, per_loss=True, record=watch)
    return found[0] if found else ""


def kind(x: Any) -> str:
    """What is wrong with x, and in which row."""
    x = to_numpy(x)
    word, bad = ("NaN", np.isnan(x)) if np.isnan(x).any() else ("infinity", np.isinf(x))
    return word if x.ndim == 0 else f"{word} (row {first_place(bad)[0]})"


def span(x: Any) -> str:
    x = to_numpy(x)
    return f"{x.min():.4g} to {x.max():.4g}" if x.size else "no numbers"
