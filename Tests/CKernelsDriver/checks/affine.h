#ifndef KVATLAS_KERNELS_DRIVER_AFFINE_H
#define KVATLAS_KERNELS_DRIVER_AFFINE_H

// What checks of quantization into rows and into tiles share.

#include "../driver.h"

/// The `turn`-th of the formats: element types, widths and metadata go round at different speeds.
static inline kva_affine_format format_of_turn(size_t turn) {
    static const unsigned widths[] = {2, 1, 4, 3, 8};
    static const kva_type types[] = {KVA_F16, KVA_F32, KVA_BF16, KVA_F16};
    static const size_t group_sizes[] = {32, 8, 64, 5, 16, 128, 1000};
    return (kva_affine_format){
        .element_type = types[turn % 4],
        .bits = widths[turn % 5],
        .group_size = group_sizes[turn % 7],
        .is_symmetric = turn / 3 % 3 == 0,
        .metadata_is_float = turn / 2 % 2 == 1,
    };
}

/// Elements of a sample in the format's type.
static inline const void *elements_of(const kva_affine_format *format, sample_kind kind, size_t count) {
    const float *x = sample(kind, count);
    if (format->element_type == KVA_F32) { return x; }
    uint16_t *words = EXACT(uint16_t, count);
    const kva_kernels *reference = kva_kernels_for(KVA_ISA_REFERENCE);
    (format->element_type == KVA_F16 ? reference->float_to_half : reference->float_to_bfloat)(x, words, count);
    return words;
}

static inline size_t metadata_size(const kva_affine_format *format) { return format->metadata_is_float ? 4 : 2; }

/// Metadata as a sample, never below zero: a scale is not.
static inline void *random_metadata(const kva_affine_format *format, sample_kind kind, size_t count) {
    float *x = sample(kind, count);
    for (size_t i = 0; i < count; i++) { x[i] = fabsf(x[i]); }
    if (format->metadata_is_float) { return x; }
    uint16_t *halves = EXACT(uint16_t, count);
    kva_kernels_for(KVA_ISA_REFERENCE)->float_to_half(x, halves, count);
    return halves;
}

static inline void expect_metadata(const kva_affine_format *format, const void *got, const void *expected,
                                   size_t count) {
    if (format->metadata_is_float) {
        expect_identical(got, expected, count);
    } else {
        expect_same_bytes(got, expected, 2 * count);
    }
}

static inline uint8_t *random_bytes(size_t count) {
    uint8_t *bytes = EXACT(uint8_t, count);
    for (size_t i = 0; i < count; i++) { bytes[i] = (uint8_t)random_bits(); }
    return bytes;
}

static inline uint8_t *zero_bytes(size_t count) {
    uint8_t *bytes = EXACT(uint8_t, count);
    memset(bytes, 0, count);
    return bytes;
}

/// Elements of rows `stride` apart of which the last ends with its own.
static inline size_t slab_elements(size_t tokens, size_t stride, size_t channels) {
    return tokens == 0 ? 0 : (tokens - 1) * stride + channels;
}

static inline void describe_format(const kva_affine_format *format, sample_kind kind, size_t first_token, size_t tokens,
                                   size_t channels) {
    describe_case("%s, type %d, %u bits, groups of %zu, %s, %s metadata, %zu tokens after %zu × %zu", sample_name(kind),
                  (int)format->element_type, format->bits, format->group_size,
                  format->is_symmetric ? "symmetric" : "asymmetric",
                  format->metadata_is_float ? "float32" : "float16", tokens, first_token, channels);
}

#endif
