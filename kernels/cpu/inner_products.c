/* Inner products of rows with one another, in double: what is learned of the gradients of losses. */
#include "common.h"

#define SOME 2048 /* doubles that stay near the processor: a block of every row, converted once */

typedef double dvec __attribute__((vector_size(4 * LANES), aligned(8), may_alias));
#define HALF (LANES / 2) /* doubles that fill a register */

INLINE double dot(num n, const double *x, const double *y) { /* n: a multiple of 4 HALF */
    dvec a = {0}, b = {0}, c = {0}, d = {0};
    for (num k = 0; k < n; k += 4 * HALF) {
        a += *(const dvec *)(x + k) * *(const dvec *)(y + k);
        b += *(const dvec *)(x + k + HALF) * *(const dvec *)(y + k + HALF);
        c += *(const dvec *)(x + k + 2 * HALF) * *(const dvec *)(y + k + 2 * HALF);
        d += *(const dvec *)(x + k + 3 * HALF) * *(const dvec *)(y + k + 3 * HALF);
    }
    double total = 0;
    a = (a + b) + (c + d);
    for (int l = 0; l < HALF; l++) total += a[l];
    return total;
}

typedef float fvec __attribute__((vector_size(4 * HALF), aligned(4), may_alias)); /* as many */

INLINE dvec exactly(const float *x) { return __builtin_convertvector(*(const fvec *)x, dvec); }

INLINE double sum(dvec a) {
    double total = 0;
    for (int l = 0; l < HALF; l++) total += a[l];
    return total;
}

/* The same of one row or two, which are read once and converted on the way: nothing is kept. */
static void of_few(num size, num n, num stride, const float *x, double *products) {
    const float *y = x + (n - 1) * stride;
    dvec xx[2] = {{0}}, xy[2] = {{0}}, yy[2] = {{0}};
    num whole = size - size % (2 * HALF);
    for (num k = 0; k < whole; k += 2 * HALF)
        for (int i = 0; i < 2; i++) {
            dvec a = exactly(x + k + i * HALF);
            xx[i] += a * a;
            if (n == 1) continue;
            dvec b = exactly(y + k + i * HALF);
            xy[i] += a * b;
            yy[i] += b * b;
        }
    double found[3] = {sum(xx[0] + xx[1]), sum(xy[0] + xy[1]), sum(yy[0] + yy[1])};
    for (num k = whole; k < size; k++) {
        double a = x[k], b = y[k];
        found[0] += a * a, found[1] += a * b, found[2] += b * b;
    }
    products[0] = found[0];
    if (n == 2) products[1] = products[2] = found[1], products[3] = found[2];
}

/* products (n, n), symmetric, of x (n, size), whose rows lie `stride` floats apart. */
EXPORT int inner_products(num size, num n, num stride, const float *x, double *products) {
    if (n <= 2) {
        of_few(size, n, stride, x, products);
        return 1;
    }
    num step = 4 * HALF, block = least(round_up(size, step), round_up(SOME / n + 1, step));
    double *exact = malloc(n * block * sizeof(double));
    if (!exact) return 0;
    for (num i = 0; i < n * n; i++) products[i] = 0;
    for (num first = 0; first < size; first += block) {
        num count = least(block, size - first), whole = round_up(count, step);
        for (num i = 0; i < n; i++) {
            const float *from = x + i * stride + first;
            double *to = exact + i * block;
            for (num k = 0; k < count; k++) to[k] = from[k];
            for (num k = count; k < whole; k++) to[k] = 0;
            for (num j = 0; j <= i; j++)
                products[i * n + j] += dot(whole, to, exact + j * block);
        }
    }
    for (num i = 0; i < n; i++)
        for (num j = 0; j < i; j++) products[j * n + i] = products[i * n + j];
    free(exact);
    return 1;
}
