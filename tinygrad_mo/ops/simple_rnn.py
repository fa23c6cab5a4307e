"""The simplest recurrent layer over a whole sequence, as one op."""

from ..device import array_module, drop_subnormal, single_threaded
from .contract import flat, in_floats, once_for_each, op
from .linear import column_sums
from .products import product
from .sequences import (
    BACKWARDS,
    FORWARDS,
    by_sample,
    by_step,
    first_and_after,
    seeing,
    without_padding,
)

__all__ = ["simple_rnn"]


@op(optional=("h0", "mask"))
@in_floats(but="mask")
@single_threaded
def simple_rnn(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h0,
    mask,
    *,
    go_backwards=False,
    recurrent_dropout=0.0,
    generator=None,
    training=False,
):
    """h <- tanh(x W + h U + b) over all steps of a sequence (Elman 1990).

    x is (batch, time, features), the weights (features, units), (units, units) and (units,); h0
    (batch, units) starts the state (None: zeros). Where mask (batch, time) is False a step is
    skipped: the state is carried over (None: no step is). Values: all states (batch, time, units)
    in the order in which they were computed, and the last one.

    While training, a share `recurrent_dropout` of the units is hidden from the gates, drawn by
    `generator`, one of NumPy, once for all steps.
    """
    xp, x = array_module(x), without_padding(x, mask)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    order = BACKWARDS if go_backwards else FORWARDS
    z_x = by_step((product(flat(x), kernel) + bias).reshape(batch, time, units), order)
    real = None if mask is None else by_step(mask.astype(bool)[..., None], order)
    h = first_and_after(h0, time, batch, units, like=x)
    seen = seeing(batch, units, recurrent_dropout, generator, training, like=x)
    h_new = xp.empty((time, batch, units), x.dtype)

    for t in range(time):
        h_new[t] = xp.tanh(z_x[t] + seen(h[t]) @ recurrent_kernel)
        h[t + 1] = h_new[t] if real is None else xp.where(real[t], h_new[t], h[t])

    @once_for_each
    @single_threaded
    def back_through_time(gs):
        """Gradients of z and h0; what does not depend on g is prepared for all steps at once."""
        g_all, dh = gs
        rows = dh.shape[:-2]
        slopes = 1 - h_new * h_new
        g_steps = by_step(g_all).copy()  # a step in one piece is read faster
        dz = xp.empty((*rows, batch, time, units), dh.dtype)
        dz_steps = by_step(dz, order)
        for t in reversed(range(time)):
            dh = dh + g_steps[t]
            dz_t = dh * slopes[t]
            if real is not None:
                dz_t = xp.where(real[t], dz_t, 0)
            dz_steps[t] = dz_t
            dh_before = seen(dz_t @ recurrent_kernel.T)
            dh = dh_before if real is None else xp.where(real[t], dh_before, dh)
            if t % 8 == 0:
                drop_subnormal(dh)
        return flat(dz, rows), dh

    def pull_x(gs):
        dz, dh = back_through_time(gs)
        return product(dz, kernel.T).reshape(*dh.shape[:-2], *x.shape)

    def pull_kernel(gs):
        return product(flat(x).T, back_through_time(gs)[0])

    def pull_recurrent(gs):
        return flat(by_sample(seen(h[:-1]), order)).T @ back_through_time(gs)[0]

    return (by_sample(h[1:]).copy(), h[-1].copy()), (
        pull_x,
        pull_kernel,
        pull_recurrent,
        lambda gs: column_sums(back_through_time(gs)[0]),
        lambda gs: back_through_time(gs)[1],
        None,
    )
