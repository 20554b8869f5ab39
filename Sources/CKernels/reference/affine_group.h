#ifndef KVATLAS_AFFINE_GROUP_H
#define KVATLAS_AFFINE_GROUP_H

// The arithmetic of one group of uniform quantization, for every layout of codes.
//
// With float16 metadata it is step for step what KIVI's `triton_quantize_and_pack_along_last_dim` does: elements are
// float16 (others are rounded to it first), and each result is rounded to float16 before the next operation. With
// float32 metadata the same operations run in float32. For b bits:
//   asymmetric: minimum = min x, scale = (max x − min x) / (2^b − 1), code = clamp((x − minimum) / scale) to
//               0 … 2^b − 1, rounded, ties to even; x' = scale·code + minimum.
//   symmetric:  scale = max |x| / (2^(b−1) − 1), or max |x| for one bit, code = x / scale rounded, ties to even,
//               clamped to −2^(b−1) … 2^(b−1) − 1, plus 2^(b−1); x' = scale·(code − 2^(b−1)). One bit thus tells
//               −scale from 0.
// A group whose scale is zero has codes 0. A group that holds a NaN or an infinity (also after rounding to float16),
// or whose range overflows, decodes wholly to NaN: codes 0, and scale 0 with minimum NaN, or scale NaN where there
// are no minima. No other group is touched.

#include <math.h>

#include "reference.h"
#include "scalars.h"

#pragma clang assume_nonnull begin

typedef struct {
    float scale, minimum;
} kva_affine_group;

static inline float kva_affine_rounded(float x, const kva_affine_format *format) {
    return format->metadata_is_float ? x : kva_half_to_float(kva_float_to_half(x));
}

static inline float kva_affine_element(const void *x, size_t index, const kva_affine_format *format) {
    switch (format->element_type) {
        case KVA_F32: return kva_affine_rounded(((const float *)x)[index], format);
        case KVA_BF16: return kva_affine_rounded(kva_bfloat_to_float(((const uint16_t *)x)[index]), format);
        default: return kva_half_to_float(((const uint16_t *)x)[index]);
    }
}

/// The divisor of a range, or of the largest magnitude.
static inline float kva_affine_steps(unsigned bits, int is_symmetric) {
    if (!is_symmetric) { return (float)((1u << bits) - 1); }
    return bits == 1 ? 1 : (float)((1u << (bits - 1)) - 1);
}

/// What a group of `count` elements that begin at `first` and lie `stride` apart is quantized with.
static inline kva_affine_group kva_affine_group_of(const void *x, size_t first, size_t stride, size_t count,
                                                   const kva_affine_format *format) {
    float smallest = INFINITY, largest = -INFINITY;
    int finite = 1;
    for (size_t i = 0; i < count; i++) {
        const float value = kva_affine_element(x, first + i * stride, format);
        finite &= isfinite(value) != 0;
        smallest = value < smallest ? value : smallest;
        largest = value > largest ? value : largest;
    }
    // Zeros get the sign +, whichever of them the group holds, so that the order of comparison cannot show.
    smallest += 0.0f;
    largest += 0.0f;
    const float steps = kva_affine_steps(format->bits, format->is_symmetric);
    if (format->is_symmetric) {
        const float magnitude = -smallest > largest ? -smallest : largest;
        return (kva_affine_group){finite ? kva_affine_rounded(magnitude / steps, format) : NAN, 0};
    }
    const float range = kva_affine_rounded(largest - smallest, format);
    if (!finite || !isfinite(range)) { return (kva_affine_group){0, NAN}; }
    return (kva_affine_group){kva_affine_rounded(range / steps, format), smallest};
}

static inline unsigned kva_affine_code(float x, const kva_affine_group *group, const kva_affine_format *format) {
    if (group->scale == 0 || isnan(group->scale)) { return 0; }
    if (format->is_symmetric) {
        const float half = (float)(1u << (format->bits - 1));
        const float level = nearbyintf(kva_affine_rounded(x / group->scale, format));
        return (unsigned)((level < -half ? -half : level > half - 1 ? half - 1 : level) + half);
    }
    const float top = (float)((1u << format->bits) - 1);
    const float quotient = kva_affine_rounded(kva_affine_rounded(x - group->minimum, format) / group->scale, format);
    return (unsigned)nearbyintf(quotient < 0 ? 0 : quotient > top ? top : quotient);
}

/// With float16 metadata scale·code is exact in float32 (11 + 8 bits), so only the addition rounds.
static inline float kva_affine_decoded(unsigned code, const kva_affine_group *group, const kva_affine_format *format) {
    if (format->is_symmetric) { return group->scale * ((float)code - (float)(1u << (format->bits - 1))); }
    return group->scale * (float)code + group->minimum;
}

static inline void kva_affine_put(void *metadata, size_t index, float x, const kva_affine_format *format) {
    if (format->metadata_is_float) {
        ((float *)metadata)[index] = x;
    } else {
        ((uint16_t *)metadata)[index] = kva_float_to_half(x);
    }
}

static inline float kva_affine_get(const void *metadata, size_t index, const kva_affine_format *format) {
    return format->metadata_is_float ? ((const float *)metadata)[index]
                                     : kva_half_to_float(((const uint16_t *)metadata)[index]);
}

#pragma clang assume_nonnull end

#endif
