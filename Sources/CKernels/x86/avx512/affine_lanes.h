#ifndef KVATLAS_AVX512_AFFINE_LANES_H
#define KVATLAS_AVX512_AFFINE_LANES_H

// The vector operations from which x86/affine_blocks.h is built, sixteen floats or 32 float16 wide.

#include "../avx2/avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

enum { LANES = 16, WORDS = 32 };
typedef __m512 floats;
typedef __m512i integers;
typedef __m512i words;
typedef __mmask16 lane_mask;

KVA_INLINE floats all(float x) { return _mm512_set1_ps(x); }
KVA_INLINE floats load(const float *x) { return _mm512_loadu_ps(x); }
KVA_INLINE floats load_halves(const uint16_t *x) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)x));
}
KVA_INLINE floats load_bfloats(const uint16_t *x) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
KVA_INLINE void store(float *x, floats y) { _mm512_storeu_ps(x, y); }
KVA_INLINE void store_halves(uint16_t *x, floats y) {
    _mm256_storeu_si256((__m256i *)(void *)x, _mm512_cvtps_ph(y, _MM_FROUND_TO_NEAREST_INT));
}
KVA_INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
KVA_INLINE floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
KVA_INLINE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
KVA_INLINE floats divide(floats a, floats b) { return _mm512_div_ps(a, b); }
/// The second where the first is NaN.
KVA_INLINE floats smaller(floats a, floats b) { return _mm512_min_ps(a, b); }
KVA_INLINE floats larger(floats a, floats b) { return _mm512_max_ps(a, b); }
KVA_INLINE floats magnitude(floats a) { return _mm512_abs_ps(a); }
KVA_INLINE floats rounded_to_half(floats x) {
    return _mm512_cvtph_ps(_mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

KVA_INLINE lane_mask is_zero(floats x) { return _mm512_cmp_ps_mask(x, all(0), _CMP_EQ_OQ); }
KVA_INLINE lane_mask but_not(lane_mask a, lane_mask b) { return (lane_mask)(a & ~b); }
KVA_INLINE floats choose(lane_mask mask, floats yes, floats no) { return _mm512_mask_blend_ps(mask, no, yes); }
KVA_INLINE integers mask_integers(lane_mask mask) { return _mm512_movm_epi32(mask); }

/// Rounds to 11 significant bits, ties away from zero.
KVA_INLINE floats rounded_to_11_bits(floats x) {
    const __m512i bits = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x1000));
    return _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(~0x1FFF)));
}
/// Rounds the difference of two float16 to float16.
KVA_INLINE floats rounded_difference(floats x) { return rounded_to_half(x); }
KVA_INLINE integers nearest(floats x) { return _mm512_cvtps_epi32(x); }

/// Integers of 32 neighbours, saturated to signed or unsigned bytes.
KVA_INLINE __m256i signed_bytes(const integers x[2]) {
    return _mm256_set_m128i(_mm512_cvtsepi32_epi8(x[1]), _mm512_cvtsepi32_epi8(x[0]));
}
KVA_INLINE __m256i unsigned_bytes(const integers x[2]) {
    return _mm256_set_m128i(_mm512_cvtusepi32_epi8(x[1]), _mm512_cvtusepi32_epi8(x[0]));
}
/// Bytes as floats.
KVA_INLINE floats load_bytes(const uint8_t *x) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)x)));
}

KVA_INLINE words load_words(const uint16_t *x) { return _mm512_loadu_si512(x); }
KVA_INLINE void store_words(uint16_t *x, words y) { _mm512_storeu_si512(x, y); }
KVA_INLINE words all_words(int16_t x) { return _mm512_set1_epi16(x); }
/// float16 bits as integers of the same order, and back.
KVA_INLINE words ordered(words x) {
    return _mm512_xor_si512(x, _mm512_srli_epi16(_mm512_srai_epi16(x, 15), 1));
}
KVA_INLINE words smaller_words(words a, words b) { return _mm512_min_epi16(a, b); }
KVA_INLINE words larger_words(words a, words b) { return _mm512_max_epi16(a, b); }
/// float16 bits without the sign.
KVA_INLINE words word_magnitude(words x) { return _mm512_and_si512(x, _mm512_set1_epi16(0x7FFF)); }

#pragma clang attribute pop

#endif
