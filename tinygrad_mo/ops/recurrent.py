"""Recurrent layers over a whole sequence, each as one op."""

from ..device import array_module, drop_subnormal, single_threaded
from .contract import flat, in_floats, once_for_each, op
from .linear import column_sums, product


@op
@in_floats(but="mask")
@single_threaded
def lstm(x, kernel, recurrent_kernel, bias, h0, c0, mask, *, go_backwards=False):
    """A long short-term memory over all steps of a sequence (Hochreiter & Schmidhuber 1997).

    x is (batch, time, features), the weights' columns are the gates in the order input, forget,
    candidate, output; h0 and c0 (batch, units) start the state (None: zeros). Where mask (batch,
    time) is False a step is skipped: the state is carried over (None: no step is). Values: all
    states h (batch, time, units) in the order in which they were computed, the last h and c.

    With gates i, f, o = sigmoid(z) and candidate j = tanh(z), where z = x W + h U + b:
    c <- f c + i j and h <- o tanh(c).

    x W + b is one product for all steps. sigmoid(z) = s tanh(s z) + 1 - s with s = 0.5, and tanh(z)
    is the same with s = 1: the inner s is folded into the weights, and one tanh serves all gates.
    """
    mask = None if mask is None else mask.astype(bool)
    xp = array_module(x)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    order = slice(None, None, -1 if go_backwards else 1)

    s = xp.asarray([0.5, 0.5, 1, 0.5], x.dtype).repeat(units)
    stretch = s.reshape(4, 1, units).repeat(batch, axis=1)
    lift = 1 - stretch
    recurrent = recurrent_kernel * s
    z_x = product(flat(x), kernel * s)
    z_x += bias * s
    z_x = z_x.reshape(batch, time, 4 * units)[:, order]  # from here on in the order of computing
    gates = xp.empty((time, 4, batch, units), x.dtype)
    tanh_c = xp.empty((time, batch, units), x.dtype)
    h, c = (xp.empty((time + 1, batch, units), x.dtype) for _ in range(2))  # first, after each step
    h[0], c[0] = (0 if start is None else start for start in (h0, c0))
    go = None if mask is None else mask.T[order, :, None]

    for t in range(time):
        gate, h_new, c_new = gates[t], h[t + 1], c[t + 1]
        z = h[t] @ recurrent
        z += z_x[:, t]
        xp.tanh(z.reshape(batch, 4, units).swapaxes(0, 1), out=gate)
        gate *= stretch
        gate += lift
        i, f, j, o = gate
        xp.multiply(f, c[t], out=c_new)
        c_new += i * j
        xp.multiply(o, xp.tanh(c_new, out=tanh_c[t]), out=h_new)
        if go is not None:
            h_new[...] = xp.where(go[t], h_new, h[t])
            c_new[...] = xp.where(go[t], c_new, c[t])

    @once_for_each
    @single_threaded
    def back_through_time(gs):
        """Gradients of z, h0, c0; what does not depend on g is prepared for all steps at once."""
        g_all, dh, dc = gs
        rows = dh.shape[:-2]
        i, f, j, o = gates.swapaxes(0, 1)
        slopes = gates * (1 - gates)  # d c / d z for the gates i, f, j and d h / d z for the gate o
        slopes[:, 2] = 1 - j * j
        for slope, factor in zip(slopes.swapaxes(0, 1), (j, c[:-1], i, tanh_c), strict=True):
            slope *= factor
        dh_dc = o * (1 - tanh_c * tanh_c)
        g_seq = xp.moveaxis(g_all, -2, 0).copy()  # a step in one piece is read faster
        dz = xp.empty((*rows, batch, time, 4 * units), dh.dtype)
        dz_seq = xp.moveaxis(dz[..., order, :], -2, 0)
        for t in reversed(range(time)):
            dh = dh + g_seq[t]
            dc_t = dc + dh * dh_dc[t]
            dz_t = dz_seq[t].reshape(*rows, batch, 4, units).swapaxes(-3, -2)
            xp.multiply(dc_t[..., None, :, :], slopes[t, :3], out=dz_t[..., :3, :, :])
            xp.multiply(dh, slopes[t, 3], out=dz_t[..., 3, :, :])
            dh_t = dz_seq[t] @ recurrent_kernel.T
            dc_t *= f[t]
            if go is not None:
                dz_t *= go[t]
                dh_t, dc_t = xp.where(go[t], dh_t, dh), xp.where(go[t], dc_t, dc)
            dh, dc = dh_t, dc_t
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
        h_before = h[:-1][order].swapaxes(0, 1)
        return flat(h_before).T @ back_through_time(gs)[0]

    return (h[1:].swapaxes(0, 1).copy(), h[-1].copy(), c[-1].copy()), (
        pull_x,
        pull_kernel,
        pull_recurrent,
        lambda gs: column_sums(back_through_time(gs)[0]),
        lambda gs: back_through_time(gs)[1],
        lambda gs: back_through_time(gs)[2],
        None,
    )
