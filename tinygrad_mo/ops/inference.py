"""What a rule comes to where nobody will sweep back: the value alone, with nothing kept for it.

`Model.predict` runs these in place of the rules, on NumPy's arrays. The numbers are the same: each
is computed by the same operations in the same order, only into the same few arrays again and again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array, single_threaded
from .contract import flat
from .lstm import lstm
from .products import product
from .sequences import BACKWARDS, FORWARDS, by_sample, by_step

__all__: list[str] = []


def plain_floats(*arrays: Array | None) -> bool:
    """Are they arrays of NumPy, and of one type of floats?"""
    given = [x for x in arrays if x is not None]
    kind = getattr(given[0], "dtype", None)
    return all(type(x) is np.ndarray and x.dtype == kind and kind.kind == "f" for x in given)


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
    """The value of `lstm`.

    A sigmoid is half a tanh of half its argument, and a half: with these factors one tanh serves
    all gates. Halves are exact, so that the bits are those of the rule.
    """
    if mask is not None or (training and recurrent_dropout):
        return NotImplemented
    if not plain_floats(x, kernel, recurrent_kernel, bias, h0, c0):
        return NotImplemented
    (batch, time, _), units = x.shape, len(recurrent_kernel)
    order = BACKWARDS if go_backwards else FORWARDS
    half, shift = np.repeat(np.array([[0.5, 0.5, 1, 0.5], [0.5, 0.5, 0, 0.5]], x.dtype), units, 1)
    z_x = (product(flat(x), kernel) + bias) * half
    z_x, recurrent = by_step(z_x.reshape(batch, time, 4 * units), order), recurrent_kernel * half
    h = np.zeros((batch, units), x.dtype) if h0 is None else h0
    c = np.zeros((batch, units), x.dtype) if c0 is None else c0.copy()
    h_all = np.empty((time, batch, units), x.dtype)
    z, other = np.empty((batch, 4 * units), x.dtype), np.empty_like(c)
    i, f, j, o = (z[:, n * units : (n + 1) * units] for n in range(4))
    for z_t, h_t in zip(z_x, h_all, strict=True):
        np.matmul(h, recurrent, out=z)
        np.add(z_t, z, out=z)
        np.tanh(z, out=z)
        np.multiply(z, half, out=z)
        np.add(z, shift, out=z)
        np.multiply(f, c, out=c)
        np.multiply(i, j, out=other)
        np.add(c, other, out=c)
        np.tanh(c, out=other)
        h = np.multiply(o, other, out=h_t)
    return (by_sample(h_all).copy(), h.copy(), c), (None,) * 7


lstm.alone = lstm_alone
