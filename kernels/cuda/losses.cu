/* Softmax, the cross-entropies, and the weighted mean of losses.
 *
 * Rows of classes: some threads of a block, side by side, share a row (blockDim.x), and the block
 * has several (blockDim.y); a thread whose row is not there goes along to the barriers. In what is
 * pulled back blockIdx.y is the row of g, one for each loss.
 */

#define FOR_CLASSES for (int k = threadIdx.x; is_there && k < classes; k += blockDim.x)

/* Row `at` of a matrix of n rows. */
#define OWN_ROW                                            \
    num at = blockIdx.x * (num)blockDim.y + threadIdx.y;   \
    bool is_there = at < n;

/* The label of class k: one for each class, or the index of the right one, or none (both null). */
#define LABEL (index ? (float)(k == index[at]) : label ? label[at * classes + k] : 0.0f)

#define INFINITE __int_as_float(0x7f800000)

/* p = softmax(x). With a label for each class, or the index of the right one (one of both, or none:
 * null), also loss = -sum(label log(p)); an index that is no class sets wrong. */
extern "C" __global__ void softmax(
    num n, int classes, const float *x, const float *label, const num *index, float *p,
    float *loss, int *wrong
) {
    OWN_ROW
    x += at * classes, p += at * classes;
    float largest = -INFINITE, total = 0.0f;
    FOR_CLASSES largest = fmaxf(largest, x[k]);
    largest = largest_of_row(largest);
    FOR_CLASSES total += p[k] = expf(x[k] - largest);
    total = sum_of_row(total);
    float share = 1.0f / total, log_total = logf(total), cost = 0.0f;
    FOR_CLASSES {
        p[k] *= share;
        float share_of = LABEL; /* 0 of infinity is 0 */
        if (share_of != 0.0f) cost += share_of * (log_total - (x[k] - largest));
    }
    if (!loss) return;
    cost = sum_of_row(cost);
    if (!is_there || threadIdx.x) return;
    loss[at] = total != total ? total : cost;
    if (index && (index[at] < 0 || index[at] >= classes)) *wrong = 1;
}

/* gx = p (g - sum(g p)) */
extern "C" __global__ void softmax_pull(
    num n, int classes, const float *p, const float *g, float *gx
) {
    OWN_ROW
    num row = (blockIdx.y * n + at) * classes;
    p += at * classes, g += row, gx += row;
    float total = 0.0f;
    FOR_CLASSES total += g[k] * p[k];
    total = sum_of_row(total);
    FOR_CLASSES gx[k] = p[k] * (g[k] - total);
}

/* gx = g (p sum(label) - label) */
extern "C" __global__ void crossentropy_pull(
    num n, int classes, const float *p, const float *label, const num *index, const float *g,
    float *gx
) {
    OWN_ROW
    num row = blockIdx.y * n + at;
    p += at * classes, gx += row * classes;
    float weight = 0.0f;
    FOR_CLASSES weight += LABEL;
    weight = sum_of_row(weight);
    FOR_CLASSES gx[k] = g[row] * (p[k] * weight - LABEL);
}

/* Yes or no, number by number: the loss and its slope. Wrong labels and probabilities set wrong. */

__device__ __forceinline__ bool is_label(float x) { return !(x < 0.0f || x > 1.0f); }

extern "C" __global__ void binary_crossentropy(
    num n, const float *label, const float *p, float low, float high, float rounding, float *y,
    float *slope, int *wrong
) {
    num i = own_number();
    if (i >= n) return;
    float q = p[i] < low ? low : p[i] > high ? high : p[i];
    y[i] = -(label[i] * logf(q) + (1.0f - label[i]) * log1pf(-q));
    slope[i] = (q - label[i]) / (q * (1.0f - q));
    if (p[i] < low || p[i] > high) slope[i] *= 0.0f;
    if (!is_label(label[i]) || p[i] < -rounding || p[i] > 1.0f + rounding) *wrong = 1;
}

extern "C" __global__ void binary_crossentropy_from_logits(
    num n, const float *label, const float *logit, float *y, float *slope, int *wrong
) {
    num i = own_number();
    if (i >= n) return;
    float x = logit[i], p = sigmoid(x);
    if (fabsf(x) == INFINITE)
        y[i] = p == label[i] ? 0.0f : INFINITE;
    else
        y[i] = fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))) - label[i] * x;
    slope[i] = p - label[i];
    if (!is_label(label[i])) *wrong = 1;
}

/* mean = sum(scale losses), where scale is the weight over the count of what counts (or over the sum
 * of its weights); a weight serves `each` losses. NaN, and what the mask (or null) says False of,
 * does not count. One block goes through all. */
extern "C" __global__ void weighted_mean(
    num n, num each, const float *losses, const float *weights, const bool *mask, int by_weight,
    float *scale, float *mean, float *divisor
) {
    float counted = 0.0f, sum = 0.0f;
    for (num i = threadIdx.x; i < n; i += blockDim.x) {
        float w = weights[i / each];
        bool counts = w == w && (!mask || mask[i]);
        scale[i] = counts ? w : 0.0f;
        counted += by_weight ? scale[i] : (float)counts;
    }
    counted = sum_of_row(counted);
    for (num i = threadIdx.x; i < n; i += blockDim.x) {
        float w = weights[i / each], loss = losses[i];
        bool counts = w == w && (!mask || mask[i]);
        if (counted != 0.0f) scale[i] /= counted;
        if (counts && !(w == 0.0f && fabsf(loss) == INFINITE)) sum += scale[i] * loss;
    }
    sum = sum_of_row(sum);
    if (threadIdx.x) return;
    *mean = sum;
    *divisor = counted;
}
