/* A long short-term memory over a whole sequence: what happens step by step.
 *
 * The products over all steps at once (x W before, the gradients of the weights after) are left to
 * NumPy. Arrays are (batch, time, numbers), the gates i, f, j, o side by side, time is that of the
 * input. See tinygrad_mo/ops/lstm.py for the rule.
 */
#include "matrix.h"

typedef struct {
    num batch, time, units, backwards;
} shape;

/* gates holds x W + b and receives the gates. h and c (batch, units) hold the first state and
 * receive the last. h_before, c_before and tanh_c: what the way back needs. */
EXPORT int lstm_forward(
    const shape *s, const float *recurrent, const uint8_t *mask, float *restrict gates,
    float *restrict h, float *restrict c, float *restrict all, float *restrict h_before,
    float *restrict c_before, float *restrict tanh_c
) {
    num units = s->units, time = s->time;
    float *packed = malloc(4 * packed_size(units, 4 * units));
    if (!packed) return 0;
    pack(recurrent, 4 * units, 1, units, 4 * units, packed);
    for (num step = 0; step < time; step++) {
        num t = s->backwards ? time - 1 - step : step;
        multiply(s->batch, h, units, units, packed, gates + t * 4 * units, time * 4 * units,
                 4 * units, 1);
        for (num b = 0; b < s->batch; b++) {
            num at = b * time + t;
            float *restrict z = gates + at * 4 * units;
            float *restrict hb = h + b * units, *restrict cb = c + b * units;
            memcpy(h_before + at * units, hb, 4 * units);
            memcpy(c_before + at * units, cb, 4 * units);
            for (num u = 0; u < 2 * units; u++) z[u] = fast_sigmoid(z[u]);
            for (num u = 2 * units; u < 3 * units; u++) z[u] = fast_tanh(z[u]);
            for (num u = 3 * units; u < 4 * units; u++) z[u] = fast_sigmoid(z[u]);
            if (!mask || mask[at])
                for (num u = 0; u < units; u++) {
                    cb[u] = z[units + u] * cb[u] + z[u] * z[2 * units + u];
                    float squashed = fast_tanh(cb[u]);
                    tanh_c[at * units + u] = squashed;
                    hb[u] = z[3 * units + u] * squashed;
                }
            memcpy(all + (b * time + step) * units, hb, 4 * units);
        }
    }
    free(packed);
    return 1;
}

/* dz receives the gradient of x W + b; dh and dc hold that of the last state and receive that of
 * the first. g is the gradient of all states, in the order in which they were computed. */
EXPORT int lstm_backward(
    const shape *s, const float *recurrent, const uint8_t *mask, const float *restrict gates,
    const float *restrict c_before, const float *restrict tanh_c, const float *restrict g,
    float *restrict dh, float *restrict dc, float *restrict dz
) {
    num units = s->units, time = s->time;
    num size = packed_size(4 * units, units);
    float *packed = malloc(4 * (size + s->batch * units)), *kept = packed + size;
    if (!packed) return 0;
    pack(recurrent, 1, 4 * units, 4 * units, units, packed); /* transposed */
    for (num step = time - 1; step >= 0; step--) {
        num t = s->backwards ? time - 1 - step : step;
        for (num b = 0; b < s->batch; b++) {
            num at = b * time + t;
            const float *restrict i = gates + at * 4 * units, *restrict f = i + units;
            const float *restrict j = f + units, *restrict o = j + units;
            const float *restrict y = tanh_c + at * units, *restrict old = c_before + at * units;
            const float *restrict gb = g + (b * time + step) * units;
            float *restrict hb = dh + b * units, *restrict cb = dc + b * units;
            float *restrict z = dz + at * 4 * units;
            for (num u = 0; u < units; u++) hb[u] += gb[u];
            if (mask && !mask[at]) {
                memcpy(kept + b * units, hb, 4 * units);
                memset(z, 0, 16 * units);
                continue;
            }
            for (num u = 0; u < units; u++) {
                float c = drop_subnormal(cb[u] + hb[u] * o[u] * (1 - y[u] * y[u]));
                z[u] = c * j[u] * i[u] * (1 - i[u]);
                z[units + u] = c * old[u] * f[u] * (1 - f[u]);
                z[2 * units + u] = c * i[u] * (1 - j[u] * j[u]);
                z[3 * units + u] = hb[u] * y[u] * o[u] * (1 - o[u]);
                cb[u] = c * f[u];
            }
        }
        multiply(s->batch, dz + t * 4 * units, time * 4 * units, 4 * units, packed, dh, units,
                 units, 0);
        for (num b = 0; b < s->batch; b++) {
            if (mask && !mask[b * time + t]) memcpy(dh + b * units, kept + b * units, 4 * units);
            for (num u = b * units; u < (b + 1) * units; u++) dh[u] = drop_subnormal(dh[u]);
        }
    }
    free(packed);
    return 1;
}
