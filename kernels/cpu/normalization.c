/* Normalisation of a matrix (samples, channels): of each channel, each sample, groups of channels. */
#include <math.h>

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

/* Each row by itself: y = (x - mean) inverse gamma + beta, where inverse is 1 / sqrt(variance +
 * epsilon). gamma and beta may be NULL: 1 and 0. Not `centred`: the mean is taken as 0. */
EXPORT int normalise_rows(
    num n, num width, num centred, const float *restrict x, const float *gamma, const float *beta,
    float *restrict y, float *restrict mean, float *restrict inverse, float epsilon
) {
    for (num row = 0; row < n; row++, x += width, y += width) {
        float m = mean[row] = centred ? sum_of(x, width) / width : 0;
        for (num k = 0; k < width; k++) y[k] = x[k] - m;
        float scale = inverse[row] = 1 / sqrtf(inner_product(y, y, width) / width + epsilon);
        for (num k = 0; k < width; k++) y[k] *= scale;
        if (gamma)
            for (num k = 0; k < width; k++) y[k] *= gamma[k];
        if (beta)
            for (num k = 0; k < width; k++) y[k] += beta[k];
    }
    return 1;
}

/* gx, and the sums over rows that are the gradients of gamma and beta: some rows at a time in
 * single precision, as above. With h = g gamma and y = (x - mean) inverse,
 * gx = inverse (h - mean(h) - y mean(h y)). */
EXPORT int normalise_rows_pull(
    num n, num width, num centred, const float *restrict x, const float *gamma,
    const float *restrict mean, const float *restrict inverse, const float *restrict g,
    float *restrict gx, float *restrict of_gamma, float *restrict of_beta
) {
    double *restrict totals = calloc(width, 2 * sizeof(double) + 3 * sizeof(float));
    if (!totals) return 0;
    float *restrict parts = (float *)(totals + 2 * width), *restrict y = parts + 2 * width;
    for (num row = 0; row < n; row++, x += width, g += width, gx += width) {
        for (num k = 0; k < width; k++) {
            y[k] = (x[k] - mean[row]) * inverse[row];
            gx[k] = gamma ? g[k] * gamma[k] : g[k];
            parts[k] += g[k] * y[k];
            parts[width + k] += g[k];
        }
        float of_one = centred ? sum_of(gx, width) / width : 0;
        float of_y = inner_product(gx, y, width) / width;
        for (num k = 0; k < width; k++) gx[k] = inverse[row] * (gx[k] - of_one - y[k] * of_y);
        if (row % SOME == SOME - 1 || row == n - 1)
            for (num k = 0; k < 2 * width; k++) {
                totals[k] += parts[k];
                parts[k] = 0;
            }
    }
    for (num k = 0; k < width; k++) of_gamma[k] = totals[k];
    for (num k = 0; k < width; k++) of_beta[k] = totals[width + k];
    free(totals);
    return 1;
}

/* From sums by channel the mean of each group, which all its channels get. */
INLINE void mean_by_group(float *sums, num channels, num groups, num places) {
    num width = channels / groups;
    for (num first = 0; first < channels; first += width) {
        double total = 0;
        for (num c = first; c < first + width; c++) total += sums[c];
        for (num c = first; c < first + width; c++) sums[c] = total / (width * places);
    }
}

/* Each sample (n places, channels) by groups of channels: y = (x - mean) inverse gamma + beta. mean
 * and inverse (samples, channels) receive for each channel those of its group. */
EXPORT int normalise_groups(
    num samples, num n, num channels, num groups, const float *restrict x, const float *gamma,
    const float *beta, float *restrict y, float *restrict mean, float *restrict inverse,
    float epsilon
) {
    double *restrict total = malloc(20 * channels);
    if (!total) return 0;
    float *restrict part = (float *)(total + channels), *restrict scale = part + channels;
    float *restrict shift = scale + channels;
    for (num sample = 0; sample < samples; sample++) {
        SUM_ROWS(mean, x[row * channels + c])
        mean_by_group(mean, channels, groups, n);
        SUM_ROWS(inverse, (x[row * channels + c] - mean[c]) * (x[row * channels + c] - mean[c]))
        mean_by_group(inverse, channels, groups, n);
        FOR_CHANNELS {
            inverse[c] = 1 / sqrtf(inverse[c] + epsilon);
            scale[c] = gamma ? inverse[c] * gamma[c] : inverse[c];
            shift[c] = beta ? beta[c] : 0;
        }
        normalise(n, channels, x, mean, scale, shift, y);
        x += n * channels, y += n * channels, mean += channels, inverse += channels;
    }
    free(total);
    return 1;
}

/* gx, and the sums that are the gradients of gamma and beta. With h = g gamma and the normal number
 * z = (x - mean) inverse, gx = inverse (h - mean(h) - z mean(h z)), means over a group. */
EXPORT int normalise_groups_pull(
    num samples, num n, num channels, num groups, const float *restrict x, const float *gamma,
    const float *restrict mean, const float *restrict inverse, const float *restrict g,
    float *restrict gx, float *restrict of_gamma, float *restrict of_beta
) {
    float *restrict scale = malloc(12 * channels);
    if (!scale) return 0;
    float *restrict of_one = scale + channels, *restrict of_x = of_one + channels;
    FOR_CHANNELS of_gamma[c] = of_beta[c] = 0;
    for (num sample = 0; sample < samples; sample++) {
        if (!gradient_sums(n, channels, x, mean, g, of_one, of_x)) {
            free(scale);
            return 0;
        }
        FOR_CHANNELS {
            of_x[c] *= inverse[c];
            of_beta[c] += of_one[c];
            of_gamma[c] += of_x[c];
            of_one[c] *= gamma ? gamma[c] : 1;
            of_x[c] *= gamma ? gamma[c] : 1;
        }
        mean_by_group(of_one, channels, groups, n);
        mean_by_group(of_x, channels, groups, n);
        FOR_CHANNELS {
            scale[c] = gamma ? inverse[c] * gamma[c] : inverse[c];
            of_one[c] *= -inverse[c];
            of_x[c] *= -inverse[c] * inverse[c];
        }
        normalise_pull(n, channels, x, mean, g, scale, of_x, of_one, gx);
        x += n * channels, g += n * channels, gx += n * channels;
        mean += channels, inverse += channels;
    }
    free(scale);
    return 1;
}
