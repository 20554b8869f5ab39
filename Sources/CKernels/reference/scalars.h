#ifndef KVATLAS_REFERENCE_SCALARS_H
#define KVATLAS_REFERENCE_SCALARS_H

// Conversions of single numbers, exact in every bit with x86's F16C and AArch64's fcvt.

#include <stdint.h>
#include <string.h>

static inline uint32_t kva_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float kva_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float kva_half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t rest = half & 0x7FFF;
    if (rest >= 0x7C00) {
        // Infinity, or NaN with its payload, made quiet.
        return kva_float(sign | 0x7F800000 | (rest & 0x3FF) << 13 | (rest > 0x7C00 ? 0x00400000 : 0));
    }
    if (rest < 0x0400) {
        // Subnormal: a whole number of 2^-24.
        return kva_float(kva_bits((float)rest * 0x1p-24f) | sign);
    }
    return kva_float(sign | ((rest << 13) + 0x38000000));
}

static inline uint16_t kva_float_to_half(float x) {
    const uint32_t bits = kva_bits(x);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t rest = bits & 0x7FFFFFFF;
    if (rest > 0x7F800000) { return (uint16_t)(sign | 0x7E00 | (rest >> 13 & 0x3FF)); }
    if (rest >= 0x477FF000) { return (uint16_t)(sign | 0x7C00); }
    if (rest < 0x38800000) {
        // Below 2^-14: adding 0.5 leaves the result's bits, rounded to even, at the bottom of the mantissa.
        return (uint16_t)(sign | (kva_bits(kva_float(rest) + 0.5f) - 0x3F000000));
    }
    return (uint16_t)(sign | ((rest - 0x38000000 + 0x0FFF + (rest >> 13 & 1)) >> 13));
}

/// The float16 next to x towards zero: 65,504 for all that is finite and greater. NaN as in `kva_float_to_half`.
static inline uint16_t kva_float_to_half_towards_zero(float x) {
    const uint32_t bits = kva_bits(x);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t rest = bits & 0x7FFFFFFF;
    if (rest > 0x7F800000) { return (uint16_t)(sign | 0x7E00 | (rest >> 13 & 0x3FF)); }
    if (rest == 0x7F800000) { return (uint16_t)(sign | 0x7C00); }
    if (rest >= 0x477FE000) { return (uint16_t)(sign | 0x7BFF); }
    // Below 2^-14: a whole number of 2^-24.
    if (rest < 0x38800000) { return (uint16_t)(sign | (uint16_t)(kva_float(rest) * 0x1p24f)); }
    return (uint16_t)(sign | (rest - 0x38000000) >> 13);
}

static inline float kva_bfloat_to_float(uint16_t x) { return kva_float((uint32_t)x << 16); }

static inline uint16_t kva_float_to_bfloat(float x) {
    const uint32_t bits = kva_bits(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) { return (uint16_t)(bits >> 16 | 0x0040); }
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static inline uint16_t kva_load16(const uint8_t *bytes) {
    uint16_t x;
    memcpy(&x, bytes, sizeof x);
    return x;
}

static inline uint32_t kva_load32(const uint8_t *bytes) {
    uint32_t x;
    memcpy(&x, bytes, sizeof x);
    return x;
}

#endif
