/* 3x3 convolutions with strides of 1 after Winograd: 36 products for 4x4 outputs instead of 144.
 *
 * Lavin & Gray 2016, Fast Algorithms for Convolutional Neural Networks, F(4x4, 3x3). Overlapping
 * tiles of 6x6 pixels, the kernel and the 4x4 outputs are each transformed (along lines, then along
 * columns); in between stands one product of matrices for each of the 36 places of a tile:
 *
 *     y = A' [ (G k G') (B' x B) ] A        and its transpose        G' [ (B' x B)' (A g A') ] G
 *
 * Tiles are worked on in blocks that stay in the cache. Channels and filters must be multiples of
 * LANES. The error is about 1e-5 of the largest number; NaN or infinity spoils its whole tile.
 */
#include "matrix.h"

typedef struct {
    num images, height, width, channels; /* the input */
    num top, left;                       /* zeros before it */
    num rows, columns, filters;          /* the output */
} shape;

#define BLOCK 131072 /* numbers in a block: half a megabyte */

INLINE void of_input(vec *x, int step) { /* B' */
    vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
    vec even = x4 - 4 * x2, odd = x3 - 4 * x1, near = x4 - x2, far = 2 * (x3 - x1);
    x[0] = 4 * x0 - 5 * x2 + x4;
    x[5 * step] = 4 * x1 - 5 * x3 + x[5 * step];
    x[step] = even + odd;
    x[2 * step] = even - odd;
    x[3 * step] = near + far;
    x[4 * step] = near - far;
}

INLINE void to_output(vec *m, int step) { /* A' */
    vec sum1 = m[step] + m[2 * step], difference1 = m[step] - m[2 * step];
    vec sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    m[0] += sum1 + sum2;
    m[step] = difference1 + 2 * difference2;
    m[2 * step] = sum1 + 4 * sum2;
    m[3 * step] = difference1 + 8 * difference2 + m[5 * step];
}

INLINE void of_output(vec *g, int step) { /* A */
    vec g0 = g[0], g1 = g[step], g2 = g[2 * step], g3 = g[3 * step];
    vec even = g0 + g2, odd = g1 + g3, even2 = g0 + 4 * g2, odd2 = 2 * g1 + 8 * g3;
    g[step] = even + odd;
    g[2 * step] = even - odd;
    g[3 * step] = even2 + odd2;
    g[4 * step] = even2 - odd2;
    g[5 * step] = g3;
}

INLINE void of_kernel(vec *k, int step) { /* G */
    vec ends = k[0] + k[2 * step], middle = k[step];
    vec wide = k[0] / 24 + k[2 * step] / 6, half = middle / 12;
    k[5 * step] = k[2 * step];
    k[0] /= 4;
    k[step] = (ends + middle) / -6;
    k[2 * step] = (ends - middle) / -6;
    k[3 * step] = wide + half;
    k[4 * step] = wide - half;
}

INLINE void to_kernel(vec *m, int step) { /* G' */
    vec sum1 = (m[step] + m[2 * step]) / 6, sum2 = m[3 * step] + m[4 * step];
    vec difference = (m[2 * step] - m[step]) / 6 + (m[3 * step] - m[4 * step]) / 12;
    m[0] = m[0] / 4 - sum1 + sum2 / 24;
    m[step] = difference;
    m[2 * step] = sum2 / 6 - sum1 + m[5 * step];
}

/* Transform a tile along its first `lines` lines, then along all columns that there are then. */
#define BOTH_WAYS(transform, tile, lines, columns)                       \
    for (int i = 0; i < (lines); i++) transform((tile) + 6 * i, 1);      \
    for (int j = 0; j < (columns); j++) transform((tile) + j, 6);

/* Where a tile begins: line and column of its first output, and its image. */
typedef struct {
    num image, row, column;
} place;

INLINE place place_of(const shape *s, num tile) {
    num across = (s->columns + 3) / 4, down = (s->rows + 3) / 4;
    return (place){tile / (across * down), tile / across % down * 4, tile % across * 4};
}

/* A block of tiles is stored place by place, (36, tiles, channels). The step from place to place
 * is not a power of 2, so that the 36 numbers of a channel do not compete for the same cache lines.
 */
INLINE num place_step(num tiles, num channels) { return tiles * channels + LANES; }

