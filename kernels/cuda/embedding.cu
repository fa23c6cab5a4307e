/* Rows of a table picked by id, and the gradient of the table, with the same bits each time. */

/* y[i] = table[ids[i]], a thread for each number. An id that is out of range sets wrong. */
extern "C" __global__ void gather(
    num n, int width, int entries, const int *ids, const float *table, float *y, int *wrong
) {
    num i = own_number();
    if (i >= n) return;
    int id = ids[i / width];
    bool is_there = id >= 0 && id < entries;
    y[i] = is_there ? table[(num)id * width + i % width] : 0.0f;
    if (!is_there) *wrong = 1;
}

#define TILE 256 /* the threads of a block */

/* The ids in order, and where each was; equal ones keep theirs. A thread counts how many come before
 * its own: so many comparisons are n times n, but in one launch, and without a wait. */
extern "C" __global__ void sort_ids(int n, const int *ids, int *sorted, int *origin) {
    __shared__ int some[TILE];
    int i = (int)own_number(), mine = i < n ? ids[i] : 0, before = 0;
    for (int start = 0; start < n; start += TILE) {
        int count = n - start < TILE ? n - start : TILE;
        if (threadIdx.x < count) some[threadIdx.x] = ids[start + threadIdx.x];
        __syncthreads(); /* some are there */
        for (int k = 0; k < count; k++)
            before += some[k] < mine || (some[k] == mine && start + k < i);
        __syncthreads(); /* some have been read */
    }
    if (i < n) {
        sorted[before] = mine;
        origin[before] = i;
    }
}


#define SHARING 8 /* threads that share the sum of an id: it may be padding, in thousands of places */

/* to[id] = the sum of g (rows, n, width) where id was read; the rest of it is 0 already. A block is
 * a place among the sorted ids, and a row; the first place of each id works for all of them. */
extern "C" __global__ void add_up(
    int n, int width, int entries, const int *sorted, const int *origin, const float *g, float *to
) {
    __shared__ float sums[SHARING][COLUMNS];
    int first = blockIdx.x, part = threadIdx.y, id = sorted[first];
    bool is_owner = first == 0 || sorted[first - 1] != id;
    if (!is_owner || id < 0 || id >= entries) return; /* all threads of the block */
    g += (num)blockIdx.y * n * width;
    to += ((num)blockIdx.y * entries + id) * width;
    for (int start = 0; start < width; start += COLUMNS) {
        int column = start + threadIdx.x;
        float sum = 0.0f;
        if (column < width)
            for (int at = first + part; at < n && sorted[at] == id; at += SHARING)
                sum += g[(num)origin[at] * width + column];
        sums[part][threadIdx.x] = sum;
        __syncthreads(); /* all sums are there */
        if (part == 0 && column < width) {
            for (int other = 1; other < SHARING; other++) sum += sums[other][threadIdx.x];
            to[column] = sum;
        }
        __syncthreads(); /* they have been read */
    }
}
