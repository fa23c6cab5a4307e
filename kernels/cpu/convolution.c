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
    int rows, int wide, const shape *s, const float *x, const num *tap, const float *panel,
    const float *bias, float *y, num columns
) {
    pair sum[8], start = bias ? load_some(bias, columns) : (pair){{0}, {0}};
    for (int r = 0; r < rows; r++) sum[r] = start;
    for (num t = 0; t < s->taps; t++)
        add_product(rows, wide, sum, x + tap[t], s->column_step * s->channels,
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
                    WITH_TILE(rows, s->filters - f, some_windows, s, at, tap, packed + f * depth,
                             bias ? bias + f : NULL, to, s->filters - f)
                }
    }
    free(room);
    return 1;
}

/* place: where the numbers of a window stand that are multiplied with these rows of the kernel. */
INLINE void some_of_kernel(
    int rows, int wide, const shape *s, const float *x, const num *place, const float *g, num from,
    num to, float *total, num columns
) {
    pair sum[8];
    num step = s->column_step * s->channels;
    for (int r = 0; r < rows; r++) sum[r] = load_some(total + r * s->filters, columns);
    for (num i = from; i < to; i++) {
        const float *line = x + i * s->row_step * s->full_width * s->channels, *number[8];
        for (int r = 0; r < rows; r++) number[r] = line + place[r];
        for (num j = 0; j < s->columns; j++) {
            pair b = load_tile(wide, g + (i * s->columns + j) * s->filters);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) add_scaled(wide, sum + r, number[r][j * step], b);
        }
    }
    for (int r = 0; r < rows; r++) store_some(total + r * s->filters, sum[r], columns);
}

/* total (taps * depth, filters) += windows^T @ g. Some lines of windows at a time: they and their
 * part of g stay in the cache while all of the kernel is gone through. A panel of g may reach into
 * the next pixels, which does no harm: where it may reach behind g, a copy has room for that. */
EXPORT int kernel_gradient(
    const shape *s, const float *x, const num *tap, const float *g, float *total
) {
    num numbers = s->rows * s->columns * s->filters, depth = s->taps * s->depth;
    num past = round_up(s->filters, PANEL) - s->filters;
    float *frame, *room = make_room(s, numbers + PANEL, &frame);
    num *place = malloc(depth * sizeof(num));
    if (!room || !place) {
        free(room), free(place);
        return 0;
    }
    for (num k = 0; k < depth; k++) place[k] = tap[k / s->depth] + k % s->depth;
    float *copy = frame ? room + round_up(s->full_height * s->full_width * s->channels, 16) : room;
    num lines = s->columns > 128 ? 1 : 128 / s->columns;
    const float *end = g + s->images * numbers;
    for (num image = 0; image < s->images; image++, g += numbers) {
        const float *from = framed(s, x, image, frame), *of = g;
        if (end - g < numbers + past) {
            memcpy(copy, g, 4 * numbers);
            of = copy;
        }
        for (num i = 0; i < s->rows; i += lines)
            for (num k = 0, rows; k < depth; k += rows) {
                rows = piece(depth - k);
                for (num f = 0; f < s->filters; f += PANEL)
                    WITH_TILE(rows, s->filters - f, some_of_kernel, s, from, place + k, of + f, i,
                              least(i + lines, s->rows), total + k * s->filters + f,
                              s->filters - f)
            }
    }
    free(room), free(place);
    return 1;
}

/* Depthwise: each channel by itself, so channels lie side by side in a register. A panel of them is
 * framed at a time, filled up with zeros. Its pixels are PANEL apart then; `tap` counts pixels. */

static void frame_panel(const shape *s, const float *x, num channels, float *frame) {
    for (num i = 0; i < s->height; i++) {
        float *to = frame + ((i + s->top) * s->full_width + s->left) * PANEL;
        for (num j = 0; j < s->width; j++, x += s->channels, to += PANEL)
            store_some(to, load_some(x, channels), PANEL);
    }
}

