#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "blocks.h"

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

static void dequantize_q6_k(const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 256, block += 210) {
        float scales[16];
        kva_unpack_q6_k_scales(block, KVA_BYTE_FACTOR, scales);
        for (int part = 0; part < 8; part++) {
            write_32(kva_q6_k_codes(block, part), kva_two_halves(scales + 2 * part), _mm256_setzero_ps(), 0,
                     y + i + 32 * part);
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
        case KVA_Q6_K: dequantize_q6_k(source, target, count); break;
        default: kva_reference_dequantize(type, source, target, count);
    }
}

#pragma clang attribute pop

#endif
