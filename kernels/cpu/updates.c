/* Optimizer steps, each in one pass: the formulas are those of tinygrad_mo/optimizers/rules.py.
 *
 * What is new goes into arrays of its own. The functions return ALL_FINITE, or another number if
 * anything new is infinite or NaN: then nobody will use it. */
#include <float.h>
#include <math.h>

#include "common.h"

#define ALL_FINITE 1

/* Collected by |, without a branch, so that the loops are vectorised. */
INLINE int not_finite(float x) { return !(fabsf(x) <= FLT_MAX); }

EXPORT int update_sgd(
    num n, const float *restrict w, const float *restrict g, const float *restrict velocity,
    float *restrict to, float *restrict to_velocity, float rate, float momentum, float nesterov
) {
    int bad = 0;
    if (!velocity)
        for (num i = 0; i < n; i++) {
            to[i] = w[i] - rate * g[i];
            bad |= not_finite(to[i]);
        }
    else
        for (num i = 0; i < n; i++) {
            float move = -rate * g[i];
            float v = to_velocity[i] = momentum * velocity[i] + move;
            to[i] = w[i] + (nesterov ? momentum * v + move : v);
            bad |= not_finite(v) | not_finite(to[i]);
        }
    return ALL_FINITE + bad;
}

EXPORT int update_rmsprop(
    num n, const float *restrict w, const float *restrict g, const float *restrict mean_square,
    const float *restrict velocity, float *restrict to, float *restrict to_mean_square,
    float *restrict to_velocity, float rate, float rho, float rest, float momentum, float epsilon
) {
    int bad = 0;
    if (!velocity)
        for (num i = 0; i < n; i++) {
            float v = to_mean_square[i] = rho * mean_square[i] + rest * (g[i] * g[i]);
            to[i] = w[i] - rate * g[i] / sqrtf(v + epsilon);
            bad |= not_finite(v) | not_finite(to[i]);
        }
    else
        for (num i = 0; i < n; i++) {
            float v = to_mean_square[i] = rho * mean_square[i] + rest * (g[i] * g[i]);
            float move = momentum * velocity[i] + rate * g[i] / sqrtf(v + epsilon);
            to_velocity[i] = move;
            to[i] = w[i] - move;
            bad |= not_finite(v) | not_finite(move) | not_finite(to[i]);
        }
    return ALL_FINITE + bad;
}

EXPORT int update_adam(
    num n, const float *restrict w, const float *restrict g, const float *restrict mean,
    const float *restrict mean_square, float *restrict to, float *restrict to_mean,
    float *restrict to_mean_square, float rate, float rest_1, float rest_2, float epsilon,
    float shrink
) {
    int bad = 0;
    for (num i = 0; i < n; i++) {
        float m = to_mean[i] = mean[i] + rest_1 * (g[i] - mean[i]);
        float v = to_mean_square[i] = mean_square[i] + rest_2 * (g[i] * g[i] - mean_square[i]);
        to[i] = shrink * w[i] - rate * m / (sqrtf(v) + epsilon);
        bad |= not_finite(m) | not_finite(v) | not_finite(to[i]);
    }
    return ALL_FINITE + bad;
}

EXPORT int update_adagrad(
    num n, const float *restrict w, const float *restrict g, const float *restrict accumulator,
    float *restrict to, float *restrict to_accumulator, float rate, float epsilon
) {
    int bad = 0;
    for (num i = 0; i < n; i++) {
        float a = to_accumulator[i] = accumulator[i] + g[i] * g[i];
        to[i] = w[i] - rate * g[i] / sqrtf(a + epsilon);
        bad |= not_finite(a) | not_finite(to[i]);
    }
    return ALL_FINITE + bad;
}

/* For the entries of a table that a batch has read, in place; that nothing overflows is known
 * before. */

EXPORT int update_sgd_entries(
    num entries, num width, const int64_t *ids, const float *restrict g, float *restrict w,
    float rate
) {
    for (num e = 0; e < entries; e++, g += width) {
        float *restrict to = w + ids[e] * width;
        for (num i = 0; i < width; i++) to[i] -= rate * g[i];
    }
    return 1;
}

/* left: what is left of the mean square of each, as a share, after the steps that missed it. */
EXPORT int update_rmsprop_entries(
    num entries, num width, const int64_t *ids, const float *restrict g, const float *left,
    float *restrict w, float *restrict mean_square, float rate, float rho, float rest,
    float epsilon
) {
    for (num e = 0; e < entries; e++, g += width) {
        float *restrict to = w + ids[e] * width, *restrict v = mean_square + ids[e] * width;
        float keep = rho * left[e];
        for (num i = 0; i < width; i++) {
            float m = v[i] = keep * v[i] + rest * (g[i] * g[i]);
            to[i] -= rate * g[i] / sqrtf(m + epsilon);
        }
    }
    return 1;
}

EXPORT int update_adagrad_entries(
    num entries, num width, const int64_t *ids, const float *restrict g, float *restrict w,
    float *restrict accumulator, float rate, float epsilon
) {
    for (num e = 0; e < entries; e++, g += width) {
        float *restrict to = w + ids[e] * width, *restrict a = accumulator + ids[e] * width;
        for (num i = 0; i < width; i++) {
            float sum = a[i] += g[i] * g[i];
            to[i] -= rate * g[i] / sqrtf(sum + epsilon);
        }
    }
    return 1;
}
