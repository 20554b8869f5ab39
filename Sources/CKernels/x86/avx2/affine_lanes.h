#ifndef KVATLAS_AVX2_AFFINE_LANES_H
#define KVATLAS_AVX2_AFFINE_LANES_H

// The vector operations from which x86/affine_blocks.h is built, eight floats or sixteen float16 wide.

#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

enum { LANES = 8, WORDS = 16 };
typedef __m256 floats;
typedef __m256i integers;
typedef __m256i words;
/// All ones or zeros in each lane.
typedef __m256 lane_mask;

KVA_INLINE floats all(float x) { return _mm256_set1_ps(x); }
KVA_INLINE floats load(const float *x) { return _mm256_loadu_ps(x); }
KVA_INLINE floats load_halves(const uint16_t *x) { return kva_load_halves(x); }
KVA_INLINE floats load_bfloats(const uint16_t *x) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)x));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
KVA_INLINE void store(float *x, floats y) { _mm256_storeu_ps(x, y); }
KVA_INLINE void store_halves(uint16_t *x, floats y) {
    _mm_storeu_si128((__m128i *)(void *)x, _mm256_cvtps_ph(y, _MM_FROUND_TO_NEAREST_INT));
}
KVA_INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
KVA_INLINE floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
KVA_INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
KVA_INLINE floats divide(floats a, floats b) { return _mm256_div_ps(a, b); }
/// The second where the first is NaN.
KVA_INLINE floats smaller(floats a, floats b) { return _mm256_min_ps(a, b); }
KVA_INLINE floats larger(floats a, floats b) { return _mm256_max_ps(a, b); }
KVA_INLINE floats magnitude(floats a) { return kva_absolute(a); }
KVA_INLINE floats rounded_to_half(floats x) { return kva_round_to_half(x); }

KVA_INLINE lane_mask is_zero(floats x) { return _mm256_cmp_ps(x, all(0), _CMP_EQ_OQ); }
KVA_INLINE lane_mask but_not(lane_mask a, lane_mask b) { return _mm256_andnot_ps(b, a); }
KVA_INLINE floats choose(lane_mask mask, floats yes, floats no) { return _mm256_blendv_ps(no, yes, mask); }
KVA_INLINE integers mask_integers(lane_mask mask) { return _mm256_castps_si256(mask); }

/// Rounds to 11 significant bits, ties away from zero.
KVA_INLINE floats rounded_to_11_bits(floats x) {
    const __m256i bits = _mm256_add_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(0x1000));
    return _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32(~0x1FFF)));
}
/// Rounds the difference of two float16 to float16: in whole numbers, since the conversions there and back occupy
/// one unit of some processors. Below 2^-14, where float16 has fewer bits, the difference is exact and stays.
KVA_INLINE floats rounded_difference(floats x) {
    const integers bits = _mm256_castps_si256(x);
    const integers odd = _mm256_and_si256(_mm256_srli_epi32(bits, 13), _mm256_set1_epi32(1));
    const integers sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0xFFF)), odd);
    return _mm256_castsi256_ps(_mm256_and_si256(sum, _mm256_set1_epi32(~0x1FFF)));
}
KVA_INLINE integers nearest(floats x) { return _mm256_cvtps_epi32(x); }

/// Integers of 32 neighbours, saturated to signed or unsigned bytes.
KVA_INLINE __m256i signed_bytes(const integers x[4]) {
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(x[0], x[1]), _mm256_packs_epi32(x[2], x[3]));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
KVA_INLINE __m256i unsigned_bytes(const integers x[4]) {
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(x[0], x[1]), _mm256_packs_epi32(x[2], x[3]));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
/// Bytes as floats.
KVA_INLINE floats load_bytes(const uint8_t *x) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)x)));
}

KVA_INLINE words load_words(const uint16_t *x) { return _mm256_loadu_si256((const __m256i *)(const void *)x); }
KVA_INLINE void store_words(uint16_t *x, words y) { _mm256_storeu_si256((__m256i *)(void *)x, y); }
KVA_INLINE words all_words(int16_t x) { return _mm256_set1_epi16(x); }
/// float16 bits as integers of the same order, and back.
KVA_INLINE words ordered(words x) {
    return _mm256_xor_si256(x, _mm256_srli_epi16(_mm256_srai_epi16(x, 15), 1));
}
KVA_INLINE words smaller_words(words a, words b) { return _mm256_min_epi16(a, b); }
KVA_INLINE words larger_words(words a, words b) { return _mm256_max_epi16(a, b); }
/// float16 bits without the sign.
KVA_INLINE words word_magnitude(words x) { return _mm256_and_si256(x, _mm256_set1_epi16(0x7FFF)); }

#pragma clang attribute pop

#endif
