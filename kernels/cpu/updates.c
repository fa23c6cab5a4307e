/* Optimizer steps, each in one pass: the formulas are those of tinygrad_mo/optimizers/rules.py. */
#include <math.h>

#include "common.h"

EXPORT int update_sgd(
    num n, const float *restrict w, const float *restrict g, float *restrict velocity,
    float *restrict to, float rate, float momentum, num nesterov
) {
    if (!velocity)
        for (num i = 0; i < n; i++) to[i] = w[i] - rate * g[i];
    else
        for (num i = 0; i < n; i++) {
            float move = -rate * g[i];
            float v = velocity[i] = momentum * velocity[i] + move;
            to[i] = w[i] + (nesterov ? momentum * v + move : v);
        }
    return 1;
}

EXPORT int update_rmsprop(
    num n, const float *restrict w, const float *restrict g, float *restrict mean_square,
    float *restrict velocity, float *restrict to, float rate, float rho, float rest,
    float momentum, float epsilon
) {
    if (!velocity)
        for (num i = 0; i < n; i++) {
            float v = mean_square[i] = rho * mean_square[i] + rest * (g[i] * g[i]);
            to[i] = w[i] - rate * g[i] / sqrtf(v + epsilon);
        }
    else
        for (num i = 0; i < n; i++) {
            float v = mean_square[i] = rho * mean_square[i] + rest * (g[i] * g[i]);
            float move = velocity[i] = momentum * velocity[i] + rate * g[i] / sqrtf(v + epsilon);
            to[i] = w[i] - move;
        }
    return 1;
}

/* For the entries of a table that a batch has read, in place. faded: what the mean square of each
 * has shrunk to, as a share, in the steps that have not read it. */
EXPORT int update_rmsprop_entries(
    num entries, num width, const int64_t *ids, const float *faded, const float *restrict g,
    float *restrict w, float *restrict mean_square, float rate, float rho, float rest,
    float epsilon
) {
    for (num e = 0; e < entries; e++, g += width) {
        float *restrict to = w + ids[e] * width, *restrict v = mean_square + ids[e] * width;
        float keep = rho * faded[e];
        for (num i = 0; i < width; i++) {
            float m = v[i] = keep * v[i] + rest * (g[i] * g[i]);
            to[i] -= rate * g[i] / sqrtf(m + epsilon);
        }
    }
    return 1;
}

EXPORT int update_adam(
    num n, const float *restrict w, const float *restrict g, float *restrict mean,
    float *restrict mean_square, float *restrict to, float rate, float rest_1, float rest_2,
    float epsilon, float shrink
) {
    for (num i = 0; i < n; i++) {
        float m = mean[i] += rest_1 * (g[i] - mean[i]);
        float v = mean_square[i] += rest_2 * (g[i] * g[i] - mean_square[i]);
        to[i] = shrink * w[i] - rate * m / (sqrtf(v) + epsilon);
    }
    return 1;
}

EXPORT int update_adagrad(
    num n, const float *restrict w, const float *restrict g, float *restrict accumulator,
    float *restrict to, float rate, float epsilon
) {
    for (num i = 0; i < n; i++) {
        float a = accumulator[i] += g[i] * g[i];
        to[i] = w[i] - rate * g[i] / sqrtf(a + epsilon);
    }
    return 1;
}