/* Where the pixels of a tile are, `size` x `size` from (row, column) of an image: those outside of
 * it are at `zeros`. */
INLINE void find_pixels(
    const float **pixels, int size, const float *image, num height, num width, num channels,
    num row, num column, const float *zeros
) {
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            num y = row + i, x = column + j;
            int inside = y >= 0 && y < height && x >= 0 && x < width;
            pixels[6 * i + j] = inside ? image + (y * width + x) * channels : zeros;
        }
}

static void read_input(
    const shape *s, const float *x, num first, num tiles, const float *zeros, float *to
) {
    num step = place_step(tiles, s->channels);
    for (num t = 0; t < tiles; t++, to += s->channels) {
        const float *pixels[36];
        place p = place_of(s, first + t);
        find_pixels(pixels, 6, x + p.image * s->height * s->width * s->channels, s->height,
                    s->width, s->channels, p.row - s->top, p.column - s->left, zeros);
        for (num c = 0; c < s->channels; c += LANES) {
            vec tile[36];
            for (int i = 0; i < 36; i++) tile[i] = load(pixels[i] + c);
            BOTH_WAYS(of_input, tile, 6, 6)
            for (int i = 0; i < 36; i++) store(to + i * step + c, tile[i]);
        }
    }
}

static void read_output(
    const shape *s, const float *g, num first, num tiles, const float *zeros, float *to
) {
    num step = place_step(tiles, s->filters);
    for (num t = 0; t < tiles; t++, to += s->filters) {
        const float *pixels[36];
        place p = place_of(s, first + t);
        find_pixels(pixels, 4, g + p.image * s->rows * s->columns * s->filters, s->rows,
                    s->columns, s->filters, p.row, p.column, zeros);
        for (num f = 0; f < s->filters; f += LANES) {
            vec tile[36];
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) tile[6 * i + j] = load(pixels[6 * i + j] + f);
            BOTH_WAYS(of_output, tile, 4, 6)
            for (int i = 0; i < 36; i++) store(to + i * step + f, tile[i]);
        }
    }
}

static void write_output(
    const shape *s, const float *from, num first, num tiles, const float *bias, float *y
) {
    num step = place_step(tiles, s->filters);
    for (num t = 0; t < tiles; t++) {
        place p = place_of(s, first + t);
        num down = least(4, s->rows - p.row), across = least(4, s->columns - p.column);
        float *to = y + ((p.image * s->rows + p.row) * s->columns + p.column) * s->filters;
        for (num f = 0; f < s->filters; f += LANES) {
            vec tile[36], shift = bias ? load(bias + f) : (vec){0};
            for (int i = 0; i < 36; i++) tile[i] = load(from + i * step + t * s->filters + f);
            BOTH_WAYS(to_output, tile, 6, 4)
            for (num i = 0; i < down; i++)
                for (num j = 0; j < across; j++)
                    store(to + (i * s->columns + j) * s->filters + f, tile[6 * i + j] + shift);
        }
    }
}

INLINE void some_rows(
    int rows, int wide, const float *a, num depth, const float *panel, float *to, num step, num columns
) {
    pair sum[8] = {0};
    add_product(rows, wide, sum, a, depth, panel, depth);
    for (int r = 0; r < rows; r++) store_some(to + r * step, sum[r], columns);
}

/* The kernel (3, 3, channels, filters) as 36 packed matrices. */
static void read_kernel(const shape *s, const float *kernel, float *packed) {
    num size = packed_size(s->channels, s->filters), matrix = s->channels * s->filters;
    memset(packed, 0, 4 * 36 * size);
    for (num c = 0; c < s->channels; c++)
        for (num f = 0; f < s->filters; f += LANES) {
            vec tile[36];
            for (int i = 0; i < 9; i++)
                tile[i / 3 * 6 + i % 3] = load(kernel + i * matrix + c * s->filters + f);
            BOTH_WAYS(of_kernel, tile, 3, 6)
            float *to = packed + f / PANEL * PANEL * s->channels + c * PANEL + f % PANEL;
            for (int i = 0; i < 36; i++) store(to + i * size, tile[i]);
        }
}

static num block_of(const shape *s, num all) {
    num tiles = BLOCK / (36 * (s->channels + s->filters));
    return least(all, tiles < 2 * ROWS ? 2 * ROWS : tiles / ROWS * ROWS);
}

