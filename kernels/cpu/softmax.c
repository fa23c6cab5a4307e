/* Softmax of rows of numbers, and the cross-entropy that contains one. */
#include <math.h>

#include "common.h"

INLINE float largest_of(const float *x, num n) {
    float lane[LANES], best = x[0];
    num whole = n / LANES * LANES;
    for (int l = 0; l < LANES; l++) lane[l] = x[0];
    for (num i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] = lane[l] > x[i + l] ? lane[l] : x[i + l];
    for (int l = 0; l < LANES; l++) best = best > lane[l] ? best : lane[l];
    for (num i = whole; i < n; i++) best = best > x[i] ? best : x[i];
    return best;
}

/* p = softmax(x) for each of n rows. With labels (or NULL) also -sum(label log(p)). */
EXPORT int softmax(
    num n, num classes, const float *restrict x, const float *restrict label, float *restrict p,
    float *restrict loss
) {
    for (num row = 0; row < n; row++, x += classes, p += classes) {
        float best = largest_of(x, classes), labelled = 0;
        if (label) { /* -log(p) = log(total) - (x - best) */
            for (num k = 0; k < classes; k++) /* 0 of -infinity is 0 */
                p[k] = label[k] == 0.0f ? 0.0f : label[k] * (x[k] - best);
            labelled = sum_of(p, classes);
        }
        for (num k = 0; k < classes; k++) p[k] = fast_exp(x[k] - best);
        float total = sum_of(p, classes), share = 1 / total;
        for (num k = 0; k < classes; k++) p[k] *= share;
        if (label) {
            loss[row] = logf(total) * sum_of(label, classes) - labelled;
            label += classes;
        }
    }
    return 1;
}

/* gx = p (g - sum(g p)) for each row */
EXPORT int softmax_pull(
    num n, num classes, const float *restrict p, const float *restrict g, float *restrict gx
) {
    for (num row = 0; row < n; row++, p += classes, g += classes, gx += classes) {
        for (num k = 0; k < classes; k++) gx[k] = g[k] * p[k];
        float total = sum_of(gx, classes);
        for (num k = 0; k < classes; k++) gx[k] = p[k] * (g[k] - total);
    }
    return 1;
}

/* gx = g (p w - label), where w is the sum of a row's labels. */
EXPORT int crossentropy_pull(
    num n, num classes, const float *restrict p, const float *restrict label,
    const float *restrict g, float *restrict gx
) {
    for (num row = 0; row < n; row++, p += classes, label += classes, gx += classes) {
        float scale = g[row], weight = sum_of(label, classes);
        for (num k = 0; k < classes; k++) gx[k] = scale * (p[k] * weight - label[k]);
    }
    return 1;
}
