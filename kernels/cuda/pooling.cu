/* Pooling over windows of images (height, width, channels), padding left out: a thread for each
 * number that comes out. Where the image has one line it is a sequence. n counts the numbers of the
 * result; windows are (tall, wide), (down, across) apart, and begin (top, left) before the image;
 * there are (rows, columns) of them. On the way back blockIdx.y is the row of g, one for each loss.
 */

/* The window that a number of the output is of, as far as it lies in the image. */
struct Window {
    int c, top, left, bottom, right;
    num image; /* where the image begins */
};

__device__ __forceinline__ Window window_of(
    num i, int height, int width, int channels, int top, int left, int tall, int wide, int down,
    int across, int rows, int columns
) {
    Window w;
    w.c = i % channels;
    num at = i / channels;
    int column = at % columns, row = at / columns % rows;
    w.image = at / columns / rows * height * width * channels;
    int first = row * down - top, begin = column * across - left;
    w.top = first < 0 ? 0 : first;
    w.left = begin < 0 ? 0 : begin;
    w.bottom = first + tall < height ? first + tall : height;
    w.right = begin + wide < width ? begin + wide : width;
    return w;
}

/* winner: the place of the largest in its image, the first of equal ones; -1 where NaN is there. */
extern "C" __global__ void max_pool(
    num n, const float *x, float *y, int *winner, int height, int width, int channels, int top,
    int left, int tall, int wide, int down, int across, int rows, int columns
) {
    num i = own_number();
    if (i >= n) return;
    Window w = window_of(
        i, height, width, channels, top, left, tall, wide, down, across, rows, columns
    );
    int best_place = w.top * width + w.left;
    float best = x[w.image + (num)best_place * channels + w.c];
    for (int p = w.top; p < w.bottom; p++)
        for (int q = w.left; q < w.right; q++) {
            float one = x[w.image + ((num)p * width + q) * channels + w.c];
            if (one <= best || best != best) continue; /* NaN stays */
            best = one, best_place = p * width + q;
        }
    y[i] = best;
    winner[i] = best == best ? best_place : -1;
}

extern "C" __global__ void average_pool(
    num n, const float *x, float *y, int height, int width, int channels, int top, int left,
    int tall, int wide, int down, int across, int rows, int columns
) {
    num i = own_number();
    if (i >= n) return;
    Window w = window_of(
        i, height, width, channels, top, left, tall, wide, down, across, rows, columns
    );
    float sum = 0.0f;
    for (int p = w.top; p < w.bottom; p++)
        for (int q = w.left; q < w.right; q++)
            sum += x[w.image + ((num)p * width + q) * channels + w.c];
    y[i] = sum / ((w.bottom - w.top) * (w.right - w.left));
}

/* gx: the sum of what is handed back by all windows that contain a number; of the mean (winner is
 * null) an equal share, otherwise all if it is the winner. outputs: the numbers of one row of g. */
extern "C" __global__ void pool_pull(
    num n, num outputs, const int *winner, const float *g, float *gx, int height, int width,
    int channels, int top, int left, int tall, int wide, int down, int across, int rows,
    int columns
) {
    num i = own_number();
    if (i >= n) return;
    int c = i % channels, q = i / channels % width, p = i / channels / width % height;
    num image = i / channels / width / height;
    int last_row = (p + top) / down, last_column = (q + left) / across;
    int row = p + top < tall ? 0 : (p + top - tall) / down + 1;
    int first_column = q + left < wide ? 0 : (q + left - wide) / across + 1;
    g += blockIdx.y * outputs;
    float sum = 0.0f;
    for (; row <= last_row && row < rows; row++)
        for (int column = first_column; column <= last_column && column < columns; column++) {
            num out = ((image * rows + row) * columns + column) * channels + c;
            if (winner) {
                if (winner[out] == p * width + q) sum += g[out];
                continue;
            }
            Window w = window_of(
                out, height, width, channels, top, left, tall, wide, down, across, rows, columns
            );
            sum += g[out] / ((w.bottom - w.top) * (w.right - w.left));
        }
    gx[blockIdx.y * n + i] = sum;
}
