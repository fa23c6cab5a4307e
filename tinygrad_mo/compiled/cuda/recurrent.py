"""Recurrent layers over a whole sequence, by `kernels/cuda/lstm.cu` and `gru.cu`.

A launch each way goes through all steps, for all samples and rows; the products over all steps are
cuBLAS's.
"""

from __future__ import annotations

from ...device import Array
from ...ops.contract import flat, once_for_each
from ...ops.sequences import without_padding
from ..recurrent import fit
from ..registry import twin_of
from .launching import contiguous, cotangent, launch, room, usable
from .products import product

MOST_UNITS = 256  # with four gates a block of 1024 threads, the largest there is
ALL_KEPT = 96  # up to so many units a thread keeps all its weights (KEPT of common.cuh)


@twin_of("lstm", "cuda")
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
    units = len(recurrent_kernel)
    if not usable(x, kernel, recurrent_kernel, bias, h0, c0) or units > MOST_UNITS:
        return NotImplemented
    if not fit(x, kernel, recurrent_kernel, (h0, c0), mask, gates=4) or bias.shape != (4 * units,):
        return NotImplemented
    batch, time, _ = x.shape
    recurrent, bias, h0, c0 = map(contiguous, (recurrent_kernel, bias, h0, c0))
    order, mask = (time, int(go_backwards)), contiguous(mask, bool)
    x = without_padding(x, mask)
    state, steps = (batch, units), (batch, time, units)
    gates, h_all, h_before, c_before, tanh_c, h, c = room(
        x, (batch, time, 4 * units), steps, steps, steps, steps, state, state
    )
    weights = contiguous(product(flat(x), kernel)), bias, recurrent
    kept = gates, h_all, h_before, c_before, tanh_c, h, c
    block = (4 * units,)
    launch("lstm_forward", (batch,), block, *weights, h0, c0, mask, *kept, *order, UNITS=units)

    @once_for_each
    def found(gs):  # dz, and those of the first state
        gs = list(map(cotangent, gs, (h_all, h, c)))
        rows = len(gs[0])
        new = room(x, (rows, *gates.shape), (rows, *state), (rows, *state))
        weights, *places = read_backwards(recurrent)
        read = weights, mask, gates, c_before, tanh_c
        launch(
            "lstm_backward", (batch, rows), block, *read, *gs, *new, *places, *order, UNITS=units
        )
        return flat(new[0], (rows,)), *new[1:]

    return (h_all, h, c), (
        lambda gs: product(flat(found(gs)[0]), kernel.T).reshape(-1, *x.shape),
        lambda gs: product(flat(x).T, found(gs)[0]),
        lambda gs: product(flat(h_before).T, found(gs)[0]),
        lambda gs: found(gs)[0].sum(axis=-2),
        lambda gs: found(gs)[1],
        lambda gs: found(gs)[2],
        None,
    )


@twin_of("gru", "cuda")
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
    units = len(recurrent_kernel)
    if not usable(x, kernel, recurrent_kernel, bias, h0) or units > MOST_UNITS:
        return NotImplemented
    if not fit(x, kernel, recurrent_kernel, (h0,), mask, gates=3) or bias.shape != (2, 3 * units):
        return NotImplemented
    batch, time, _ = x.shape
    recurrent, bias, h0 = map(contiguous, (recurrent_kernel, bias, h0))
    order, mask = (time, int(go_backwards)), contiguous(mask, bool)
    x = without_padding(x, mask)
    state, steps = (batch, units), (batch, time, units)
    gates, h_all, h_before, inner, h = room(x, (batch, time, 3 * units), steps, steps, steps, state)
    weights = contiguous(product(flat(x), kernel)), bias[0], recurrent, bias[1]
    kept = gates, h_all, h_before, inner, h
    block = (3 * units,)
    launch("gru_forward", (batch,), block, *weights, h0, mask, *kept, *order, UNITS=units)

    @once_for_each
    def found(gs):  # dz and dz_h, and that of the first state
        gs = list(map(cotangent, gs, (h_all, h)))
        rows = len(gs[0])
        both, dh = room(x, (2, rows, *gates.shape), (rows, *state))
        weights, *places = read_backwards(recurrent)
        read, new = (weights, mask, gates, h_before, inner), (both[0], both[1], dh)
        launch("gru_backward", (batch, rows), block, *read, *gs, *new, *places, *order, UNITS=units)
        return flat(both, (2, rows)), dh

    return (h_all, h), (
        lambda gs: product(flat(found(gs)[0][0]), kernel.T).reshape(-1, *x.shape),
        lambda gs: product(flat(x).T, found(gs)[0][0]),
        lambda gs: product(flat(h_before).T, found(gs)[0][1]),
        lambda gs: found(gs)[0].sum(axis=-2).swapaxes(0, 1),
        lambda gs: found(gs)[1],
        None,
    )


def read_backwards(recurrent: Array) -> tuple[Array, int, int]:
    """The weights, and how far apart those of two units and of two columns lie.

    Where a thread reads them again in each step, its neighbour needs those of the next unit: these
    must lie side by side.
    """
    units, columns = recurrent.shape
    return (recurrent, columns, 1) if units <= ALL_KEPT else (contiguous(recurrent.T), 1, units)
