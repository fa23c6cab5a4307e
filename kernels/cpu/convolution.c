/* Convolutions: windows of an input, times a kernel. Images are (height, width, channels).
 *
 * Nothing is copied into patches. A window is `taps` runs of `depth` neighbouring numbers (a line
 * of the kernel with its channels), and windows that follow each other in a line of the output are
 * `column_step` apart: a matrix already, with rows that overlap.
 */
#include "matrix.h"

typedef struct {
    num images, height, width, channels;    /* the input */
    num top, left, full_height, full_width; /* where it lies in a frame of zeros */
    num row_step, column_step;              /* from window to window in the frame */
    num taps, depth;                        /* of a window */
    num rows, columns, filters;             /* the windows; what comes of each */
    num out_image, out_row, out_column;     /* steps in the output, in numbers */
} shape;

/* The image in its frame. Where it fills the frame, it is used as it is. */
static const float *framed(const shape *s, const float *x, num image, float *frame) {
    x += image * s->height * s->width * s->channels;
    if (!frame) return x;
    num line = s->width * s->channels, full_line = s->full_width * s->channels;
    for (num i = 0; i < s->height; i++)
        memcpy(frame + (i + s->top) * full_line + s->left * s->channels, x + i * line, 4 * line);
    return frame;
}

/* Room for a frame, and for further numbers (one at least) behind it. */
static float *make_room(const shape *s, num more, float **frame) {
    int filled = s->full_height == s->height && s->full_width == s->width;
    num size = filled ? 0 : round_up(s->full_height * s->full_width * s->channels, 16);
    float *room = malloc(4 * (size + more));
    if (!room) return NULL;
    *frame = filled ? NULL : room;
    memset(room, 0, 4 * size);
    return room;
}

INLINE void some_windows(
    int rows, const shape *s, const float *x, const num *tap, const float *panel,
    const float *bias, float *y, num columns
) {
    pair sum[8], start = bias ? load_some(bias, columns) : (pair){{0}, {0}};
    for (int r = 0; r < rows; r++) sum[r] = start;
    for (num t = 0; t < s->taps; t++)
        add_product(rows, sum, x + tap[t], s->column_step * s->channels,
                    panel + t * s->depth * PANEL, s->depth);
    for (int r = 0; r < rows; r++) store_some(y + r * s->out_column, sum[r], columns);
}

/* y = windows @ kernel + bias (or NULL). tap: where each run starts in a window. The kernel is
 * (taps * depth, filters). Returns 0 if there is no memory. */
EXPORT int correlate(
    const shape *s, const float *x, const num *tap, const float *kernel, const float *bias,
    float *y
) {
    num depth = s->taps * s->depth;
    float *frame, *room = make_room(s, packed_size(depth, s->filters), &frame);
    if (!room) return 0;
    float *packed = frame ? room + round_up(s->full_height * s->full_width * s->channels, 16) : room;
    pack(kernel, s->filters, 1, depth, s->filters, packed);
    for (num image = 0; image < s->images; image++) {
        const float *from = framed(s, x, image, frame);
        for (num f = 0; f < s->filters; f += PANEL)
            for (num i = 0; i < s->rows; i++)
                for (num j = 0, rows; j < s->columns; j += rows) {
                    rows = piece(s->columns - j);
                    const float *at = from +
                        (i * s->row_step * s->full_width + j * s->column_step) * s->channels;
                    float *to = y + image * s->out_image + i * s->out_row + j * s->out_column + f;
                    WITH_ROWS(rows, some_windows, s, at, tap, packed + f * depth,
                             bias ? bias + f : NULL, to, s->filters - f)
                }
    }
    free(room);
    return 1;
}

INLINE void some_of_kernel(
    int rows, const shape *s, const float *x, const float *g, num from, num to, float *total,
    num columns
) {
    pair sum[8];
    for (int r = 0; r < rows; r++) sum[r] = load_some(total + r * s->filters, columns);
    for (num i = from; i < to; i++)
        add_outer_products(rows, sum, x + i * s->row_step * s->full_width * s->channels,
                           s->column_step * s->channels, g + i * s->columns * s->filters,
                           s->filters, s->columns);
    for (int r = 0; r < rows; r++) store_some(total + r * s->filters, sum[r], columns);
}

/* total (taps * depth, filters) += windows^T @ g. Some lines of windows at a time: they and their
 * part of g stay in the cache while all of the kernel is gone through. A panel of g may reach into
 * the next pixels, which does no harm: where it may reach behind g, a copy has room for that. */
EXPORT int kernel_gradient(
    const shape *s, const float *x, const num *tap, const float *g, float *total
) {
    num numbers = s->rows * s->columns * s->filters, whole = s->filters % PANEL == 0;
    float *frame, *room = make_room(s, numbers + PANEL, &frame);
    if (!room) return 0;
    float *copy = frame ? room + round_up(s->full_height * s->full_width * s->channels, 16) : room;
    num lines = s->columns > 128 ? 1 : 128 / s->columns;
    for (num image = 0; image < s->images; image++, g += numbers) {
        const float *from = framed(s, x, image, frame), *of = g;
        if (!whole && (s->images - 1 - image) * numbers < PANEL) {
            memcpy(copy, g, 4 * numbers);
            memset(copy + numbers, 0, 4 * PANEL);
            of = copy;
        }
        for (num i = 0; i < s->rows; i += lines)
            for (num t = 0; t < s->taps; t++)
                for (num k = 0, rows; k < s->depth; k += rows) {
                    rows = piece(s->depth - k);
                    for (num f = 0; f < s->filters; f += PANEL)
                        WITH_ROWS(rows, some_of_kernel, s, from + tap[t] + k, of + f, i,
                                  least(i + lines, s->rows),
                                  total + (t * s->depth + k) * s->filters + f, s->filters - f)
                }
    }
    free(room);
    return 1;
}
