"""The same steps once more, on other tensors."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ..engine.calls import Call, current_call, inside
from ..engine.graph import Step, Tensor, apply
from ..engine.inputs import placeholder
from ..engine.plan import topological_order


def rewire(
    steps: Iterable[Step], replaced: Mapping[Any, Tensor], left: Container[Call] = ()
) -> dict[Any, Tensor]:
    """Apply steps again; each old call of a layer becomes one new call.

    Parameters
    ----------
    steps : iterable of Step
        In topological order.
    replaced : dict of Tensor
        By the key of a tensor, what takes its place.
    left : set of Call
        Calls that the steps no longer belong to.

    Returns
    -------
    dict of Tensor
        The same, and what the steps have made.
    """
    here = current_call()
    new, calls = dict(replaced), dict[Call, Call]()
    for step in steps:
        with inside(again(step.call, here, left, calls)):
            inputs = tuple(None if x is None else new.get(x.key, x) for x in step.inputs)
            made = apply(step.op, inputs, step.attributes)
        for index, tensor in enumerate(made if step.several else (made,)):
            new[step, index] = tensor
    return new


def again(
    call: Call | None, here: Call | None, left: Container[Call], calls: dict[Call, Call]
) -> Call | None:
    """The new call in the place of an old one; `calls` are those that there are already."""
    if call is None or call in left:
        return here
    if call not in calls:
        calls[call] = Call(call.owner, again(call.parent, here, left, calls))
    return calls[call]


def replacement(tensor: Tensor, new: Mapping[Any, Tensor]) -> Tensor:
    """What takes the place of a tensor, with its mask."""
    result = new.get(tensor.key, tensor)
    if tensor.mask is not None:
        result.mask = new.get(tensor.mask.key, tensor.mask)
    return result


def with_fresh_inputs(
    inputs: list[Tensor], outputs: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """A graph of its own, if a model starts from inner tensors of another, or is made in a call.

    The first is cut there and starts from placeholders; the second is no part of the calls in which
    it was wired.
    """
    around: list[Call] = []
    while call := around[-1].parent if around else current_call():
        around.append(call)
    if not around and all(t.step is None for t in inputs):
        return inputs, outputs
    fresh = [placeholder(t.shape, t.dtype, t.name) if t.step else t for t in inputs]
    replaced = {t.key: f for t, f in zip(inputs, fresh, strict=True)}
    masks = [t.mask for t in outputs if t.mask is not None]
    above = set(topological_order(inputs))

    def below(ends: Sequence[Tensor]) -> list[Step]:
        return [step for step in topological_order(ends) if step not in above]

    losses = losses_on_the_way(below([*outputs, *masks]), outputs, cut=replaced)
    with inside(None):
        needed = below([*outputs, *masks, *(loss.value for loss in losses)])
        new = rewire(needed, replaced, left=around)
    ends = [replacement(t, new) for t in outputs]
    ends[0].losses = tuple(loss._replace(value=new[loss.value.key]) for loss in losses)
    return fresh, ends


def losses_on_the_way(
    steps: Iterable[Step], ends: Sequence[Tensor], cut: Container[Any] = ()
) -> list[Any]:
    """What models and layers have added to the losses where they were called, each once.

    `cut` are the keys of tensors behind which nobody looks.
    """
    met = [x for step in steps for x in step.inputs if x is not None]
    kept = [x for x in [*met, *ends] if x.key not in cut]
    return list({loss.value.key: loss for x in kept for loss in x.losses}.values())
