#ifndef KVATLAS_REFERENCE_PREPARED_H
#define KVATLAS_REFERENCE_PREPARED_H

// Where the parts of a prepared vector lie; the layout is told at `kva_prepared_bytes`.

#include <math.h>
#include <stddef.h>

#include "scalars.h"

static inline size_t kva_padded_columns(size_t count) { return (count + 255) / 256 * 256; }

typedef struct {
    int8_t *digits;
    /// Scale and sum of each 32.
    float *pairs;
    /// Sums of each 16.
    float *half_sums;
} kva_prepared_places;

static inline kva_prepared_places kva_places_of(uint8_t *prepared, size_t count) {
    const size_t padded = kva_padded_columns(count);
    float *floats = (float *)(void *)(prepared + 3 * padded);
    return (kva_prepared_places){(int8_t *)prepared, floats, floats + padded / 16};
}

static inline kva_prepared_places kva_places_of_token(const uint8_t *prepared, size_t count, size_t token) {
    return kva_places_of((uint8_t *)prepared + token * (kva_padded_columns(count) / 2 * 7), count);
}

/// Where the pair of a block of 32 lies.
static inline size_t kva_pair_place(size_t block) {
    const size_t within = block % 4;
    return 2 * (block - within + (within == 1 ? 2 : within == 2 ? 1 : within));
}

/// 2^-e for elements whose largest magnitude has the given bits; NaN for infinity and NaN.
static inline float kva_scale_of_magnitude(uint32_t magnitude) {
    if (magnitude >= 0x7F800000) { return NAN; }
    // No tiny scale for zeros: products with it are subnormal, and slow.
    if (magnitude == 0) { return 1; }
    // From 1.9902·2^n on the next power counts, so that the first digit stays below 128.
    const uint32_t exponent = (magnitude + 0x14000) >> 23;
    return kva_float((exponent > 21 ? exponent - 20 : 1) << 23);
}

static inline float kva_vector_scale(const float *x, size_t count) {
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t magnitude = kva_bits(x[i]) & 0x7FFFFFFF;
        if (magnitude > most) { most = magnitude; }
    }
    return kva_scale_of_magnitude(most);
}

#endif
