#ifndef KVATLAS_AVX2_HALF_BLOCKS_H
#define KVATLAS_AVX2_HALF_BLOCKS_H

// Unpacking of GGUF blocks of 256 elements in which each 16 have a scale: Q2_K, Q3_K, Q6_K. They come in two halves of
// four parts of 32.

#include "blocks.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

KVA_INLINE size_t kva_half_block_bytes(kva_type type) {
    return type == KVA_Q2_K ? 84 : type == KVA_Q3_K ? 110 : 210;
}

/// Codes of Q6_K and Q3_K stand for as much less; those of Q2_K have an offset.
KVA_INLINE int kva_half_block_bias(kva_type type) { return type == KVA_Q3_K ? 4 : type == KVA_Q6_K ? 32 : 0; }

/// The 16 scales as signed bytes, two a part in the order of the parts.
KVA_INLINE __m128i kva_half_block_scales(kva_type type, const uint8_t *block) {
    if (type == KVA_Q6_K) { return _mm_loadu_si128((const __m128i *)(block + 192)); }
    const __m128i nibble = _mm_set1_epi8(15);
    if (type == KVA_Q2_K) { return _mm_and_si128(_mm_loadu_si128((const __m128i *)block), nibble); }
    // Q3_K: four low bits of scales 0…7 and 8…15, then two high bits of scales 0…3, 4…7, …
    const uint64_t low = kva_load32(block + 96) | (uint64_t)kva_load32(block + 100) << 32;
    const uint32_t high = kva_load32(block + 104);
    const __m128i lows = _mm_and_si128(_mm_set_epi64x((int64_t)(low >> 4), (int64_t)low), nibble);
    const __m128i highs = _mm_and_si128(
        _mm_setr_epi32((int)(high << 4), (int)(high << 2), (int)high, (int)(high >> 2)), _mm_set1_epi8(48));
    return _mm_sub_epi8(_mm_or_si128(lows, highs), _mm_set1_epi8(32));
}

KVA_INLINE float kva_half_block_scale(kva_type type, const uint8_t *block) {
    return kva_block_half(block + (type == KVA_Q2_K ? 80 : type == KVA_Q3_K ? 108 : 208));
}

/// Scales of the eight groups of 16 elements of one half; and what is subtracted, for Q2_K as it is, for the others to
/// be multiplied by the bias.
KVA_INLINE void kva_half_scales(kva_type type, const uint8_t *block, int half, __m256 *scales, __m256 *offsets) {
    const __m128i bytes = kva_half_block_scales(type, block);
    const __m256 d = _mm256_set1_ps(kva_half_block_scale(type, block));
    *scales = _mm256_mul_ps(
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half ? _mm_srli_si128(bytes, 8) : bytes)), d);
    *offsets = *scales;
    if (type == KVA_Q2_K) {
        const __m128i both = _mm_loadl_epi64((const __m128i *)(block + 8 * half));
        const __m128i minima = _mm_and_si128(_mm_srli_epi16(both, 4), _mm_set1_epi8(15));
        *offsets = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(minima)),
                                 _mm256_set1_ps(kva_block_half(block + 82)));
    }
}

/// Bits from `bytes` of the 32 elements `part` (0…3) of a half, two each.
KVA_INLINE __m256i kva_two_bits(const uint8_t *bytes, int part) {
    return _mm256_and_si256(_mm256_srli_epi16(_mm256_loadu_si256((const __m256i *)bytes), 2 * part),
                            _mm256_set1_epi8(3));
}

/// Codes of the 32 elements `part` (0…7), less the bias.
KVA_INLINE __m256i kva_half_block_codes(kva_type type, const uint8_t *block, int part) {
    const int half = part / 4, quarter = part % 4;
    if (type == KVA_Q2_K) { return kva_two_bits(block + 16 + 32 * half, quarter); }
    __m256i codes;
    if (type == KVA_Q3_K) {
        const __m256i masks = _mm256_loadu_si256((const __m256i *)block);
        const __m256i moved = part < 2 ? _mm256_slli_epi16(masks, 2 - part) : _mm256_srli_epi16(masks, part - 2);
        codes = _mm256_or_si256(kva_two_bits(block + 32 + 32 * half, quarter),
                                _mm256_and_si256(moved, _mm256_set1_epi8(4)));
    } else {
        __m256i low = _mm256_loadu_si256((const __m256i *)(block + 64 * half + 32 * (quarter % 2)));
        if (quarter / 2) { low = _mm256_srli_epi16(low, 4); }
        __m256i high = _mm256_loadu_si256((const __m256i *)(block + 128 + 32 * half));
        high = quarter < 2 ? _mm256_slli_epi16(high, 4 - 2 * quarter) : _mm256_srli_epi16(high, 2 * quarter - 4);
        codes = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)),
                                _mm256_and_si256(high, _mm256_set1_epi8(48)));
    }
    return _mm256_sub_epi8(codes, _mm256_set1_epi8((char)kva_half_block_bias(type)));
}

#pragma clang attribute pop

#endif
