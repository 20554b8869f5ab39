#if defined(__x86_64__)

#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Tails go through a small buffer, so that every element meets the same instruction.

void kva_avx2_half_bytes_to_float(const uint8_t *source, float *target, size_t count) {
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        for (size_t j = 0; j < 32; j += 8) { _mm256_storeu_ps(target + i + j, kva_load_halves(source + 2 * (i + j))); }
    }
    for (; i + 8 <= count; i += 8) { _mm256_storeu_ps(target + i, kva_load_halves(source + 2 * i)); }
    if (i < count) {
        uint8_t rest[16] = {0};
        memcpy(rest, source + 2 * i, 2 * (count - i));
        _mm256_maskstore_ps(target + i, kva_tail_mask(count - i), kva_load_halves(rest));
    }
}

void kva_avx2_half_to_float(const uint16_t *source, float *target, size_t count) {
    kva_avx2_half_bytes_to_float((const uint8_t *)source, target, count);
}

void kva_avx2_float_to_half(const float *source, uint16_t *target, size_t count) {
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        for (size_t j = 0; j < 32; j += 8) {
            const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(source + i + j), _MM_FROUND_TO_NEAREST_INT);
            _mm_storeu_si128((__m128i *)(target + i + j), halves);
        }
    }
    for (; i < count; i += 8) {
        const size_t rest = count - i < 8 ? count - i : 8;
        uint16_t halves[8];
        const __m256 floats = _mm256_maskload_ps(source + i, kva_tail_mask(rest));
        _mm_storeu_si128((__m128i *)halves, _mm256_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT));
        memcpy(target + i, halves, rest * sizeof halves[0]);
    }
}

KVA_INLINE __m256 widen_bfloats(const uint8_t *source) {
    const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)source));
    return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
}

void kva_avx2_bfloat_bytes_to_float(const uint8_t *source, float *target, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) { _mm256_storeu_ps(target + i, widen_bfloats(source + 2 * i)); }
    if (i < count) {
        uint8_t rest[16] = {0};
        memcpy(rest, source + 2 * i, 2 * (count - i));
        _mm256_maskstore_ps(target + i, kva_tail_mask(count - i), widen_bfloats(rest));
    }
}

void kva_avx2_bfloat_to_float(const uint16_t *source, float *target, size_t count) {
    kva_avx2_bfloat_bytes_to_float((const uint8_t *)source, target, count);
}

KVA_INLINE __m128i narrow_to_bfloats(__m256 floats) {
    const __m256i bits = _mm256_castps_si256(floats);
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(floats, floats, _CMP_UNORD_Q));
    const __m256i lowest = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(lowest, _mm256_set1_epi32(0x7FFF)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    const __m256i words = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

void kva_avx2_float_to_bfloat(const float *source, uint16_t *target, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        _mm_storeu_si128((__m128i *)(target + i), narrow_to_bfloats(_mm256_loadu_ps(source + i)));
    }
    if (i < count) {
        uint16_t words[8];
        const __m256 floats = _mm256_maskload_ps(source + i, kva_tail_mask(count - i));
        _mm_storeu_si128((__m128i *)words, narrow_to_bfloats(floats));
        memcpy(target + i, words, (count - i) * sizeof words[0]);
    }
}

#pragma clang attribute pop

#endif
