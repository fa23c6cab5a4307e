"""The simplest recurrent layer over a whole sequence, as one op."""

from ..device import array_module, drop_subnormal, single_threaded
from .contract import flat, in_floats, op
from .sequences import as_rows, by_sample, by_step, split_by_mask, time_first


@op
@in_floats(but="mask")
@single_threaded
def simple_rnn(x, kernel, recurrent_kernel, bias, h0, mask, *, go_backwards=False):
    """h <- tanh(x W + h U + b) over all steps of a sequence (Elman 1990).

    x is (batch, time, features); h0 (batch, units) starts the state (None: zeros). Where mask
    (batch, time) is False a step is skipped: the state is carried over (None: no step is). Values:
    all states (batch, time, units) in the order in which they were computed, and the last one.
    """
    mask = None if mask is None else mask.astype(bool)
    xp = array_module(x)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    steps = range(time)[::-1] if go_backwards else range(time)
    order = slice(None, None, -1 if go_backwards else 1)
    shape = (time, units, batch)

    z = kernel.T @ x.transpose(1, 2, 0) + bias[:, None]
    recurrent = recurrent_kernel.T.copy()
    h_before, h_all = xp.empty(shape, x.dtype), xp.empty(shape, x.dtype)
    go = time_first(mask)

    h = xp.zeros(shape[1:], x.dtype) if h0 is None else h0.T
    for t in steps:
        h_before[t] = h
        z[t] += recurrent @ h
        h_new = xp.tanh(z[t], out=z[t])
        h = h_new if go is None else xp.where(go[t], h_new, h)
        h_all[t] = h

    @single_threaded
    def pull_back(gs):
        g_all, g_h = gs
        rows = g_h.shape[:-2]
        slopes = 1 - z * z
        g_every = by_step(g_all, order)
        dh = g_h.swapaxes(-1, -2)
        dz = xp.empty((time, *rows, units, batch), g_all.dtype)
        for t in reversed(steps):
            dh = dh + g_every[t]
            dh_t, dh = split_by_mask(dh, go, t)
            xp.multiply(dh_t, slopes[t], out=dz[t])
            dh = dh + recurrent_kernel @ dz[t]
            if t % 8 == 0:
                drop_subnormal(dh)

        dz2 = as_rows(dz, rows)
        g_x = (dz2 @ kernel.T).reshape(*rows, *x.shape)
        g_kernel = flat(x).T @ dz2
        g_recurrent = as_rows(h_before).T @ dz2
        return g_x, g_kernel, g_recurrent, dz2.sum(axis=-2), dh.swapaxes(-1, -2), None

    return (by_sample(h_all, order), h.T.copy()), pull_back
