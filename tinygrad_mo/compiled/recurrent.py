"""Recurrent layers over a whole sequence, by `kernels/cpu/lstm.c` and `gru.c`."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ..device import Array
from ..ops.contract import flat, once_for_each
from ..ops.products import product
from ..ops.sequences import without_padding
from .registry import call_c_in_parts, contiguous, cotangent, twin_of, usable

WORTH_A_CALL = 1 << 12  # numbers of the input: NumPy takes a while for each step of a sequence
PER_UNIT = 300  # in each step, besides products: the time, in multiplications


@twin_of("lstm")
def lstm(
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
):
    if training and recurrent_dropout:
        return NotImplemented
    if not usable(x, kernel, recurrent_kernel, bias, h0, c0, at_least=WORTH_A_CALL):
        return NotImplemented
    (batch, time, _), units = x.shape, len(recurrent_kernel)
    if not fit(x, kernel, recurrent_kernel, (h0, c0), mask, gates=4) or bias.ndim != 1:
        return NotImplemented
    kernel, recurrent, mask = contiguous(kernel), contiguous(recurrent_kernel), as_bytes(mask)
    shape = np.array([batch, time, units, go_backwards], np.intp)
    x = contiguous(without_padding(x, mask))
    cost = batch * time * units * (4 * units + PER_UNIT) + x.size * 4 * units
    gates = np.empty((batch, time, 4 * units), x.dtype)
    h, c = (first_state(state, batch, units) for state in (h0, c0))
    h_all, h_before, c_before, tanh_c = (np.empty((batch, time, units), x.dtype) for _ in range(4))

    def into_gates(part):
        multiply_add(x[part], kernel, bias, gates[part])

    arrays = recurrent, mask, gates, h, c, h_all, h_before, c_before, tanh_c
    call_c_in_parts("lstm_forward", cost, shape, *arrays, whole=(1,), before=into_gates)

    def backwards(gs):
        g_all, g_h, g_c = map(cotangent, gs, (h_all, h, c))
        dh, dc = g_h.copy(), g_c.copy()
        dz = np.empty((len(dh), *gates.shape), x.dtype)
        of_weights = []
        for row in zip(g_all, dh, dc, dz, strict=True):
            arrays = recurrent, mask, gates, c_before, tanh_c, *row

            def products(part, dz=row[-1]):
                d = flat(dz[part])
                return flat(x[part]).T @ d, flat(h_before[part]).T @ d, sums(d)

            parts = call_c_in_parts(
                "lstm_backward", cost, shape, *arrays, whole=(1,), after=products
            )
            of_weights.append(added_up(parts))
        return flat(dz, dz.shape[:1]), dh, dc, *map(np.stack, zip(*of_weights, strict=True))

    found = once_for_each(backwards)
    return (h_all, h, c), (
        lambda gs: product(found(gs)[0], kernel.T).reshape(-1, *x.shape),
        lambda gs: found(gs)[3],
        lambda gs: found(gs)[4],
        lambda gs: found(gs)[5],
        lambda gs: found(gs)[1],
        lambda gs: found(gs)[2],
        None,
    )


@twin_of("gru")
def gru(
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
):
    if not reset_after or (training and recurrent_dropout):
        return NotImplemented
    if not usable(x, kernel, recurrent_kernel, bias, h0, at_least=WORTH_A_CALL):
        return NotImplemented
    (batch, time, _), units = x.shape, len(recurrent_kernel)
    if not fit(x, kernel, recurrent_kernel, (h0,), mask, gates=3) or bias.shape[:-1] != (2,):
        return NotImplemented
    kernel, recurrent, mask = contiguous(kernel), contiguous(recurrent_kernel), as_bytes(mask)
    shape = np.array([batch, time, units, go_backwards], np.intp)
    x = contiguous(without_padding(x, mask))
    cost = batch * time * units * (3 * units + PER_UNIT) + x.size * 3 * units
    gates = np.empty((batch, time, 3 * units), x.dtype)
    h = first_state(h0, batch, units)
    h_all, h_before, inner = (np.empty((batch, time, units), x.dtype) for _ in range(3))

    def into_gates(part):
        multiply_add(x[part], kernel, bias[0], gates[part])

    arrays = recurrent, contiguous(bias[1]), mask, gates, h, h_all, h_before, inner
    call_c_in_parts("gru_forward", cost, shape, *arrays, whole=(1, 2), before=into_gates)

    def backwards(gs):
        g_all, g_h = map(cotangent, gs, (h_all, h))
        dh = g_h.copy()
        dz, dz_h = (np.empty((len(dh), *gates.shape), x.dtype) for _ in range(2))
        of_weights = []
        for row in zip(g_all, dh, dz, dz_h, strict=True):
            arrays = recurrent, mask, gates, h_before, inner, *row

            def products(part, of_z=row[-2:]):
                d, d_h = (flat(one[part]) for one in of_z)
                of_bias = np.stack([sums(d), sums(d_h)])
                return flat(x[part]).T @ d, flat(h_before[part]).T @ d_h, of_bias

            parts = call_c_in_parts(
                "gru_backward", cost, shape, *arrays, whole=(1,), after=products
            )
            of_weights.append(added_up(parts))
        return flat(dz, dz.shape[:1]), dh, *map(np.stack, zip(*of_weights, strict=True))

    found = once_for_each(backwards)
    return (h_all, h), (
        lambda gs: product(found(gs)[0], kernel.T).reshape(-1, *x.shape),
        lambda gs: found(gs)[2],
        lambda gs: found(gs)[3],
        lambda gs: found(gs)[4],
        lambda gs: found(gs)[1],
        None,
    )


def fit(x: Array, kernel: Array, recurrent: Array, states: Any, mask: Any, gates: int) -> bool:
    """Are all shapes in order? Otherwise the NumPy rule says what is wrong."""
    batch, time, features = x.shape
    units = len(recurrent)
    return (
        kernel.shape == (features, gates * units)
        and recurrent.shape == (units, gates * units)
        and all(state is None or state.shape == (batch, units) for state in states)
        and (mask is None or mask.shape == (batch, time))
    )


def multiply_add(x: Array, kernel: Array, bias: Array, to: Array) -> None:
    """x @ kernel + bias."""
    np.matmul(flat(x), kernel, out=flat(to))
    to += bias


def added_up(parts: list[tuple[Array, ...]]) -> list[Array]:
    """The gradients of the weights from all parts of a batch, in order: the same bits each time."""
    return [reduce(np.add, of_all) for of_all in zip(*parts, strict=True)]


def first_state(state: Array | None, batch: int, units: int) -> Array:
    return np.zeros((batch, units), "float32") if state is None else np.array(state, order="C")


def as_bytes(mask: Array | None) -> Array | None:
    return None if mask is None else np.ascontiguousarray(mask, bool)


def sums(x: Array) -> Array:
    """Over all axes but the first and last."""
    return np.ones(x.shape[-2], x.dtype) @ x
