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

/* a: what exp(x) - 1 is multiplied with. See tinygrad_mo/ops/activations.py for the numbers. */
#define SELU_SCALE 1.0507009873554805f
FORWARD(selu, x > 0 ? SELU_SCALE * x : a * exp_minus_1(x))
PULL(selu_pull, y > 0 ? SELU_SCALE : y + a)

FORWARD(hard_sigmoid, x / 6 + 0.5f < 0 ? 0 : x / 6 + 0.5f > 1 ? 1 : x / 6 + 0.5f)
PULL(hard_sigmoid_pull, (float)(x > -3 && x < 3) / 6)

PULL(tanh_pull, 1 - y * y)

FORWARD(sigmoid, fast_sigmoid(x))
PULL(sigmoid_pull, y * (1 - y))

FORWARD(silu, x * fast_sigmoid(x))
PULL(silu_pull, fast_sigmoid(x) * (1 + x * (1 - fast_sigmoid(x))))

/* log(1 + exp(x)) and its slope, the sigmoid. With e = exp(-|x|) it is max(x, 0) + log(1 + e), and
 * log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3, of which 8 terms of the series are enough. */
EXPORT int softplus(
    num n, const float *restrict numbers, float *restrict to, float *restrict slope
) {
    for (num i = 0; i < n; i++) {
        float x = numbers[i], e = fast_exp(x < 0 ? x : -x), s = e / (2 + e), u = s * s;
        float p = 1.0f / 15;
        p = p * u + 1.0f / 13;
        p = p * u + 1.0f / 11;
        p = p * u + 1.0f / 9;
        p = p * u + 1.0f / 7;
        p = p * u + 1.0f / 5;
        p = p * u + 1.0f / 3;
        p = p * u + 1.0f;
        to[i] = (x < 0 ? 0 : x) + 2 * s * p;
        slope[i] = (x < 0 ? e : 1) / (1 + e);
    }
    return 1;
}

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
