"""What a rule comes to where nobody will sweep back: the value alone, with nothing kept for it.

`Model.predict` runs these in place of the rules, on NumPy's arrays. The numbers are the same: each
is computed by the same operations in the same order, only into the same few arrays again and again
(the last argument says which; so few numbers take no longer than a keyword or a look into NumPy).
A sigmoid is half a tanh of half its argument, and a half: halves are exact, so that the weights of
gates may be halved beforehand, and one tanh serves several gates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy import add, multiply, subtract, tanh

from ..device import Array, single_threaded
from .contract import flat
from .gru import gru
from .lstm import lstm
from .products import product
from .sequences import BACKWARDS, FORWARDS, by_sample, by_step

__all__: list[str] = []


def plain_floats(*arrays: Array | None) -> bool:
    """Are they arrays of NumPy, and of one type of floats?"""
    given = [x for x in arrays if x is not None]
    kind = getattr(given[0], "dtype", None)
    return all(type(x) is np.ndarray and x.dtype == kind and kind.kind == "f" for x in given)


@lru_cache(maxsize=64)
def lstm_halves(units: int, dtype: Any) -> Array:
    """By gate the factor of its tanh, and what is added then: (2, 1, 4 * units)."""
    pair = np.array([[0.5, 0.5, 1, 0.5], [0.5, 0.5, 0, 0.5]], dtype)
    return np.repeat(pair[:, None], units, -1)


@single_threaded
def lstm_alone(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h0,
    c0,
    mask,
    *,
    go_backwards=False,
    recurrent_dropout=0.0,
    generator=None,
    training=False,
) -> Any:
    """The value of `lstm`; the candidate, which has no sigmoid, has the factor 1."""
    if mask is not None or (training and recurrent_dropout):
        return NotImplemented
    if not plain_floats(x, kernel, recurrent_kernel, bias, h0, c0):
        return NotImplemented
    (batch, time, _), units = x.shape, len(recurrent_kernel)
    order = BACKWARDS if go_backwards else FORWARDS
    halves = lstm_halves(units, x.dtype)
    factor, shift = halves if batch == 1 else halves.repeat(batch, 1)  # as the gates, to be fast
    z_x = ((product(flat(x), kernel) + bias) * halves[0, 0]).reshape(batch, time, 4 * units)
    z_x, recurrent = by_step(z_x, order), recurrent_kernel * halves[0, 0]
    h, c = first_state(h0, batch, units, x), first_state(c0, batch, units, x)
    h_all = np.empty((time, batch, units), x.dtype)
    z, other = np.empty((batch, 4 * units), x.dtype), np.empty_like(c)
    i, f, j, o = (z[:, n * units : (n + 1) * units] for n in range(4))
    for z_t, h_t in zip(z_x, h_all, strict=True):
        h.dot(recurrent, z)
        add(z_t, z, z)
        tanh(z, z)
        multiply(z, factor, z)
        add(z, shift, z)
        multiply(f, c, c)
        multiply(i, j, other)
        add(c, other, c)
        tanh(c, other)
        h = multiply(o, other, h_t)
    return (by_sample(h_all).copy(), h.copy(), c), (None,) * 7


lstm.alone = lstm_alone


def first_state(h0, batch: int, units: int, like):
    """A copy of the first state, which all samples may share, or zeros."""
    h = np.empty((batch, units), like.dtype)
    h[...] = 0 if h0 is None else h0
    return h


@single_threaded
def gru_alone(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h0,
    mask,
    *,
    go_backwards=False,
    reset_after=True,
    recurrent_dropout=0.0,
    generator=None,
    training=False,
) -> Any:
    """The value of `gru`, if it resets after the product."""
    if mask is not None or not reset_after or (training and recurrent_dropout):
        return NotImplemented
    if not plain_floats(x, kernel, recurrent_kernel, bias, h0):
        return NotImplemented
    (batch, time, _), units = x.shape, len(recurrent_kernel)
    order, both = BACKWARDS if go_backwards else FORWARDS, 2 * units
    factor = np.repeat(np.array([0.5, 0.5, 1], x.dtype), units)
    bias_x, bias_h = bias
    z_x = (product(flat(x), kernel) + bias_x) * factor
    z_x, recurrent = by_step(z_x.reshape(batch, time, 3 * units), order), recurrent_kernel * factor
    bias_h, half = np.tile(bias_h * factor, (batch, 1)), np.full((batch, both), 0.5, x.dtype)
    h = first_state(h0, batch, units, x)
    h_all, z = np.empty((time, batch, units), x.dtype), np.empty((batch, 3 * units), x.dtype)
    gates, j = z[:, :both], z[:, both:]
    u, r = z[:, :units], z[:, units:both]
    for z_t, h_t in zip(z_x, h_all, strict=True):
        h.dot(recurrent, z)
        add(z, bias_h, z)
        add(z_t[:, :both], gates, gates)
        tanh(gates, gates)
        multiply(gates, half, gates)
        add(gates, half, gates)
        multiply(r, j, j)
        add(z_t[:, both:], j, j)
        tanh(j, j)
        subtract(h, j, h_t)
        multiply(u, h_t, h_t)
        h = add(j, h_t, h_t)
    return (by_sample(h_all).copy(), h.copy()), (None,) * 6


gru.alone = gru_alone
