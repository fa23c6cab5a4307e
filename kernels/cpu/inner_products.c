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

/* products (n, n), symmetric, of x (n, size), whose rows lie `stride` floats apart. */
EXPORT int inner_products(num size, num n, num stride, const float *x, double *products) {
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
