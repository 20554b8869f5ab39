#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "../avx2/half_blocks.h"
#include "avx512_inline.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

/// Writes scale·code + offset for 16 codes. scale·code is exact for all types with an offset, so fusing
/// changes nothing; those without must not add a zero, which would lose the sign of −0.
KVA_INLINE void write_16(__m128i codes, __m512 scale, __m512 offset, int adds, float *y) {
    const __m512 values = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
    _mm512_storeu_ps(y, adds ? _mm512_fmadd_ps(values, scale, offset) : _mm512_mul_ps(values, scale));
}

KVA_INLINE void dequantize_plain(kva_type type, size_t bytes, int adds, const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 32, block += bytes) {
        float scale, offset;
        const __m256i codes = kva_plain_codes(type, block, &scale, &offset);
        const __m512 d = _mm512_set1_ps(scale), m = _mm512_set1_ps(offset);
        write_16(_mm256_castsi256_si128(codes), d, m, adds, y + i);
        write_16(_mm256_extracti128_si256(codes, 1), d, m, adds, y + i + 16);
    }
}

KVA_INLINE void dequantize_k(int five, const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 256, block += five ? 176 : 144) {
        __m256 scale_vector, minimum_vector;
        kva_unpack_k_scales(block, &scale_vector, &minimum_vector);
        float scales[8], offsets[8];
        _mm256_storeu_ps(scales, scale_vector);
        _mm256_storeu_ps(offsets, _mm256_xor_ps(minimum_vector, _mm256_set1_ps(-0.0f)));
        for (int part = 0; part < 8; part++) {
            const __m256i codes = five ? kva_k_codes(block + 48, block + 16, part) : kva_k_codes(block + 16, 0, part);
            const __m512 scale = _mm512_set1_ps(scales[part]), offset = _mm512_set1_ps(offsets[part]);
            write_16(_mm256_castsi256_si128(codes), scale, offset, 1, y + i + 32 * part);
            write_16(_mm256_extracti128_si256(codes, 1), scale, offset, 1, y + i + 32 * part + 16);
        }
    }
}

static void dequantize_iq4_xs(const uint8_t *block, float *y, size_t count) {
    for (size_t i = 0; i < count; i += 256, block += 136) {
        float scales[8];
        _mm256_storeu_ps(scales, kva_iq4_xs_scales(block));
        for (int part = 0; part < 8; part++) {
            const __m256i codes = kva_iq4_values(kva_nibbles(block + 8 + 16 * part));
            const __m512 scale = _mm512_set1_ps(scales[part]), zero = _mm512_setzero_ps();
            write_16(_mm256_castsi256_si128(codes), scale, zero, 0, y + i + 32 * part);
            write_16(_mm256_extracti128_si256(codes, 1), scale, zero, 0, y + i + 32 * part + 16);
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
            _mm256_storeu_ps(scales + 8 * half, scale);
            _mm256_storeu_ps(offsets + 8 * half, _mm256_xor_ps(offset, _mm256_set1_ps(-0.0f)));
        }
        for (int part = 0; part < 8; part++) {
            const __m256i codes = kva_half_block_codes(type, block, part);
            write_16(_mm256_castsi256_si128(codes), _mm512_set1_ps(scales[2 * part]),
                     _mm512_set1_ps(offsets[2 * part]), adds, y + i + 32 * part);
            write_16(_mm256_extracti128_si256(codes, 1), _mm512_set1_ps(scales[2 * part + 1]),
                     _mm512_set1_ps(offsets[2 * part + 1]), adds, y + i + 32 * part + 16);
        }
    }
}

void kva_avx512_dequantize(kva_type type, const uint8_t *source, float *target, size_t count) {
    switch (type) {
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
        default: kva_avx2_dequantize(type, source, target, count);
    }
}

#pragma clang attribute pop

#endif
