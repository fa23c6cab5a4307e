"""The flows of a training loop in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import arguments
from ..flow.flow import Flow
from .of_torch import of_torch
from .torch_graph import common_shape


class TorchRecorder:
    """Record the gradient flow while a PyTorch module is trained.

    Parameters
    ----------
    model, losses, weights, optimizers, to_inputs
        As of `of_torch`. `weights` may be changed from step to step.
    every : int
        Steps from one record to the next. Default: 10.

    Attributes
    ----------
    flows : list of Flow
        For the page: ``flow.save("flow.html", recorder.flows)``.
    step : int
        How many training steps came before.

    Examples
    --------
    >>> recorder = TorchRecorder(model, losses)  # doctest: +SKIP
    >>> for batch in loader:  # doctest: +SKIP
    ...     recorder.record(batch)  # before the step; draws the random numbers that it will draw
    ...     train_on(batch)
    >>> recorder.flows[-1].save("flow.html", recorder.flows)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        losses: Callable[[Any, Any], Mapping[str, Any]],
        every: int = 10,
        weights: Mapping[str, float] | None = None,
        optimizers: Any = (),
        to_inputs: bool = False,
    ):
        self.model, self.losses, self.weights = model, losses, weights
        self.optimizers, self.to_inputs = optimizers, to_inputs
        self.every = arguments.whole("TorchRecorder: every", every, at_least=1)
        self.flows: list[Flow] = []
        self.step = 0

    def record(self, batch: Any) -> None:
        """Say that a training step on this batch comes next; it is recorded, if it is time."""
        if self.step % self.every == 0:
            flow = of_torch(
                self.model,
                self.losses,
                batch,
                weights=self.weights,
                optimizers=self.optimizers,
                step=self.step,
                to_inputs=self.to_inputs,
            )
            self.flows.append(flow)
            share_shapes(self.flows)
        self.step += 1


def share_shapes(flows: Sequence[Flow]) -> None:
    """Where batches have other lengths, a card has any length."""
    names = [[node.name for node in flow.nodes] for flow in flows]
    if any(one != names[0] for one in names):
        return  # another graph: whoever draws them says so
    for same in zip(*(flow.nodes for flow in flows), strict=True):
        if len({node.shape for node in same}) > 1:
            place = flows[0].nodes.index(same[0])
            for flow, node in zip(flows, same, strict=True):
                flow.nodes[place] = replace(node, shape=common_shape(*(n.shape for n in same)))