INLINE void some_by_channel(
    int windows, int wide, const shape *s, const float *x, const num *tap, const float *filters,
    pair start, float *y, num channels
) {
    pair sum[8];
    num step = s->column_step * PANEL;
    for (int w = 0; w < windows; w++) sum[w] = start;
    for (num t = 0; t < s->taps; t++) {
        pair k = load_tile(wide, filters + t * PANEL);
        const float *from = x + tap[t] * PANEL;
#pragma GCC unroll 8
        for (int w = 0; w < windows; w++) {
            pair a = load_tile(wide, from + w * step);
            sum[w].left += a.left * k.left;
            if (wide) sum[w].right += a.right * k.right;
        }
    }
    for (int w = 0; w < windows; w++) store_some(y + w * s->out_column, sum[w], channels);
}

/* y = windows * filters (taps, channels), summed for each channel, + bias (or NULL). */
EXPORT int depthwise(
    const shape *s, const float *x, const num *tap, const float *filters, const float *bias,
    float *y
) {
    num channels = s->channels, size = s->full_height * s->full_width * PANEL;
    float *frame = calloc(size + packed_size(s->taps, channels), 4), *packed = frame + size;
    if (!frame) return 0;
    pack(filters, channels, 1, s->taps, channels, packed);
    for (num image = 0; image < s->images; image++, x += s->height * s->width * channels)
        for (num c = 0; c < channels; c += PANEL) {
            pair start = bias ? load_some(bias + c, channels - c) : (pair){{0}, {0}};
            frame_panel(s, x + c, channels - c, frame);
            for (num i = 0; i < s->rows; i++)
                for (num j = 0, some; j < s->columns; j += some) {
                    some = piece(s->columns - j);
                    num first = i * s->row_step * s->full_width + j * s->column_step;
                    num to = image * s->out_image + i * s->out_row + j * s->out_column;
                    WITH_TILE(some, channels - c, some_by_channel, s, frame + first * PANEL,
                              tap, packed + c * s->taps, start, y + to + c, channels - c)
                }
        }
    free(frame);
    return 1;
}

INLINE void some_taps(
    int taps, int wide, const shape *s, const float *x, const num *tap, const float *g, float *total
) {
    pair sum[8] = {0};
    for (num j = 0; j < s->columns; j++) {
        pair b = load_tile(wide, g + j * PANEL);
#pragma GCC unroll 8
        for (int t = 0; t < taps; t++) {
            pair a = load_tile(wide, x + (tap[t] + j * s->column_step) * PANEL);
            sum[t].left += a.left * b.left;
            if (wide) sum[t].right += a.right * b.right;
        }
    }
    for (int t = 0; t < taps; t++) {
        pair old = load_pair(total + t * PANEL);
        sum[t].left += old.left, sum[t].right += old.right;
        store_some(total + t * PANEL, sum[t], PANEL);
    }
}

/* total (taps, channels) += windows * g, summed over all windows: first those of a line. */
EXPORT int depthwise_kernel_gradient(
    const shape *s, const float *x, const num *tap, const float *g, float *total
) {
    num channels = s->channels, line = s->columns * channels;
    num size = s->full_height * s->full_width * PANEL, of_totals = packed_size(s->taps, channels);
    float *frame = calloc(size + of_totals + s->columns * PANEL, 4);
    float *totals = frame + size, *of_g = totals + of_totals;
    if (!frame) return 0;
    for (num image = 0; image < s->images; image++, x += s->height * s->width * channels)
        for (num c = 0; c < channels; c += PANEL) {
            frame_panel(s, x + c, channels - c, frame);
            for (num i = 0; i < s->rows; i++) {
                const float *from = g + (image * s->rows + i) * line + c;
                for (num j = 0; j < s->columns; j++, from += channels)
                    store_some(of_g + j * PANEL, load_some(from, channels - c), PANEL);
                for (num t = 0, some; t < s->taps; t += some) {
                    some = piece(s->taps - t);
                    WITH_TILE(some, channels - c, some_taps, s,
                              frame + i * s->row_step * s->full_width * PANEL, tap + t, of_g,
                              totals + (c * s->taps + t * PANEL))
                }
            }
        }
    for (num c = 0; c < channels; c++)
        for (num t = 0; t < s->taps; t++)
            total[t * channels + c] += totals[(c / PANEL * s->taps + t) * PANEL + c % PANEL];
    free(frame);
    return 1;
}
