/* Convolutions of images (height, width, channels): windows written out as rows of a matrix, so that
 * cuBLAS does the rest, and depthwise ones, which have no product of matrices in them.
 *
 * Windows have (tall, wide) elements, (far, apart) from one another; windows are (down, across)
 * apart and begin (top, left) before the image; there are (rows, columns) of them. A sequence is an
 * image of one line. A thread works for each number that comes out; nothing is added by two.
 */

/* The number of windows before the one that has (p, q) of an image as its element (a, b); -1 if none
 * does. */
__device__ __forceinline__ num window_with(
    int p, int q, int a, int b, int top, int left, int down, int across, int far, int apart,
    int rows, int columns
) {
    int row = p + top - a * far, column = q + left - b * apart;
    if (row < 0 || column < 0 || row % down || column % across) return -1;
    row /= down, column /= across;
    return row < rows && column < columns ? (num)row * columns + column : -1;
}

/* patches (images, rows, columns, tall, wide, channels), n numbers; 0 where there is padding. */
extern "C" __global__ void unfold(
    num n, const float *x, float *patches, int height, int width, int channels, int top, int left,
    int tall, int wide, int down, int across, int rows, int columns, int far, int apart
) {
    num i = own_number(), at = i / channels;
    if (i >= n) return;
    int c = i % channels, b = at % wide, a = at / wide % tall;
    at = at / wide / tall;
    int q = at % columns * across - left + b * apart;
    int p = at / columns % rows * down - top + a * far;
    num image = at / columns / rows;
    bool is_there = p >= 0 && p < height && q >= 0 && q < width;
    patches[i] = is_there ? x[((image * height + p) * width + q) * channels + c] : 0.0f;
}

/* The way back: x, n numbers, is the sum of all elements that stood for it, and bias (or null). */
extern "C" __global__ void fold(
    num n, const float *patches, const float *bias, float *x, int height, int width, int channels,
    int top, int left, int tall, int wide, int down, int across, int rows, int columns, int far,
    int apart
) {
    num i = own_number(), at = i / channels;
    if (i >= n) return;
    int c = i % channels, q = at % width, p = at / width % height;
    num image = at / width / height;
    float sum = 0.0f;
    for (int a = 0; a < tall; a++)
        for (int b = 0; b < wide; b++) {
            num w = window_with(
                p, q, a, b, top, left, down, across, far, apart, rows, columns
            );
            if (w < 0) continue;
            num element = ((image * rows * columns + w) * tall + a) * wide + b;
            sum += patches[element * channels + c];
        }
    x[i] = sum + (bias ? bias[c] : 0.0f);
}

/* Depthwise: output f = c * multiplier + m is channel c under its m-th filter. The kernel is (tall,
 * wide, channels * multiplier); bias may be null. */

extern "C" __global__ void depthwise(
    num n, const float *x, const float *kernel, const float *bias, float *y, int multiplier,
    int height, int width, int channels, int top, int left, int tall, int wide, int down,
    int across, int rows, int columns, int far, int apart
) {
    num i = own_number();
    if (i >= n) return;
    int filters = channels * multiplier, f = i % filters, c = f / multiplier;
    num at = i / filters, image = at / columns / rows;
    int left_end = at % columns * across - left, top_end = at / columns % rows * down - top;
    float sum = bias ? bias[f] : 0.0f;
    for (int a = 0; a < tall; a++)
        for (int b = 0; b < wide; b++) {
            int p = top_end + a * far, q = left_end + b * apart;
            if (p < 0 || p >= height || q < 0 || q >= width) continue;
            float one = x[((image * height + p) * width + q) * channels + c];
            sum += one * kernel[(a * wide + b) * filters + f];
        }
    y[i] = sum;
}

/* gx, n numbers in all rows of g, which are as further images. */
extern "C" __global__ void depthwise_pull(
    num n, const float *kernel, const float *g, float *gx, int multiplier, int height, int width,
    int channels, int top, int left, int tall, int wide, int down, int across, int rows,
    int columns, int far, int apart
) {
    num i = own_number(), at = i / channels;
    if (i >= n) return;
    int filters = channels * multiplier, c = i % channels, q = at % width, p = at / width % height;
    num image = at / width / height;
    float sum = 0.0f;
    for (int a = 0; a < tall; a++)
        for (int b = 0; b < wide; b++) {
            num w = window_with(
                p, q, a, b, top, left, down, across, far, apart, rows, columns
            );
            if (w < 0) continue;
            const float *own = g + (image * rows * columns + w) * filters + c * multiplier;
            const float *by = kernel + (a * wide + b) * filters + c * multiplier;
            for (int m = 0; m < multiplier; m++) sum += own[m] * by[m];
        }
    gx[i] = sum;
}

/* The gradient of the kernel: blockIdx.y is an element of the window, blockIdx.z a row of g. */
extern "C" __global__ void depthwise_kernel_pull(
    num outputs, const float *x, const float *g, float *to, int multiplier, int height, int width,
    int channels, int top, int left, int tall, int wide, int down, int across, int rows,
    int columns, int far, int apart
) {
    int filters = channels * multiplier, f = blockIdx.x * COLUMNS + threadIdx.x;
    int a = blockIdx.y / wide, b = blockIdx.y % wide;
    g += blockIdx.z * outputs * filters;
    Sum sum = {0.0f, 0.0f};
    for (num at = threadIdx.y; f < filters && at < outputs; at += PARTS) {
        int q = at % columns * across - left + b * apart;
        int p = at / columns % rows * down - top + a * far;
        if (p < 0 || p >= height || q < 0 || q >= width) continue;
        num image = at / columns / rows;
        float one = x[((image * height + p) * width + q) * channels + f / multiplier];
        sum.add(one * g[at * filters + f]);
    }
    float all = sum_of_column(sum.total);
    if (f < filters && threadIdx.y == 0)
        to[((num)blockIdx.z * tall * wide + blockIdx.y) * filters + f] = all;
}
