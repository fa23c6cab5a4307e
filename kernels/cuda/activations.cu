/* Activation functions and their pullbacks, a launch each way; `which` is one of these. */
enum { RELU, LEAKY_RELU, ELU, SELU, TANH, SIGMOID, SILU, SOFTPLUS, SOFTSIGN, HARD_SIGMOID };

#define SCALE 1.0507009873554805f /* of selu, and its alpha */
#define ALPHA 1.6732632423543772f

/* Comparisons with NaN are false: written so, NaN stays NaN. a: a slope, or alpha. */
extern "C" __global__ void activation(num n, const float *numbers, float *y, int which, float a) {
    num i = own_number();
    if (i >= n) return;
    float x = numbers[i];
    switch (which) {
    case RELU: y[i] = x < 0.0f ? 0.0f : x; break;
    case LEAKY_RELU: y[i] = x < 0.0f ? a * x : x; break;
    case ELU: y[i] = x > 0.0f ? x : a * expm1f(x); break;
    case SELU: y[i] = SCALE * (x > 0.0f ? x : ALPHA * expm1f(x)); break;
    case TANH: y[i] = tanhf(x); break;
    case SIGMOID: y[i] = sigmoid(x); break;
    case SILU: y[i] = x * sigmoid(x); break;
    case SOFTPLUS: y[i] = (x < 0.0f ? 0.0f : x) + log1pf(expf(-fabsf(x))); break;
    case SOFTSIGN: y[i] = x / (1.0f + fabsf(x)); break;
    case HARD_SIGMOID:
        x = x / 6.0f + 0.5f;
        y[i] = x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
    }
}

/* The slope, from x; or from the value y, where that says it. */
__device__ __forceinline__ float slope_of(float x, int which, float a) {
    float y = x, s;
    switch (which) {
    case RELU: return y > 0.0f;
    case LEAKY_RELU: return x > 0.0f ? 1.0f : a;
    case ELU: return y > 0.0f ? 1.0f : y + a; /* for a > 0, y is above 0 where x is */
    case SELU: return y > 0.0f ? SCALE : y + SCALE * ALPHA;
    case TANH: return 1.0f - y * y;
    case SIGMOID: return y * (1.0f - y);
    case SILU: s = sigmoid(x); return s * (1.0f + x * (1.0f - s));
    case SOFTPLUS: return sigmoid(x);
    case SOFTSIGN: s = 1.0f + fabsf(x); return 1.0f / (s * s);
    default: return fabsf(x) < 3.0f ? 1.0f / 6.0f : 0.0f;
    }
}

/* gx = g times the slope, in all rows of g: blockIdx.y is the row. */
extern "C" __global__ void activation_pull(
    num n, const float *numbers, const float *g, float *gx, int which, float a
) {
    num i = own_number(), at = blockIdx.y * n + i;
    if (i < n) gx[at] = g[at] * slope_of(numbers[i], which, a);
}
