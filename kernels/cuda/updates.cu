/* Steps of optimizers, a thread for each number: the formulas of tinygrad_mo/optimizers/rules.py.
 *
 * One launch serves a flat array of any length; what is new may be written over what was there.
 * Nobody waits for an answer: if anything new is infinite or NaN, bad is set, and where it is set
 * already nothing is done. What changes from step to step, the rate and what weight decay has
 * left of w before the step, comes as two numbers; or, where changing is not null, from there: the
 * launch can then be captured once and repeated. velocity may be null.
 */

/* Not by a comparison with infinity, which NaN would pass. */
__device__ __forceinline__ bool is_finite(float x) { return fabsf(x) <= 3.402823466e38f; }

#define OWN_NUMBER(n)                       \
    num i = own_number();                   \
    if (i >= (n) || *bad) return;           \
    if (changing) rate = changing[0], shrink = changing[1];

extern "C" __global__ void update_sgd(
    num n, const float *w, const float *g, const float *velocity, float *to, float *to_velocity,
    float rate, float shrink, const float *changing, float momentum, int nesterov, int *bad
) {
    OWN_NUMBER(n)
    float move = -rate * g[i];
    if (velocity) {
        float v = to_velocity[i] = momentum * velocity[i] + move;
        move = nesterov ? momentum * v + move : v;
    }
    to[i] = shrink * w[i] + move;
    if (!is_finite(to[i]) || !is_finite(move)) *bad = 1;
}

extern "C" __global__ void update_rmsprop(
    num n, const float *w, const float *g, const float *mean_square, const float *velocity,
    float *to, float *to_mean_square, float *to_velocity, float rate, float shrink,
    const float *changing, float rho, float rest, float momentum, float epsilon, int *bad
) {
    OWN_NUMBER(n)
    float v = rho * mean_square[i] + rest * (g[i] * g[i]);
    float move = rate * g[i] / sqrtf(v + epsilon);
    if (velocity) move = to_velocity[i] = momentum * velocity[i] + move;
    to_mean_square[i] = v;
    to[i] = shrink * w[i] - move;
    if (!is_finite(to[i]) || !is_finite(v) || !is_finite(move)) *bad = 1;
}

extern "C" __global__ void update_adam(
    num n, const float *w, const float *g, const float *mean, const float *mean_square, float *to,
    float *to_mean, float *to_mean_square, float rate, float shrink, const float *changing,
    float rest_1, float rest_2, float epsilon, int *bad
) {
    OWN_NUMBER(n)
    float m = to_mean[i] = mean[i] + rest_1 * (g[i] - mean[i]);
    float v = to_mean_square[i] = mean_square[i] + rest_2 * (g[i] * g[i] - mean_square[i]);
    to[i] = shrink * w[i] - rate * m / (sqrtf(v) + epsilon);
    if (!is_finite(to[i]) || !is_finite(m) || !is_finite(v)) *bad = 1;
}

extern "C" __global__ void update_adagrad(
    num n, const float *w, const float *g, const float *accumulator, float *to,
    float *to_accumulator, float rate, float shrink, const float *changing, float epsilon, int *bad
) {
    OWN_NUMBER(n)
    float a = accumulator[i] + g[i] * g[i];
    to[i] = shrink * w[i] - rate * g[i] / sqrtf(a + epsilon);
    to_accumulator[i] = a;
    if (!is_finite(to[i]) || !is_finite(a)) *bad = 1;
}

/* Sets bad if a number of x is infinite or NaN: asked before a step is taken in place. */
extern "C" __global__ void note_not_finite(num n, const float *x, int *bad) {
    num i = own_number();
    if (i < n && !is_finite(x[i])) *bad = 1;
}
