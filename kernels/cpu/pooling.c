/* Pooling over windows of an image (images, height, width, channels), padding left out. */
#include "common.h"

typedef struct {
    num images, height, width, channels;   /* the input */
    num top, left;                         /* padding before it */
    num tall, wide, row_step, column_step; /* a window, and the way to the next */
    num rows, columns;                     /* the output */
} shape;

/* For every window: its output `out` and the part of it that is inside, from (row, column) up to
 * (bottom, right). `inputs` counts numbers up to the window's image. */
#define FOR_WINDOWS(...)                                                                      \
    for (num image = 0, out = 0; image < s->images; image++)                                  \
        for (num i = 0; i < s->rows; i++)                                                     \
            for (num j = 0; j < s->columns; j++, out += s->channels) {                        \
                num row = i * s->row_step - s->top, column = j * s->column_step - s->left;    \
                num bottom = least(row + s->tall, s->height);                                 \
                num right = least(column + s->wide, s->width);                                \
                num inputs = image * s->height * s->width * s->channels;                      \
                row = row < 0 ? 0 : row;                                                      \
                column = column < 0 ? 0 : column;                                             \
                __VA_ARGS__                                                                   \
            }

/* At the first window of an image: nothing has been handed back to it yet. */
#define START_IMAGE(gx) \
    if (i == 0 && j == 0) memset((gx) + inputs, 0, 4 * s->height * s->width * s->channels);

/* For every element of it: where its channels begin. */
#define FOR_ELEMENTS(...)                                                  \
    for (num p = row; p < bottom; p++)                                     \
        for (num q = column; q < right; q++) {                             \
            num in = inputs + (p * s->width + q) * s->channels;            \
            __VA_ARGS__                                                    \
        }

#define FOR_CHANNELS for (num c = 0; c < s->channels; c++)

EXPORT int max_pool(const shape *s, const float *restrict x, float *restrict y) {
    FOR_WINDOWS({
        float *restrict to = y + out;
        memcpy(to, x + inputs + (row * s->width + column) * s->channels, 4 * s->channels);
        FOR_ELEMENTS({
            const float *restrict from = x + in;
            FOR_CHANNELS to[c] = from[c] <= to[c] || to[c] != to[c] ? to[c] : from[c]; /* NaN wins */
        })
    })
    return 1;
}

/* gx = sums of g where x is the first number of its window that equals y. */
EXPORT int max_pool_pull(
    const shape *s, const float *restrict x, const float *restrict y, const float *restrict g,
    float *restrict gx
) {
    float *restrict left_over = malloc(4 * s->channels);
    if (!left_over) return 0;
    FOR_WINDOWS({
        START_IMAGE(gx)
        FOR_CHANNELS left_over[c] = 1;
        FOR_ELEMENTS({
            FOR_CHANNELS {
                float is_first = x[in + c] == y[out + c] ? left_over[c] : 0;
                gx[in + c] += g[out + c] * is_first;
                left_over[c] -= is_first;
            }
        })
    })
    free(left_over);
    return 1;
}

EXPORT int average_pool(const shape *s, const float *restrict x, float *restrict y) {
    FOR_WINDOWS({
        float *restrict to = y + out;
        float share = 1.0f / ((bottom - row) * (right - column));
        FOR_CHANNELS to[c] = 0;
        FOR_ELEMENTS({ FOR_CHANNELS to[c] += x[in + c]; })
        FOR_CHANNELS to[c] *= share;
    })
    return 1;
}

EXPORT int average_pool_pull(const shape *s, const float *restrict g, float *restrict gx) {
    FOR_WINDOWS({
        START_IMAGE(gx)
        float share = 1.0f / ((bottom - row) * (right - column));
        FOR_ELEMENTS({ FOR_CHANNELS gx[in + c] += g[out + c] * share; })
    })
    return 1;
}
