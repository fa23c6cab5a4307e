"""The gated recurrent unit over a whole sequence, as one op."""

from ..device import array_module, drop_subnormal, single_threaded
from .contract import flat, in_floats, op
from .sequences import (
    as_rows,
    by_sample,
    by_step,
    sigmoid_inplace,
    split_by_mask,
    time_first,
)


@op
@in_floats(but="mask")
@single_threaded
def gru(x, kernel, recurrent_kernel, bias, h0, mask, *, go_backwards=False, reset_after=True):
    """A gated recurrent unit over all steps of a sequence (Cho et al. 2014).

    x is (batch, time, features), the weights' columns are the gates in the order update, reset,
    candidate; h0 (batch, units) starts the state (None: zeros). Where mask (batch, time) is False a
    step is skipped: the state is carried over (None: no step is). Values: all states (batch, time,
    units) in the order in which they were computed, and the last one.

    With gates u, r = sigmoid(x W + h U + b) and candidate j, h <- u h + (1 - u) j, where

        j = tanh(x W + b + (r h) U)          if not reset_after; bias is (3 units,)
        j = tanh(x W + b + r (h U + c))      if reset_after; b and c are the two rows of bias,
                                             and c is added to the h U of the gates as well.
    """
    mask = None if mask is None else mask.astype(bool)
    xp = array_module(x)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    steps = range(time)[::-1] if go_backwards else range(time)
    order = slice(None, None, -1 if go_backwards else 1)
    both = 2 * units  # columns of the two gates; the candidate's come behind them
    shape = (time, units, batch)

    bias_x, bias_h = bias if reset_after else (bias, None)
    z = kernel.T @ x.transpose(1, 2, 0) + bias_x[:, None]
    recurrent = recurrent_kernel.T.copy()
    h_before, inner = xp.empty(shape, x.dtype), xp.empty(shape, x.dtype)
    h_all = xp.empty(shape, x.dtype)
    go = time_first(mask)

    h = xp.zeros(shape[1:], x.dtype) if h0 is None else h0.T
    for t in steps:
        gates, (u, r, j) = z[t, :both], z[t].reshape(3, units, batch)
        h_before[t] = h
        if reset_after:
            from_h = recurrent @ h
            from_h += bias_h[:, None]
            gates += from_h[:both]
            sigmoid_inplace(gates)
            inner[t] = from_h[both:]
            j += r * inner[t]
        else:
            gates += recurrent[:both] @ h
            sigmoid_inplace(gates)
            xp.multiply(r, h, out=inner[t])
            j += recurrent[both:] @ inner[t]
        xp.tanh(j, out=j)
        h_new = j + u * (h - j)
        h = h_new if go is None else xp.where(go[t], h_new, h)
        h_all[t] = h

    @single_threaded
    def pull_back(gs):
        """Backward through time; what does not depend on g is prepared for all steps at once."""
        g_all, g_h = gs
        rows = g_h.shape[:-2]
        u, r, j = z.reshape(time, 3, units, batch).swapaxes(0, 1)
        # d h / d z for the update gate and the candidate, and what d j / d z becomes for the reset
        slope_u, slope_j = (h_before - j) * (u * (1 - u)), (1 - u) * (1 - j * j)
        slope_r = (inner if reset_after else h_before) * (r * (1 - r))
        g_every = by_step(g_all, order)
        dh = g_h.swapaxes(-1, -2)
        dz = xp.empty((time, *rows, 3 * units, batch), g_all.dtype)
        dz_h = dz.copy() if reset_after else dz  # what reaches h U; differs in the candidate only
        for t in reversed(steps):
            dh = dh + g_every[t]
            dh_t, dh = split_by_mask(dh, go, t)
            dh = dh + dh_t * u[t]
            d_gates, dj = dz[t][..., :both, :], dz[t][..., both:, :]
            xp.multiply(dh_t, slope_u[t], out=d_gates[..., :units, :])
            xp.multiply(dh_t, slope_j[t], out=dj)
            if reset_after:
                xp.multiply(dj, slope_r[t], out=d_gates[..., units:, :])
                dz_h[t][..., :both, :] = d_gates
                xp.multiply(dj, r[t], out=dz_h[t][..., both:, :])
                dh = dh + recurrent_kernel @ dz_h[t]
            else:
                d_inner = recurrent_kernel[:, both:] @ dj
                xp.multiply(d_inner, slope_r[t], out=d_gates[..., units:, :])
                dh = dh + d_inner * r[t] + recurrent_kernel[:, :both] @ d_gates
            if t % 8 == 0:
                drop_subnormal(dh)

        dz2, dz2_h = as_rows(dz, rows), as_rows(dz_h, rows)
        g_x = (dz2 @ kernel.T).reshape(*rows, *x.shape)
        g_kernel = flat(x).T @ dz2
        g_bias = dz2.sum(axis=-2)
        if reset_after:
            g_recurrent = as_rows(h_before).T @ dz2_h
            g_bias = xp.stack([g_bias, dz2_h.sum(axis=-2)], axis=-2)
        else:
            g_gates = as_rows(h_before).T @ dz2[..., :both]
            g_candidate = as_rows(inner).T @ dz2[..., both:]
            g_recurrent = xp.concatenate([g_gates, g_candidate], axis=-1)
        return g_x, g_kernel, g_recurrent, g_bias, dh.swapaxes(-1, -2), None

    return (by_sample(h_all, order), h.T.copy()), pull_back
