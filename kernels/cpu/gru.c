/* A gated recurrent unit over a whole sequence (reset after the product), step by step.
 *
 * As in lstm.c, arrays are (batch, time, numbers); the gates u, r, j lie side by side. See
 * tinygrad_mo/ops/gru.py for the rule.
 */
#include "matrix.h"

typedef struct {
    num batch, time, units, backwards;
} shape;

/* gates holds x W + b and receives the gates; inner (batch, time, units) what j takes from h.
 * shift (3 units) is the bias of h U. h holds the first state and receives the last. */
EXPORT int gru_forward(
    const shape *s, const float *recurrent, const float *restrict shift, const uint8_t *mask,
    float *restrict gates, float *restrict h, float *restrict all, float *restrict h_before,
    float *restrict inner
) {
    num units = s->units, time = s->time, size = packed_size(units, 3 * units);
    float *packed = malloc(4 * (size + s->batch * 3 * units));
    if (!packed) return 0;
    float *of_h = packed + size;
    pack(recurrent, 3 * units, 1, units, 3 * units, packed);
    for (num step = 0; step < time; step++) {
        num t = s->backwards ? time - 1 - step : step;
        multiply(s->batch, h, units, units, packed, of_h, 3 * units, 3 * units, 0);
        for (num b = 0; b < s->batch; b++) {
            num at = b * time + t;
            float *restrict u = gates + at * 3 * units, *restrict j = u + 2 * units;
            float *restrict r = u + units, *restrict p = of_h + b * 3 * units;
            float *restrict hb = h + b * units, *restrict in = inner + at * units;
            memcpy(h_before + at * units, hb, 4 * units);
            for (num k = 0; k < 3 * units; k++) p[k] += shift[k];
            for (num k = 0; k < 2 * units; k++) u[k] = fast_sigmoid(u[k] + p[k]);
            for (num k = 0; k < units; k++) {
                in[k] = p[2 * units + k];
                j[k] = fast_tanh(j[k] + r[k] * in[k]);
            }
            if (!mask || mask[at])
                for (num k = 0; k < units; k++) hb[k] = j[k] + u[k] * (hb[k] - j[k]);
            memcpy(all + (b * time + step) * units, hb, 4 * units);
        }
    }
    free(packed);
    return 1;
}

/* dz receives the gradient of x W + b and dz_h that of h U + shift; dh holds that of the last
 * state and receives that of the first. g: of all states, in the order of computing. */
EXPORT int gru_backward(
    const shape *s, const float *recurrent, const uint8_t *mask, const float *restrict gates,
    const float *restrict h_before, const float *restrict inner, const float *restrict g,
    float *restrict dh, float *restrict dz, float *restrict dz_h
) {
    num units = s->units, time = s->time;
    float *packed = malloc(4 * packed_size(3 * units, units));
    if (!packed) return 0;
    pack(recurrent, 1, 3 * units, 3 * units, units, packed); /* transposed */
    for (num step = time - 1; step >= 0; step--) {
        num t = s->backwards ? time - 1 - step : step;
        for (num b = 0; b < s->batch; b++) {
            num at = b * time + t;
            const float *restrict u = gates + at * 3 * units, *restrict r = u + units;
            const float *restrict j = r + units, *restrict in = inner + at * units;
            const float *restrict old = h_before + at * units;
            const float *restrict gb = g + (b * time + step) * units;
            float *restrict hb = dh + b * units;
            float *restrict z = dz + at * 3 * units, *restrict zh = dz_h + at * 3 * units;
            for (num k = 0; k < units; k++) hb[k] = drop_subnormal(hb[k] + gb[k]);
            if (mask && !mask[at]) {
                memset(z, 0, 12 * units);
                memset(zh, 0, 12 * units);
                continue;
            }
            for (num k = 0; k < units; k++) {
                float dj = hb[k] * (1 - u[k]) * (1 - j[k] * j[k]);
                z[k] = zh[k] = hb[k] * (old[k] - j[k]) * u[k] * (1 - u[k]);
                z[units + k] = zh[units + k] = dj * in[k] * r[k] * (1 - r[k]);
                z[2 * units + k] = dj;
                zh[2 * units + k] = dj * r[k];
                hb[k] *= u[k];
            }
        }
        multiply(s->batch, dz_h + t * 3 * units, time * 3 * units, 3 * units, packed, dh, units,
                 units, 1);
    }
    free(packed);
    return 1;
}
