/* What the kernels share. It stands in front of the text of each file: NVRTC needs no #include. */

typedef long long num; /* a place in an array, which may have more numbers than an int counts */

__device__ __forceinline__ float sigmoid(float x) { return 0.5f * tanhf(0.5f * x) + 0.5f; }

/* The sum of what the threads of one row of a block hold; blockDim.x is a power of 2. It is the same
 * pattern of additions each time. All threads of the block must come here. */
__device__ __forceinline__ float sum_of_row(float mine) {
    __shared__ float room[1024];
    float *row = room + threadIdx.y * blockDim.x;
    __syncthreads(); /* what was here has been read */
    row[threadIdx.x] = mine;
    for (int half = blockDim.x / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) row[threadIdx.x] += row[threadIdx.x + half];
    }
    __syncthreads();
    return row[0];
}

__device__ __forceinline__ float largest_of_row(float mine) {
    __shared__ float room[1024];
    float *row = room + threadIdx.y * blockDim.x;
    __syncthreads();
    row[threadIdx.x] = mine;
    for (int half = blockDim.x / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            row[threadIdx.x] = fmaxf(row[threadIdx.x], row[threadIdx.x + half]);
    }
    __syncthreads();
    return row[0];
}

/* A block that adds up a few columns of a matrix: thread (x, y) has column x, every PARTS-th line. */
#define COLUMNS 32
#define PARTS 32

/* A long sum that rounds as little as a short one: what was lost is added the next time (Kahan). */
struct Sum {
    float total, lost;
    __device__ __forceinline__ void add(float x) {
        float wanted = x - lost, next = total + wanted;
        lost = (next - total) - wanted;
        total = next;
    }
};

/* The sum of what the threads of a column hold. All threads of the block must come here. */
__device__ __forceinline__ float sum_of_column(float mine) {
    __shared__ float room[PARTS][COLUMNS];
    __syncthreads(); /* what was here has been read */
    room[threadIdx.y][threadIdx.x] = mine;
    for (int half = PARTS / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.y < half)
            room[threadIdx.y][threadIdx.x] += room[threadIdx.y + half][threadIdx.x];
    }
    __syncthreads();
    return room[0][threadIdx.x];
}

/* Which number a thread works on, where each has one. */
__device__ __forceinline__ num own_number() { return blockIdx.x * (num)blockDim.x + threadIdx.x; }

#ifdef UNITS /* of a recurrent layer */
/* So many of its UNITS weights a thread keeps in registers through all steps; the others it reads
 * again in each, four at a time. A block may have 65,536 registers in all. */
#define KEPT (UNITS <= 96 ? UNITS : (UNITS <= 128 ? 64 : 16) + UNITS % 4)

__device__ __forceinline__ void keep(float *kept, const float *weights, int stride) {
#pragma unroll
    for (int k = 0; k < KEPT; k++) kept[k] = weights[k * stride];
}

/* The sum of x[k] w[k], as four sums: none of them waits for another. */
__device__ __forceinline__ float product(
    const float *x, const float *kept, const float *weights, int stride
) {
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int k = 0; k < KEPT; k++) sum[k % 4] += x[k] * kept[k];
#pragma unroll 2
    for (int k = KEPT; k < UNITS; k += 4)
#pragma unroll
        for (int n = 0; n < 4; n++) sum[n] += x[k + n] * weights[(k + n) * stride];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
#endif
