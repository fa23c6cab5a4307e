/* Batch normalisation of a matrix (samples, channels): sums over samples, and what follows. */
#include "common.h"

#define SOME 128 /* rows that are summed in single precision before they join the double sum */

#define FOR_CHANNELS for (num c = 0; c < channels; c++)

/* sum[c] = sum of x[., c] y[., c] over all rows, where x and y are expressions of row and c. */
#define SUM_ROWS(sum, ...)                                                         \
    FOR_CHANNELS total[c] = 0;                                                     \
    for (num first = 0; first < n; first += SOME) {                                \
        FOR_CHANNELS part[c] = 0;                                                  \
        for (num row = first; row < least(n, first + SOME); row++)                 \
            FOR_CHANNELS part[c] += (__VA_ARGS__);                                 \
        FOR_CHANNELS total[c] += part[c];                                          \
    }                                                                              \
    FOR_CHANNELS (sum)[c] = total[c];

/* mean and variance of each channel. */
EXPORT int moments(
    num n, num channels, const float *restrict x, float *restrict mean, float *restrict variance
) {
    double *restrict total = malloc(12 * channels);
    if (!total) return 0;
    float *restrict part = (float *)(total + channels);
    SUM_ROWS(mean, x[row * channels + c])
    FOR_CHANNELS mean[c] = total[c] / n;
    SUM_ROWS(variance, (x[row * channels + c] - mean[c]) * (x[row * channels + c] - mean[c]))
    FOR_CHANNELS variance[c] = total[c] / n;
    free(total);
    return 1;
}

/* y = (x - mean) scale + shift */
EXPORT int normalise(
    num n, num channels, const float *restrict x, const float *restrict mean,
    const float *restrict scale, const float *restrict shift, float *restrict y
) {
    for (num row = 0; row < n; row++, x += channels, y += channels)
        FOR_CHANNELS y[c] = (x[c] - mean[c]) * scale[c] + shift[c];
    return 1;
}

/* The sums over samples of g, and of g (x - mean). */
EXPORT int gradient_sums(
    num n, num channels, const float *restrict x, const float *restrict mean,
    const float *restrict g, float *restrict of_g, float *restrict of_gx
) {
    double *restrict total = malloc(12 * channels);
    if (!total) return 0;
    float *restrict part = (float *)(total + channels);
    SUM_ROWS(of_g, g[row * channels + c])
    SUM_ROWS(of_gx, g[row * channels + c] * (x[row * channels + c] - mean[c]))
    free(total);
    return 1;
}

/* gx = g scale + (x - mean) of_x + of_one */
EXPORT int normalise_pull(
    num n, num channels, const float *restrict x, const float *restrict mean,
    const float *restrict g, const float *restrict scale, const float *restrict of_x,
    const float *restrict of_one, float *restrict gx
) {
    for (num row = 0; row < n; row++, x += channels, g += channels, gx += channels)
        FOR_CHANNELS gx[c] = g[c] * scale[c] + (x[c] - mean[c]) * of_x[c] + of_one[c];
    return 1;
}
