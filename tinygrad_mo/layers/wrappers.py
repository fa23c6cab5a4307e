"""Layers around a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .. import ops
from ..engine.graph import Tensor
from ..naming import lookup
from .base import Layer
from .normalization import BatchNormalization
from .recurrent import Recurrent

MERGE_MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda forward, backward: ops.concatenate(forward, backward, axis=-1),
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": lambda forward, backward: (forward + backward) * 0.5,
}


class Bidirectional(Layer):
    """A recurrent layer that reads a sequence from its start, and a twin that reads from its end.

    Parameters
    ----------
    layer : LSTM, GRU, SimpleRNN or another Recurrent layer
        What both are made like: the forward and the backward one have its options, and weights of
        their own.
    merge_mode : "concat", "sum", "ave", "mul" or None
        How the two outputs become one; None returns both.

    Notes
    -----
    With ``return_sequences`` both outputs are about the same step, and zero where the input's mask
    marks padding. With ``return_state`` the states follow the output: those of the forward layer,
    then those of the backward one; `initial_state` takes them in this order.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.Bidirectional(tg.layers.LSTM(32))
    >>> layer(tg.Input((100, 64))), layer.count_params()
    (<Tensor 'bidirectional' (None, 64), float32>, 24832)
    """

    input_ndim = 3
    uses_mask = True

    def __init__(self, layer: Recurrent, merge_mode: str | None = "concat", **options: Any):
        super().__init__(**options)
        if not isinstance(layer, Recurrent):
            raise TypeError(f"{self} wraps a recurrent layer such as LSTM(32), not {layer}")
        if layer.built:
            raise ValueError(f"{self}: {layer} has weights already; give it a new layer")
        if layer.stateful is not None:
            raise ValueError(
                f"{self}: {layer} is stateful, but a sequence that is read from its end cannot go "
                f"on in the next batch"
            )
        if merge_mode is not None:
            lookup("merge_mode", merge_mode, MERGE_MODES, self)
        self.merge_mode = merge_mode
        self.forward = layer.twin(f"forward_{layer.name}")
        self.backward = layer.twin(f"backward_{layer.name}", other_way=True)

    def call(self, x: Tensor, initial_state: Any = None) -> Any:
        first = second = None
        if initial_state is not None:
            n = self.forward.states
            if len(initial_state) != 2 * n:
                raise ValueError(f"{self} starts from {2 * n} states, not {len(initial_state)}")
            first, second = initial_state[:n], initial_state[n:]
        mask = self.mask_of_steps(x)
        outputs, states = [], []
        for layer, state in ((self.forward, first), (self.backward, second)):
            y = layer(x, initial_state=state)
            if layer.return_state:
                y, *last = y
                states += last
            outputs.append(in_order_of_time(y, layer, mask) if layer.return_sequences else y)
        if self.merge_mode is not None:
            outputs = [MERGE_MODES[self.merge_mode](*outputs)]
        if self.forward.return_sequences:
            for y in outputs:
                y.mask = mask
        return outputs[0] if len(outputs + states) == 1 else (*outputs, *states)


def in_order_of_time(y: Tensor, layer: Recurrent, mask: Tensor | None) -> Tensor:
    """The outputs of one direction, turned round if it read backwards, and zero at padding."""
    y = y[:, ::-1] if layer.go_backwards else y
    return y if mask is None else ops.where(mask[..., None], y, 0.0)


class TimeDistributed(Layer):
    """A layer, applied to every step of a sequence by itself, with the same weights.

    Parameters
    ----------
    layer : Layer
        It sees (batch, ...) where the input is (batch, time, ...).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> frames = tg.Input((10, 32, 32, 3), name="frames")
    >>> tg.layers.TimeDistributed(tg.layers.Conv2D(8, 3))(frames)
    <Tensor 'time_distributed' (None, 10, 30, 30, 8), float32>
    """

    uses_mask = True

    def __init__(self, layer: Layer, **options: Any):
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise TypeError(f"{self} wraps a layer such as Dense(32), not {layer}")
        self.layer = layer

    def warn_of_statistics(self, x: Tensor) -> None:
        """Say so if steps are put together, which the mask of x keeps apart."""
        for layer in and_within(self.layer):
            if isinstance(layer, BatchNormalization):
                warnings.warn(
                    f"{self} hands all steps of {x} to {layer}, which cannot leave out the padded "
                    f"ones then: they count like real ones. Call it on the sequence itself",
                    stacklevel=5,
                )

    def call(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or x.ndim < 3:
            given = f"{x}" if isinstance(x, Tensor) else f"{len(x)} tensors"
            raise ValueError(f"{self} takes sequences (batch, time, ...), got {given}")
        of_steps = x.mask is not None and x.mask.ndim <= 2
        if of_steps:
            self.warn_of_statistics(x)
        each = ops.steps_into_batch(x)
        if x.mask is not None and not of_steps:  # it says what is padding within each step
            each.mask = ops.steps_into_batch(x.mask)
        each = self.layer(each)
        if not isinstance(each, Tensor):
            raise ValueError(f"{self} hands on one tensor, but {self.layer} gives {len(each)}")
        y = ops.steps_out_of_batch(each, x)
        if of_steps:
            y.mask = x.mask
        elif each.mask is not None:
            y.mask = ops.steps_out_of_batch(each.mask, x)
        return y


def and_within(layer: Layer) -> Iterator[Layer]:
    """The layer, and all that it consists of."""
    yield layer
    for inner in layer.sublayers:
        yield from and_within(inner)
