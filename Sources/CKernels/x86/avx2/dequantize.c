#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "half_blocks.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// Writes scale·code + offset for 32 codes. scale·code is exact for all types with an offset, so fusing
/// changes nothing; those without must not add a zero, which would lose the sign of −0.
KVA_INLINE void write_32(__m256i codes, __m256 scale, __m256 offset, int adds, float *y) {
    __m256 parts[4];
    for (int part = 0; part < 4; part++) {
        const __m256 values = kva_codes_to_floats(codes, part);
        parts[part] = adds ? _mm256_fmadd_ps(values, scale, offset) : _mm256_mul_ps(values, scale);
    }
    _mm256_storeu_ps(y, _mm256_permute2f128_ps(parts[0], parts[1], 0x20));
    _mm256_storeu_ps(y + 8, _mm256_permute2f128_ps(parts[2], parts[3], 0x20));
    _mm256_storeu_ps(y + 16, _mm256_permute2f128_ps(parts[0], parts[1], 0x31));
    _mm256_storeu_ps(y + 24, _mm256_permute2f128_ps(parts[2], parts[3], 0x31));
}

KVA_INLINE void dequantize_plain(kva_type type, size_t bytes, int adds, const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 32, block += bytes) {
        float scale, offset;
        const __m256i codes = kva_plain_codes(type, block, &scale, &offset);
        write_32(codes, _mm256_set1_ps(scale * KVA_BYTE_FACTOR), _mm256_set1_ps(offset), adds, y + i);
    }
}

KVA_INLINE void dequantize_k(int five, const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 256, block += five ? 176 : 144) {
        __m256 scale_vector, minimum_vector;
        kva_unpack_k_scales(block, &scale_vector, &minimum_vector);
        float scales[8], offsets[8];
        _mm256_storeu_ps(scales, _mm256_mul_ps(scale_vector, _mm256_set1_ps(KVA_BYTE_FACTOR)));
        _mm256_storeu_ps(offsets, _mm256_xor_ps(minimum_vector, _mm256_set1_ps(-0.0f)));
        for (int part = 0; part < 8; part++) {
            const __m256i codes = five ? kva_k_codes(block + 48, block + 16, part) : kva_k_codes(block + 16, 0, part);
            write_32(codes, _mm256_set1_ps(scales[part]), _mm256_set1_ps(offsets[part]), 1, y + i + 32 * part);
        }
    }
}

static void dequantize_iq4_xs(const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 256, block += 136) {
        float scales[8];
        _mm256_storeu_ps(scales, _mm256_mul_ps(kva_iq4_xs_scales(block), _mm256_set1_ps(KVA_BYTE_FACTOR)));
        for (int part = 0; part < 8; part++) {
            write_32(kva_iq4_values(kva_nibbles(block + 8 + 16 * part)), _mm256_set1_ps(scales[part]),
                     _mm256_setzero_ps(), 0, y + i + 32 * part);
        }
    }
}

KVA_INLINE void dequantize_halves(kva_type type, const uint8_t *block, float *y, size_t count) {
    const int adds = type == KVA_Q2_K;
    for (size_t i = 0; i < count; i += 256, block += kva_half_block_bytes(type)) {
        float scales[16], offsets[16];
        for (int half = 0; half < 2; half++) {
            __m256 scale, offset;
            kva_half_scales(type, block, half, &scale, &offset);
            _mm256_storeu_ps(scales + 8 * half, _mm256_mul_ps(scale, _mm256_set1_ps(KVA_BYTE_FACTOR)));
            _mm256_storeu_ps(offsets + 8 * half, _mm256_xor_ps(offset, _mm256_set1_ps(-0.0f)));
        }
        for (int part = 0; part < 8; part++) {
            write_32(kva_half_block_codes(type, block, part), kva_two_halves(scales + 2 * part),
                     kva_two_halves(offsets + 2 * part), adds, y + i + 32 * part);
        }
    }
}

void kva_avx2_dequantize(kva_type type, const uint8_t *source, float *target, size_t count) {
    switch (type) {
        case KVA_F16: kva_avx2_half_bytes_to_float(source, target, count); break;
        case KVA_BF16: kva_avx2_bfloat_bytes_to_float(source, target, count); break;
        case KVA_Q4_0: dequantize_plain(KVA_Q4_0, 18, 0, source, target, count); break;
        case KVA_Q4_1: dequantize_plain(KVA_Q4_1, 20, 1, source, target, count); break;
        case KVA_Q5_0: dequantize_plain(KVA_Q5_0, 22, 0, source, target, count); break;
        case KVA_Q5_1: dequantize_plain(KVA_Q5_1, 24, 1, source, target, count); break;
        case KVA_Q8_0: dequantize_plain(KVA_Q8_0, 34, 0, source, target, count); break;
        case KVA_Q4_K: dequantize_k(0, source, target, count); break;
        case KVA_Q5_K: dequantize_k(1, source, target, count); break;
        case KVA_Q2_K: dequantize_halves(KVA_Q2_K, source, target, count); break;
        case KVA_Q3_K: dequantize_halves(KVA_Q3_K, source, target, count); break;
        case KVA_Q6_K: dequantize_halves(KVA_Q6_K, source, target, count); break;
        case KVA_IQ4_NL: dequantize_plain(KVA_IQ4_NL, 18, 0, source, target, count); break;
        case KVA_IQ4_XS: dequantize_iq4_xs(source, target, count); break;
        default: kva_reference_dequantize(type, source, target, count);
    }
}

#pragma clang attribute pop

#endif
