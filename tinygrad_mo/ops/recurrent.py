"""Recurrent layers over a whole sequence, each as one op."""

from ..backend import array_module, drop_subnormal
from ..pool import single_threaded
from .contract import flat, op
from .linear import product


@op
@single_threaded
def lstm(x, kernel, recurrent_kernel, bias, h0, c0, mask, *, go_backwards=False):
    """A long short-term memory over all steps of a sequence (Hochreiter & Schmidhuber 1997).

    x is (batch, time, features), the weights' columns are the gates in the order input, forget,
    candidate, output; h0 and c0 (batch, units) start the state (None: zeros). Where mask (batch,
    time) is False a step is skipped: the state is carried over (None: no step is). Values: all
    states h (batch, time, units) in the order in which they were computed, the last h and c.

    With gates i, f, o = sigmoid(z) and candidate j = tanh(z), where z = x W + h U + b:
    c <- f c + i j and h <- o tanh(c).

    Inside, time comes first and the batch last, so that the four gates of a step are contiguous.
    sigmoid(z) = 0.5 tanh(0.5 z) + 0.5: with the 0.5 folded into the weights, one tanh serves all.
    """
    xp = array_module(x)
    (batch, time, _), units = x.shape, recurrent_kernel.shape[0]
    steps = range(time)[::-1] if go_backwards else range(time)
    shape = (time, units, batch)

    half = x.dtype.type(0.5)
    scale = xp.repeat(xp.asarray([half, half, 1, half], x.dtype), units)
    recurrent = (recurrent_kernel * scale).T.copy()
    z = product((kernel * scale).T, x.transpose(1, 2, 0))
    z += (bias * scale)[:, None]
    gates = z.reshape(time, 4, units, batch)
    h_before, c_before, tanh_c = (xp.empty(shape, x.dtype) for _ in range(3))
    h_all = xp.empty(shape, x.dtype)
    go = None if mask is None else mask.T[:, None, :]  # (time, 1, batch)

    h, c = (xp.zeros(shape[1:], x.dtype) if s is None else s.T for s in (h0, c0))
    for t in steps:
        z_t, (i, f, j, o) = z[t], gates[t]
        h_before[t], c_before[t] = h, c
        z_t += recurrent @ h
        xp.tanh(z_t, out=z_t)
        for gate in (i, f, o):
            gate *= half
            gate += half
        c_new = f * c
        c_new += i * j
        h_new = o * xp.tanh(c_new, out=tanh_c[t])
        h = h_new if go is None else xp.where(go[t], h_new, h)
        c = c_new if go is None else xp.where(go[t], c_new, c)
        h_all[t] = h

    order = slice(None, None, -1 if go_backwards else 1)
    values = h_all[order].transpose(2, 0, 1).copy(), h.T.copy(), c.T.copy()

    @single_threaded
    def pull_back(gs):
        """Backward through time; what does not depend on g is prepared for all steps at once."""
        g_all, g_h, g_c = gs
        rows = g_h.shape[:-2]
        i, f, j, o = gates.swapaxes(0, 1)
        dh_dc = o * (1 - tanh_c * tanh_c)
        # d c / d z for the gates i, f, j and d h / d z for the gate o
        slopes = xp.stack(
            [j * i * (1 - i), c_before * f * (1 - f), i * (1 - j * j), tanh_c * o * (1 - o)], axis=1
        )
        g_seq = xp.moveaxis(g_all, -2, 0)[order].swapaxes(-1, -2)  # (time, *rows, units, batch)
        dh, dc = g_h.swapaxes(-1, -2), g_c.swapaxes(-1, -2)
        dz = xp.empty((time, *rows, 4, units, batch), g_all.dtype)
        for t in reversed(steps):
            dh = dh + g_seq[t]
            carry_h, carry_c = (0, 0) if go is None else (dh * ~go[t], dc * ~go[t])
            dh_t, dc_t = (dh, dc) if go is None else (dh * go[t], dc * go[t])
            dc_t = dc_t + dh_t * dh_dc[t]
            xp.multiply(dc_t[..., None, :, :], slopes[t, :3], out=dz[t][..., :3, :, :])
            xp.multiply(dh_t, slopes[t, 3], out=dz[t][..., 3, :, :])
            dc = dc_t * f[t] + carry_c
            dh = recurrent_kernel @ dz[t].reshape(*rows, 4 * units, batch) + carry_h
            if t % 8 == 0:
                drop_subnormal(dh)
                drop_subnormal(dc)

        by_sample = xp.moveaxis(dz.reshape(time, *rows, 4 * units, batch), (-1, 0), (-3, -2))
        dz2 = flat(by_sample, rows)  # (*rows, batch * time, 4 * units)
        g_x = product(dz2, kernel.T).reshape(*rows, *x.shape)
        g_kernel = product(flat(x).T, dz2)
        g_recurrent = flat(h_before.transpose(2, 0, 1)).T @ dz2
        g_h0, g_c0 = dh.swapaxes(-1, -2), dc.swapaxes(-1, -2)
        return g_x, g_kernel, g_recurrent, dz2.sum(axis=-2), g_h0, g_c0, None

    return values, pull_back
