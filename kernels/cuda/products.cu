/* Products of matrices that are not too large. CuPy calls no cuBLAS while a step is captured.
 *
 * A block works out a square of the result, SIDE numbers each way; a thread of it EACH times EACH of
 * them, 16 apart. It goes along the inner axis in parts that are DEEP, which its threads fetch into
 * shared memory together. Where there are few squares, GROUPS of threads take turns at these parts, and
 * what they have found is added up in the end, in the same order each time.
 */

#ifdef EACH
#define SIDE (16 * EACH)
#define DEEP 16

/* to (batch, rows, columns) = x (batch, rows, inner) y (batch, inner, columns). How far apart two
 * matrices, two lines and two columns of x and y lie in memory is told: one that is turned over is
 * read as it lies there, and one that serves all others has 0 between matrices. */
extern "C" __global__ void __launch_bounds__(256 * GROUPS) product(
    num rows, num columns, num inner, const float *x, num x_matrix, num x_row, num x_inner,
    const float *y, num y_matrix, num y_inner, num y_column, float *to
) {
    __shared__ float some_x[GROUPS][DEEP][SIDE + 1], some_y[GROUPS][DEEP][SIDE + 1];
    __shared__ float found[GROUPS][256];
    int group = threadIdx.z, own = threadIdx.y * 16 + threadIdx.x;
    num top = blockIdx.y * (num)SIDE, left = blockIdx.x * (num)SIDE;
    x += blockIdx.z * x_matrix, y += blockIdx.z * y_matrix, to += blockIdx.z * rows * columns;
    float sum[EACH][EACH];
#pragma unroll
    for (int n = 0; n < EACH; n++)
#pragma unroll
        for (int m = 0; m < EACH; m++) sum[n][m] = 0.0f;
    for (num start = group * DEEP; start < inner + group * DEEP; start += GROUPS * DEEP) {
        for (int i = own; i < DEEP * SIDE; i += 256) {
            /* neighbours fetch what lies side by side */
            int deep = x_inner == 1 ? i % DEEP : i / SIDE, at = x_inner == 1 ? i / DEEP : i % SIDE;
            num k = start + deep, row = top + at;
            bool is_there = k < inner && row < rows;
            some_x[group][deep][at] = is_there ? x[row * x_row + k * x_inner] : 0.0f;
            deep = y_column == 1 ? i / SIDE : i % DEEP, at = y_column == 1 ? i % SIDE : i / DEEP;
            k = start + deep;
            num column = left + at;
            is_there = k < inner && column < columns;
            some_y[group][deep][at] = is_there ? y[k * y_inner + column * y_column] : 0.0f;
        }
        __syncthreads(); /* the parts are there */
#pragma unroll
        for (int k = 0; k < DEEP; k++) {
            float a[EACH], b[EACH];
#pragma unroll
            for (int n = 0; n < EACH; n++) {
                a[n] = some_x[group][k][threadIdx.y + 16 * n];
                b[n] = some_y[group][k][threadIdx.x + 16 * n];
            }
#pragma unroll
            for (int n = 0; n < EACH; n++)
#pragma unroll
                for (int m = 0; m < EACH; m++) sum[n][m] += a[n] * b[m];
        }
        __syncthreads(); /* the parts have been read */
    }
#pragma unroll
    for (int n = 0; n < EACH; n++)
#pragma unroll
        for (int m = 0; m < EACH; m++) {
            num row = top + threadIdx.y + 16 * n, column = left + threadIdx.x + 16 * m;
            float total = sum[n][m];
            if (GROUPS > 1) {
                found[group][own] = total;
                __syncthreads(); /* all groups have told */
                total = 0.0f;
                for (int other = 0; other < GROUPS; other++) total += found[other][own];
                __syncthreads(); /* all have been heard */
            }
            if (group == 0 && row < rows && column < columns) to[row * columns + column] = total;
        }
}
#endif
