/* What the kernels share: vectors of floats, exp and tanh that compilers can vectorise, scratch.
 *
 * Plain C with one extension of gcc and clang: vector types. LANES floats fill a register of the
 * processor for which the compiler was asked to build (-march=native).
 */
#ifndef COMMON_H
#define COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))

typedef ptrdiff_t num; /* a count or a place: 64 bits, on Windows, too */

/* aligned(4): may lie anywhere in memory, as an array of floats does. */
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE vec load(const float *from) { return *(const vec *)from; }
INLINE void store(float *to, vec v) { *(vec *)to = v; }
INLINE num least(num a, num b) { return a < b ? a : b; }
INLINE num round_up(num n, num step) { return (n + step - 1) / step * step; }

INLINE float as_float(int32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* exp(x) - 1 in two parts: exp(x) = scale * (rest + 1). Adding and taking off 1.5 * 2^23 rounds to
 * a whole number n, which is then in the low bits; with x = n log 2 + r, exp(x) = 2^n exp(r), and
 * rest is the Taylor series of exp(r) - 1, |r| < 0.35. Comparisons with NaN are false, so that the
 * clamps leave NaN as it is. What subnormal or infinite results
 * would need, x below -87 or above 88, is held there. */
INLINE void split_exp(float x, float *scale, float *rest) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693145752f - n * 1.42860677e-6f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    *rest = p * r * r + r;
    int32_t whole;
    memcpy(&whole, &shifted, 4);
    *scale = as_float((whole - 0x4B400000 + 127) << 23);
}

/* 0 where it would be subnormal. */
INLINE float fast_exp(float x) {
    float scale, rest;
    split_exp(x, &scale, &rest);
    return x < -87.0f ? 0.0f : scale * rest + scale;
}

INLINE float exp_minus_1(float x) {
    float scale, rest;
    split_exp(x, &scale, &rest);
    return scale * rest + (scale - 1.0f);
}

/* tanh as x P(x^2) / Q(x^2), a least-squares fit of the relative error on [-9, 9] (2e-8). Further
 * out tanh is +-1 in float. NaN passes the clamps. */
INLINE float fast_tanh(float x) {
    x = x < -9.02f ? -9.02f : x;
    x = x > 9.02f ? 9.02f : x;
    float u = x * x;
    float p = 1.331639287e-8f;
    p = p * u + 2.058172488e-5f;
    p = p * u + 3.493937992e-3f;
    p = p * u + 0.1337964087f;
    p = p * u + 0.9999999796f;
    float q = 7.760971318e-7f;
    q = q * u + 3.282927225e-4f;
    q = q * u + 2.587071851e-2f;
    q = q * u + 0.4671295636f;
    q = q * u + 1.0f;
    float y = x * p / q;
    y = x <= -9.02f ? -1.0f : y;
    return x >= 9.02f ? 1.0f : y;
}

INLINE float fast_sigmoid(float x) { return 0.5f * fast_tanh(0.5f * x) + 0.5f; }

/* What decays step by step ends at 0: numbers near the smallest float are slow to compute with. */
INLINE float drop_subnormal(float x) { return x < 1e-30f && x > -1e-30f ? 0 : x; }

/* Sums and maxima go lane by lane: in another order than written, which compilers may not choose. */
INLINE float sum_of(const float *x, num n) {
    float lane[LANES] = {0}, total = 0;
    num whole = n / LANES * LANES;
    for (num i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l];
    for (int l = 0; l < LANES; l++) total += lane[l];
    for (num i = whole; i < n; i++) total += x[i];
    return total;
}

INLINE float inner_product(const float *x, const float *y, num n) {
    float lane[LANES] = {0}, total = 0;
    num whole = n / LANES * LANES;
    for (num i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l] * y[i + l];
    for (int l = 0; l < LANES; l++) total += lane[l];
    for (num i = whole; i < n; i++) total += x[i] * y[i];
    return total;
}

#endif
