"""The long short-term memory over a whole sequence, as one op."""

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

__all__ = ["lstm"]


@op(optional=("h0", "c0", "mask"))
@in_floats(but="mask")
@single_threaded
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
    """A long short-term memory over all steps of a sequence (Hochreiter & Schmidhuber 1997).

    x is (batch, time, features), the weights (features, 4 units), (units, 4 units) and (4 units,):
    their columns are the gates in the order input, forget, candidate, output. h0 and c0 (batch,
    units) start the state (None: zeros). Where mask (batch, time) is False a step is skipped: the
    state is carried over (None: no step is). Values: all states h (batch, time, units) in the order
    in which they were computed, the last h and c.

    While training, a share `recurrent_dropout` of the units is hidden from the gates, drawn by
    `generator`, one of NumPy, once for all steps.

    With gates i, f, o = sigmoid(z) and candidate j = tanh(z), where z = x W + h U + b:
    c <- f c + i j and h <- o tanh(c).
    """
    xp, x = array_module(x), without_padding(x, mask)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    order = BACKWARDS if go_backwards else FORWARDS
    z_x = by_step((product(flat(x), kernel) + bias).reshape(batch, time, 4 * units), order)
    real = None if mask is None else by_step(mask.astype(bool)[..., None], order)
    h, c = (first_and_after(start, time, batch, units, like=x) for start in (h0, c0))
    seen = seeing(batch, units, recurrent_dropout, generator, training, like=x)
    i, f, j, o = gates = xp.empty((4, time, batch, units), x.dtype)
    tanh_c = xp.empty((time, batch, units), x.dtype)

    for t in range(time):
        z = by_gate(z_x[t] + seen(h[t]) @ recurrent_kernel, 4)
        gates[:, t] = sigmoid(z)
        j[t] = xp.tanh(z[2])
        c[t + 1] = f[t] * c[t] + i[t] * j[t]
        tanh_c[t] = xp.tanh(c[t + 1])
        h[t + 1] = o[t] * tanh_c[t]
        if real is not None:
            h[t + 1] = xp.where(real[t], h[t + 1], h[t])
            c[t + 1] = xp.where(real[t], c[t + 1], c[t])

    @once_for_each
    @single_threaded
    def back_through_time(gs):
        """Gradients of z, h0, c0; what does not depend on g is prepared for all steps at once."""
        g_all, dh, dc = gs
        rows = dh.shape[:-2]
        slope_i, slope_f = i * (1 - i) * j, f * (1 - f) * c[:-1]  # of c in z
        slope_j, slope_o = (1 - j * j) * i, o * (1 - o) * tanh_c  # of c, and of h, in z
        slope_c = o * (1 - tanh_c * tanh_c)  # of h in c
        g_steps = by_step(g_all).copy()  # a step in one piece is read faster
        dz = xp.empty((*rows, batch, time, 4 * units), dh.dtype)
        dz_steps = by_step(dz, order)
        for t in reversed(range(time)):
            dh = dh + g_steps[t]
            dc_t = dc + dh * slope_c[t]
            dz_i, dz_f, dz_j = dc_t * slope_i[t], dc_t * slope_f[t], dc_t * slope_j[t]
            dz_t = xp.concatenate([dz_i, dz_f, dz_j, dh * slope_o[t]], axis=-1)
            if real is not None:
                dz_t = xp.where(real[t], dz_t, 0)
            dz_steps[t] = dz_t
            dh_before, dc_before = seen(dz_t @ recurrent_kernel.T), dc_t * f[t]
            dh = dh_before if real is None else xp.where(real[t], dh_before, dh)
            dc = dc_before if real is None else xp.where(real[t], dc_before, dc)
            if t % 8 == 0:
                drop_subnormal(dh)
                drop_subnormal(dc)
        return flat(dz, rows), dh, dc

    def pull_x(gs):
        dz, dh, _ = back_through_time(gs)
        return product(dz, kernel.T).reshape(*dh.shape[:-2], *x.shape)

    def pull_kernel(gs):
        return product(flat(x).T, back_through_time(gs)[0])

    def pull_recurrent(gs):
        return flat(by_sample(seen(h[:-1]), order)).T @ back_through_time(gs)[0]

    return (by_sample(h[1:]).copy(), h[-1].copy(), c[-1].copy()), (
        pull_x,
        pull_kernel,
        pull_recurrent,
        lambda gs: column_sums(back_through_time(gs)[0]),
        lambda gs: back_through_time(gs)[1],
        lambda gs: back_through_time(gs)[2],
        None,
    )
