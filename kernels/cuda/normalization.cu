/* Normalisation of a matrix (n, channels): of each channel over the n samples (batch), or of each
 * sample over its channels (layer). normal is x less its mean, over its deviation; gamma and beta
 * may be null: 1 and 0. On the way back blockIdx.y is the row of g, one for each loss. */

#define OWN_COLUMN                                \
    int c = blockIdx.x * COLUMNS + threadIdx.x;   \
    bool is_there = c < channels;
#define FOR_SAMPLES for (num i = threadIdx.y; is_there && i < n; i += PARTS)

extern "C" __global__ void moments(
    num n, int channels, const float *x, float *mean, float *variance
) {
    OWN_COLUMN
    Sum sum = {0.0f, 0.0f}, squares = {0.0f, 0.0f};
    FOR_SAMPLES sum.add(x[i * channels + c]);
    float middle = sum_of_column(sum.total) / n;
    FOR_SAMPLES {
        float off = x[i * channels + c] - middle;
        squares.add(off * off);
    }
    float spread = sum_of_column(squares.total) / n;
    if (!is_there || threadIdx.y) return;
    mean[c] = middle;
    variance[c] = spread;
}

/* A thread for each number. */
extern "C" __global__ void normalise_channels(
    num n, int channels, const float *x, const float *mean, const float *variance,
    const float *gamma, const float *beta, float epsilon, float *normal, float *y
) {
    num i = own_number();
    if (i >= n * channels) return;
    int c = i % channels;
    normal[i] = (x[i] - mean[c]) / sqrtf(variance[c] + epsilon);
    y[i] = normal[i] * (gamma ? gamma[c] : 1.0f) + (beta ? beta[c] : 0.0f);
}

/* The sums of g and of g normal over all samples, for each row and channel. */
extern "C" __global__ void gradient_sums(
    num n, int channels, const float *normal, const float *g, float *of_gamma, float *of_beta
) {
    OWN_COLUMN
    num row = blockIdx.y;
    g += row * n * channels;
    Sum sum = {0.0f, 0.0f}, products = {0.0f, 0.0f};
    FOR_SAMPLES {
        float one = g[i * channels + c];
        sum.add(one);
        products.add(one * normal[i * channels + c]);
    }
    float all = sum_of_column(sum.total), all_products = sum_of_column(products.total);
    if (!is_there || threadIdx.y) return;
    of_beta[row * channels + c] = all;
    of_gamma[row * channels + c] = all_products;
}

/* A thread for each number. Every x of a channel is in its mean and its variance, whose own
 * gradients are g_mean and g_variance. */
extern "C" __global__ void normalise_channels_pull(
    num n, int channels, const float *normal, const float *variance, const float *gamma,
    float epsilon, const float *g, const float *of_gamma, const float *of_beta,
    const float *g_mean, const float *g_variance, float *gx
) {
    num i = own_number(), size = n * channels;
    if (i >= size) return;
    int c = i % channels;
    num row = blockIdx.y, k = row * channels + c;
    float deviation = sqrtf(variance[c] + epsilon), scale = (gamma ? gamma[c] : 1.0f) / deviation;
    float shared = (of_beta[k] + normal[i] * of_gamma[k]) / n;
    float of_moments = (g_mean[k] + 2.0f * g_variance[k] * normal[i] * deviation) / n;
    gx[row * size + i] = scale * (g[row * size + i] - shared) + of_moments;
}

/* Some threads of a block share a sample (blockDim.x), and the block has several (blockDim.y). */
#define OWN_SAMPLE                                         \
    num i = blockIdx.x * (num)blockDim.y + threadIdx.y;    \
    bool is_there = i < n;
#define FOR_CHANNELS for (int c = threadIdx.x; is_there && c < channels; c += blockDim.x)

extern "C" __global__ void normalise_samples(
    num n, int channels, const float *x, const float *gamma, const float *beta, float epsilon,
    float *normal, float *inverse, float *y
) {
    OWN_SAMPLE
    x += i * channels, normal += i * channels, y += i * channels;
    float sum = 0.0f, rest = 0.0f, squares = 0.0f;
    FOR_CHANNELS sum += x[c];
    float mean = sum_of_row(sum) / channels;
    FOR_CHANNELS rest += x[c] - mean; /* what rounding has left of the mean: it counts where ... */
    rest = sum_of_row(rest) / channels; /* ... the numbers are much alike */
    FOR_CHANNELS squares += (x[c] - mean - rest) * (x[c] - mean - rest);
    float by = 1.0f / sqrtf(sum_of_row(squares) / channels + epsilon);
    FOR_CHANNELS {
        normal[c] = (x[c] - mean - rest) * by;
        y[c] = normal[c] * (gamma ? gamma[c] : 1.0f) + (beta ? beta[c] : 0.0f);
    }
    if (is_there && threadIdx.x == 0) inverse[i] = by;
}

extern "C" __global__ void normalise_samples_pull(
    num n, int channels, const float *normal, const float *inverse, const float *gamma,
    const float *g, float *gx
) {
    OWN_SAMPLE
    num row = (blockIdx.y * n + i) * channels;
    normal += i * channels, g += row, gx += row;
    float sum = 0.0f, products = 0.0f;
    FOR_CHANNELS {
        float one = g[c] * (gamma ? gamma[c] : 1.0f);
        sum += one;
        products += one * normal[c];
    }
    sum = sum_of_row(sum) / channels;
    products = sum_of_row(products) / channels;
    FOR_CHANNELS gx[c] =
        inverse[i] * (g[c] * (gamma ? gamma[c] : 1.0f) - sum - normal[c] * products);
}
