"""The gated recurrent unit over a whole sequence, as one op."""

from ..device import array_module, drop_subnormal, single_threaded
from .contract import flat, in_floats, once_for_each, op
from .linear import column_sums
from .products import product
from .sequences import (
    BACKWARDS,
    FORWARDS,
    by_gate,
    by_sample,
    by_step,
    first_and_after,
    seeing,
    sigmoid,
    without_padding,
)

__all__ = ["gru"]


@op(optional=("h0", "mask"))
@in_floats(but="mask")
@single_threaded
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
    """A gated recurrent unit over all steps of a sequence (Cho et al. 2014).

    x is (batch, time, features), the weights (features, 3 units), (units, 3 units) and (2, 3
    units): their columns are the gates in the order update, reset, candidate. h0 (batch, units)
    starts the state (None: zeros). Where mask (batch, time) is False a step is skipped: the state
    is carried over (None: no step is). Values: all states (batch, time, units) in the order in
    which they were computed, and the last one.

    While training, a share `recurrent_dropout` of the units is hidden from the gates, drawn by
    `generator`, one of NumPy, once for all steps.

    With gates u, r = sigmoid(x W + h U + b) and candidate j, h <- u h + (1 - u) j, where

        j = tanh(x W + b + (r h) U)          if not reset_after; bias is (3 units,)
        j = tanh(x W + b + r (h U + c))      if reset_after; b and c are the two rows of bias,
                                             and c is added to the h U of the gates as well.
    """
    xp, x = array_module(x), without_padding(x, mask)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    order = BACKWARDS if go_backwards else FORWARDS
    bias_x, bias_h = bias if reset_after else (bias, None)
    z_x = by_step((product(flat(x), kernel) + bias_x).reshape(batch, time, 3 * units), order)
    real = None if mask is None else by_step(mask.astype(bool)[..., None], order)
    h = first_and_after(h0, time, batch, units, like=x)
    seen = seeing(batch, units, recurrent_dropout, generator, training, like=x)
    u, r, j = gates = xp.empty((3, time, batch, units), x.dtype)
    inner = xp.empty((time, batch, units), x.dtype)  # seen(h) U + c where r meets it, or r seen(h)
    both = 2 * units  # columns of the two gates; the candidate's come behind them
    of_gates, of_candidate = recurrent_kernel[:, :both], recurrent_kernel[:, both:]

    for t in range(time):
        z = z_x[t]
        if reset_after:
            z_h = seen(h[t]) @ recurrent_kernel + bias_h
            gates[:2, t] = by_gate(sigmoid(z[:, :both] + z_h[:, :both]), 2)
            inner[t] = z_h[:, both:]
            j[t] = xp.tanh(z[:, both:] + r[t] * inner[t])
        else:
            gates[:2, t] = by_gate(sigmoid(z[:, :both] + seen(h[t]) @ of_gates), 2)
            inner[t] = r[t] * seen(h[t])
            j[t] = xp.tanh(z[:, both:] + inner[t] @ of_candidate)
        h[t + 1] = j[t] + u[t] * (h[t] - j[t])
        if real is not None:
            h[t + 1] = xp.where(real[t], h[t + 1], h[t])

    @once_for_each
    @single_threaded
    def back_through_time(gs):
        """Gradients of z, of h U and of h0; what does not depend on g is prepared beforehand."""
        g_all, dh = gs
        rows = dh.shape[:-2]
        slope_u, slope_j = (h[:-1] - j) * (u * (1 - u)), (1 - u) * (1 - j * j)  # of h in z
        slope_r = (inner if reset_after else seen(h[:-1])) * (r * (1 - r))  # of what r is in, in z
        g_steps = by_step(g_all).copy()  # a step in one piece is read faster
        dz = xp.empty((*rows, batch, time, 3 * units), dh.dtype)
        dz_h = xp.empty_like(dz) if reset_after else dz  # of h U: its candidate passes through r
        dz_steps, dz_h_steps = by_step(dz, order), by_step(dz_h, order)
        for t in reversed(range(time)):
            dh = dh + g_steps[t]
            dz_u, dz_j = dh * slope_u[t], dh * slope_j[t]
            if reset_after:
                dz_r = dz_j * slope_r[t]
                dz_h_t = xp.concatenate([dz_u, dz_r, dz_j * r[t]], axis=-1)
                dz_h_steps[t] = dz_h_t if real is None else xp.where(real[t], dz_h_t, 0)
                dh_before = dh * u[t] + seen(dz_h_t @ recurrent_kernel.T)
            else:
                d_inner = dz_j @ of_candidate.T
                dz_r = d_inner * slope_r[t]
                dz_gates = xp.concatenate([dz_u, dz_r], axis=-1)
                dh_before = dh * u[t] + seen(d_inner * r[t] + dz_gates @ of_gates.T)
            dz_t = xp.concatenate([dz_u, dz_r, dz_j], axis=-1)
            dz_steps[t] = dz_t if real is None else xp.where(real[t], dz_t, 0)
            dh = dh_before if real is None else xp.where(real[t], dh_before, dh)
            if t % 8 == 0:
                drop_subnormal(dh)
        return flat(dz, rows), flat(dz_h, rows), dh

    def pull_x(gs):
        dz, _, dh = back_through_time(gs)
        return product(dz, kernel.T).reshape(*dh.shape[:-2], *x.shape)

    def pull_kernel(gs):
        return product(flat(x).T, back_through_time(gs)[0])

    def pull_recurrent(gs):
        _, dz_h, _ = back_through_time(gs)
        h_before = flat(by_sample(seen(h[:-1]), order)).T
        if reset_after:
            return h_before @ dz_h
        of_inner = flat(by_sample(inner, order)).T @ dz_h[..., both:]
        return xp.concatenate([h_before @ dz_h[..., :both], of_inner], axis=-1)

    def pull_bias(gs):
        dz, dz_h, _ = back_through_time(gs)
        if not reset_after:
            return column_sums(dz)
        return xp.stack([column_sums(dz), column_sums(dz_h)], axis=-2)

    return (by_sample(h[1:]).copy(), h[-1].copy()), (
        pull_x,
        pull_kernel,
        pull_recurrent,
        pull_bias,
        lambda gs: back_through_time(gs)[2],
        None,
    )
