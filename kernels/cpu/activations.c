/* Activation functions and their pullbacks, one pass over memory each. */
#include "common.h"

#define FORWARD(name, expression)                                                        \
    EXPORT int name(num n, const float *restrict numbers, float *restrict to, float a) { \
        (void)a;                                                                         \
        for (num i = 0; i < n; i++) {                                                    \
            float x = numbers[i];                                                        \
            to[i] = expression;                                                          \
        }                                                                                \
        return 1;                                                                        \
    }

/* g times the slope, which is a function of the value x, or of y. */
#define PULL(name, slope)                                                          \
    EXPORT int name(num n, const float *restrict numbers, const float *restrict g, \
                    float *restrict to, float a) {                                 \
        (void)a;                                                                   \
        for (num i = 0; i < n; i++) {                                              \
            float x = numbers[i], y = x;                                           \
            (void)y;                                                               \
            to[i] = g[i] * (slope);                                                \
        }                                                                          \
        return 1;                                                                  \
    }

/* Comparisons with NaN are false: written so, NaN stays NaN. */
FORWARD(relu, x < 0 ? 0 : x)
PULL(relu_pull, (float)(y > 0))

FORWARD(leaky_relu, x < 0 ? a * x : x)
PULL(leaky_relu_pull, x > 0 ? 1 : a)

FORWARD(elu, x > 0 ? x : a * exp_minus_1(x))
PULL(elu_pull, y > 0 ? 1 : y + a) /* for a > 0, y is above 0 where x is */

PULL(tanh_pull, 1 - y * y)

FORWARD(sigmoid, fast_sigmoid(x))
PULL(sigmoid_pull, y * (1 - y))

FORWARD(silu, x * fast_sigmoid(x))
PULL(silu_pull, fast_sigmoid(x) * (1 + x * (1 - fast_sigmoid(x))))

/* x P(X <= x) for a standard normal X, and its slope P(X <= x) + x p(x), where p is the density.
 * P(X > a) is exp(-a^2 / 2) times a smooth function of a > 0: a polynomial in t = 1 / (1 + 0.33 a),
 * least squares of the relative error on [0, 14] (3e-7 in float). */
EXPORT int gelu(num n, const float *restrict numbers, float *restrict to, float *restrict slope) {
    for (num i = 0; i < n; i++) {
        float x = numbers[i], bell = fast_exp(-0.5f * x * x);
        float t = 1.0f / (1.0f + 0.33f * (x < 0 ? -x : x));
        float p = -0.0208077564f;
        p = p * t + 0.123080629f;
        p = p * t - 0.267187481f;
        p = p * t + 0.224631989f;
        p = p * t - 0.0565276696f;
        p = p * t + 0.121819593f;
        p = p * t + 0.111065771f;
        p = p * t + 0.132302795f;
        p = p * t + 0.131622158f;
        float outer = bell * (p * t), below = x < 0 ? outer : 1.0f - outer;
        to[i] = x * below;
        slope[i] = below + x * (bell * 0.398942280f);
    }
    return 1;
}
