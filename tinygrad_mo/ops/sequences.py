"""What lstm, gru and simple_rnn share: how they walk a sequence, and in which words they say so.

Inside them time comes first, as in ``h[t]``, in the order of computing, and a step is (batch,
units). Where a mask says that a step is not real, the state is carried over. The rules are written
to be read; where there is a C compiler, lstm and gru run as C (`tinygrad_mo.compiled`). Without
one, writing each result into its place (``out=``) and one tanh for all gates would save a tenth of
an lstm's training step with 32 units, a fifth with 8 and nothing with 128; it would save nothing
of the other two.

    z_x       x W + b, a product for all steps at once
    real      the mask; None: all steps are real
    h         the first state, then that after each step
    seen(h)   what the recurrent kernel sees of it: with dropout, only some of its units
    dh        the gradient of the state at the end of a step, once what comes from later is added
    dz        that of z = x W + h U + b, from which all others follow
    *_steps   the same numbers, seen with time first
"""

from __future__ import annotations

from ..device import Array, array_module
from .contract import at_hand
from .random import drawn_scale

FORWARDS, BACKWARDS = slice(None), slice(None, None, -1)


def sigmoid(z: Array) -> Array:
    return 0.5 * array_module(z).tanh(0.5 * z) + 0.5


def without_padding(x: Array, mask: Array | None) -> Array:
    """x, but 0 in steps that are not real if something there is NaN or infinite.

    Such steps have the gradient 0, and 0 of NaN would be NaN in that of the weights.
    """
    if mask is None:
        return x
    xp, real = array_module(x), mask.astype(bool, copy=False)
    if at_hand(x) and at_hand(mask) and xp.isfinite(x[~real]).all():
        return x
    return xp.where(real[..., None], x, 0)


def seeing(batch: int, units: int, rate: float, generator, training: bool, like: Array):
    """The function `seen`: while training, one draw for all steps of a batch leaves units out.

    Gal & Ghahramani 2016, A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks. The state itself is carried on whole. It is linear, and its own pullback.
    """
    if not training or rate == 0:
        return lambda h: h
    scale = drawn_scale((batch, units), rate, generator, like)
    return lambda h: h * scale


def by_step(x: Array, order: slice = FORWARDS) -> Array:
    """(..., batch, time, width) seen as (time, ..., batch, width), in this order."""
    return array_module(x).moveaxis(x, -2, 0)[order]


def by_sample(h: Array, order: slice = FORWARDS) -> Array:
    """The way back: (time, ..., batch, width) seen as (..., batch, time, width)."""
    return array_module(h).moveaxis(h[order], 0, -2)


def by_gate(z: Array, gates: int) -> Array:
    """(batch, gates * units) seen as (gates, batch, units)."""
    return z.reshape(len(z), gates, z.shape[-1] // gates).swapaxes(0, 1)


def first_and_after(h0: Array | None, time: int, batch: int, units: int, like: Array) -> Array:
    """Room for a state and those after each step, (time + 1, batch, units); the first is there."""
    h = array_module(like).empty((time + 1, batch, units), like.dtype)
    h[0] = 0 if h0 is None else h0
    return h