static num count_tiles(const shape *s) {
    return s->images * ((s->rows + 3) / 4) * ((s->columns + 3) / 4);
}

/* y = the correlation of x with the kernel, + bias (or NULL). Returns 0 if there is no memory. */
EXPORT int winograd_correlate(
    const shape *s, const float *x, const float *kernel, const float *bias, float *y
) {
    num all = count_tiles(s), block = block_of(s, all), size = packed_size(s->channels, s->filters);
    num of_x = 36 * place_step(block, s->channels), of_y = 36 * place_step(block, s->filters);
    float *packed = malloc(4 * (36 * size + of_x + of_y + s->channels));
    if (!packed) return 0;
    float *inputs = packed + 36 * size, *outputs = inputs + of_x, *zeros = outputs + of_y;
    memset(zeros, 0, 4 * s->channels);
    read_kernel(s, kernel, packed);
    for (num first = 0; first < all; first += block) {
        num tiles = least(block, all - first);
        read_input(s, x, first, tiles, zeros, inputs);
        for (int i = 0; i < 36; i++)
            for (num f = 0; f < s->filters; f += PANEL)
                for (num t = 0, rows; t < tiles; t += rows) {
                    rows = piece(tiles - t);
                    const float *a = inputs + i * place_step(tiles, s->channels) + t * s->channels;
                    float *to = outputs + i * place_step(tiles, s->filters) + t * s->filters + f;
                    WITH_TILE(rows, s->filters - f, some_rows, a, s->channels,
                              packed + i * size + f * s->channels, to, s->filters, s->filters - f)
                }
        write_output(s, outputs, first, tiles, bias, y);
    }
    free(packed);
    return 1;
}

INLINE void some_outer(
    int rows, int wide, const float *x, num channels, const float *g, num filters, num tiles,
    float *to, num columns
) {
    pair sum[8];
    for (int r = 0; r < rows; r++) sum[r] = load_some(to + r * filters, columns);
    add_outer_products(rows, wide, sum, x, channels, g, filters, tiles);
    for (int r = 0; r < rows; r++) store_some(to + r * filters, sum[r], columns);
}

/* gradient (3, 3, channels, filters) = how the kernel takes part in g. */
EXPORT int winograd_kernel_gradient(
    const shape *s, const float *x, const float *g, float *gradient
) {
    num all = count_tiles(s), block = block_of(s, all), matrix = s->channels * s->filters;
    num of_x = 36 * place_step(block, s->channels), of_g = 36 * place_step(block, s->filters);
    num wide = s->channels > s->filters ? s->channels : s->filters;
    float *totals = malloc(4 * (36 * matrix + of_x + of_g + PANEL + wide));
    if (!totals) return 0;
    float *inputs = totals + 36 * matrix, *outputs = inputs + of_x;
    float *zeros = outputs + of_g + PANEL; /* the last panel may be read past its end */
    memset(totals, 0, 4 * 36 * matrix);
    memset(zeros, 0, 4 * wide);
    for (num first = 0; first < all; first += block) {
        num tiles = least(block, all - first);
        read_input(s, x, first, tiles, zeros, inputs);
        read_output(s, g, first, tiles, zeros, outputs);
        for (int i = 0; i < 36; i++)
            for (num f = 0; f < s->filters; f += PANEL)
                for (num c = 0, rows; c < s->channels; c += rows) {
                    rows = piece(s->channels - c);
                    const float *a = inputs + i * place_step(tiles, s->channels) + c;
                    const float *b = outputs + i * place_step(tiles, s->filters) + f;
                    WITH_TILE(rows, s->filters - f, some_outer, a, s->channels, b, s->filters, tiles,
                              totals + i * matrix + c * s->filters + f, s->filters - f)
                }
    }
    for (num n = 0; n < matrix; n += LANES) {
        vec tile[36];
        for (int i = 0; i < 36; i++) tile[i] = load(totals + i * matrix + n);
        BOTH_WAYS(to_kernel, tile, 6, 3)
        for (int i = 0; i < 9; i++) store(gradient + i * matrix + n, tile[i / 3 * 6 + i % 3]);
    }
    free(totals);
    return 1;
}
