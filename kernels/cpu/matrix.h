/* Products of matrices, a tile of ROWS x PANEL numbers at a time, which stays in registers.
 *
 * The right factor is packed: columns in panels of PANEL, each panel row by row, filled up with
 * zeros. So the innermost loop reads it from front to back, whatever the number of columns.
 */
#ifndef MATRIX_H
#define MATRIX_H

#include "common.h"

#define PANEL (2 * LANES)
#if LANES == 8
#define ROWS 6 /* AVX has 16 registers: 12 sums, 2 for the panel, 1 for a number of the left factor */
#else
#define ROWS 8
#endif

typedef struct {
    vec left, right;
} pair; /* one row of a panel */

INLINE pair load_pair(const float *from) { return (pair){load(from), load(from + LANES)}; }

/* Copy fewer numbers than a panel has, in pieces of 16, 8, 4, 2 and 1: the compiler knows how. */
INLINE void copy_some(float *to, const float *from, num count) {
#pragma GCC unroll 8
    for (num size = PANEL / 2; size; size /= 2)
        if (count & size) {
            memcpy(to, from, 4 * size);
            to += size, from += size;
        }
}

/* Only the first `columns` of a row that may be the last, incomplete one. */
INLINE pair load_some(const float *from, num columns) {
    if (columns >= PANEL) return load_pair(from);
    float row[PANEL] = {0};
    copy_some(row, from, columns);
    return load_pair(row);
}

INLINE void store_some(float *to, pair p, num columns) {
    if (columns >= PANEL) {
        store(to, p.left);
        store(to + LANES, p.right);
    } else if (columns == LANES) {
        store(to, p.left);
    } else {
        float row[PANEL];
        store(row, p.left);
        store(row + LANES, p.right);
        copy_some(to, row, columns);
    }
}

/* Where a panel has no more columns than the left register holds, the right one is left alone: a
 * tile that is not `wide`. */
INLINE pair load_tile(int wide, const float *from) {
    return (pair){load(from), wide ? load(from + LANES) : (vec){0}};
}

INLINE void add_scaled(int wide, pair *sum, float x, pair b) {
    sum->left += x * b.left;
    if (wide) sum->right += x * b.right;
}

/* sum[r] += a[r, :depth] @ panel, where the rows of a are a_step apart. */
INLINE void add_product(
    int rows, int wide, pair *sum, const float *a, num a_step, const float *panel, num depth
) {
    for (num k = 0; k < depth; k++) {
        pair b = load_tile(wide, panel + k * PANEL);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) add_scaled(wide, sum + r, a[r * a_step + k], b);
    }
}

/* sum[r] += outer product of x[:rows] and g[:PANEL], over pixels that are so many steps apart. */
INLINE void add_outer_products(
    int rows, int wide, pair *sum, const float *x, num x_step, const float *g, num g_step,
    num pixels
) {
    for (num p = 0; p < pixels; p++) {
        pair b = load_tile(wide, g + p * g_step);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) add_scaled(wide, sum + r, x[p * x_step + r], b);
    }
}

/* A tile takes ROWS rows, or what is left in pieces of 4, 2 and 1. */
INLINE num piece(num left) { return left >= ROWS ? ROWS : left >= 4 ? 4 : left >= 2 ? 2 : 1; }

/* Call a function whose first arguments are such a number of rows, and whether the tile is wide:
 * each has code of its own, whose loops over rows are unrolled and whose sums are registers. */
#define WITH_ROWS(rows, wide, function, ...)               \
    switch (rows) {                                        \
        case 1: function(1, wide, __VA_ARGS__); break;     \
        case 2: function(2, wide, __VA_ARGS__); break;     \
        case 4: function(4, wide, __VA_ARGS__); break;     \
        default: function(ROWS, wide, __VA_ARGS__); break; \
    }
#define WITH_TILE(rows, columns, function, ...)                     \
    if ((columns) > LANES) {                                        \
        WITH_ROWS(rows, 1, function, __VA_ARGS__)                   \
    } else {                                                        \
        WITH_ROWS(rows, 0, function, __VA_ARGS__)                   \
    }

INLINE num packed_size(num depth, num columns) { return depth * round_up(columns, PANEL); }

/* Pack a matrix (depth, columns); the steps say how far apart its rows and columns are. */
INLINE void pack(
    const float *from, num row_step, num column_step, num depth, num columns, float *to
) {
    for (num first = 0; first < columns; first += PANEL) {
        num n = least(PANEL, columns - first);
        for (num k = 0; k < depth; k++, to += PANEL) {
            for (num j = 0; j < n; j++) to[j] = from[k * row_step + (first + j) * column_step];
            for (num j = n; j < PANEL; j++) to[j] = 0;
        }
    }
}

INLINE void add_rows(
    int rows, int wide, const float *a, num a_step, num depth, const float *panel, float *to,
    num to_step, num columns, int add
) {
    pair sum[8];
    for (int r = 0; r < rows; r++)
        sum[r] = add ? load_some(to + r * to_step, columns) : (pair){{0}, {0}};
    add_product(rows, wide, sum, a, a_step, panel, depth);
    for (int r = 0; r < rows; r++) store_some(to + r * to_step, sum[r], columns);
}

/* to = (add ? to : 0) + a @ packed, where a is (batch, depth) and to (batch, columns). */
static inline void multiply(
    num batch, const float *a, num a_step, num depth, const float *packed, float *to, num to_step,
    num columns, int add
) {
    for (num f = 0; f < columns; f += PANEL)
        for (num b = 0, rows; b < batch; b += rows) {
            rows = piece(batch - b);
            WITH_TILE(rows, columns - f, add_rows, a + b * a_step, a_step, depth,
                      packed + f * depth, to + b * to_step + f, to_step, columns - f, add)
        }
}

#endif
