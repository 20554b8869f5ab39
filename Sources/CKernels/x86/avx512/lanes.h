#ifndef KVATLAS_AVX512_LANES_H
#define KVATLAS_AVX512_LANES_H

// The vector operations from which shared/full_attention.h and shared/packed_attention.h are built, sixteen lanes wide.

#include <immintrin.h>

#include "../avx2/avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

enum { LANES = 16, REGISTERS = 32 };
typedef __m512 floats;
typedef __m512i integers;

KVA_INLINE floats zero_floats(void) { return _mm512_setzero_ps(); }
KVA_INLINE floats all(float x) { return _mm512_set1_ps(x); }
KVA_INLINE floats load(const float *x) { return _mm512_loadu_ps(x); }
KVA_INLINE floats load_halves(const uint16_t *x) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)x));
}
KVA_INLINE void store(float *x, floats y) { _mm512_storeu_ps(x, y); }
KVA_INLINE void store_integers(void *x, integers y) { _mm512_storeu_si512(x, y); }
KVA_INLINE integers load_integers(const void *x) { return _mm512_loadu_si512(x); }
/// The larger of `a` and the magnitudes of float16 numbers at `x`, as bits; NaN is the largest.
KVA_INLINE integers larger_half_magnitude(integers a, const uint16_t *x) {
    return _mm512_max_epi16(a, _mm512_and_si512(load_integers(x), _mm512_set1_epi16(0x7FFF)));
}
KVA_INLINE void store_halves(float *x, integers y) {
    store(x, _mm512_cvtph_ps(_mm512_castsi512_si256(y)));
    store(x + LANES, _mm512_cvtph_ps(_mm512_extracti64x4_epi64(y, 1)));
}
KVA_INLINE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
KVA_INLINE floats multiply_add(floats a, floats b, floats c) { return _mm512_fmadd_ps(a, b, c); }
/// `a` where b is NaN: the scale of one group must not hide the others'.
KVA_INLINE floats larger_magnitude(floats a, floats b) { return _mm512_max_ps(_mm512_abs_ps(b), a); }
KVA_INLINE float largest_of(floats x) { return _mm512_reduce_max_ps(x); }
KVA_INLINE __m256 halves_added(floats x) {
    return _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
}
/// The sums of four vectors.
KVA_INLINE void store_four_sums(float *x, floats a, floats b, floats c, floats d) {
    _mm_storeu_ps(x, kva_four_sums(halves_added(a), halves_added(b), halves_added(c), halves_added(d)));
}
/// The sum of one, added in the same order.
KVA_INLINE float sum_of(floats x) {
    const __m256 half = halves_added(x);
    return _mm_cvtss_f32(kva_four_sums(half, half, half, half));
}
/// x / y, or zero where y is smaller than `least`.
KVA_INLINE floats quotient_or_zero(float x, floats y, float least) {
    return _mm512_maskz_div_ps(_mm512_cmp_ps_mask(y, all(least), _CMP_GE_OQ), all(x), y);
}

KVA_INLINE integers no_integers(void) { return _mm512_setzero_si512(); }
/// Rounds two vectors to 16-bit integers, in order.
KVA_INLINE integers words(floats low, floats high) {
    const __m512i packed = _mm512_packs_epi32(_mm512_cvtps_epi32(low), _mm512_cvtps_epi32(high));
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed);
}

/// a·b / 2^15, rounded.
KVA_INLINE integers word_products(integers a, integers b) { return _mm512_mulhrs_epi16(a, b); }

/// Two balanced digits of each 16-bit integer: four low ones, then the same four's high ones.
KVA_INLINE integers two_digits(integers x) {
    const __m512i half = _mm512_set1_epi16(0x80);
    const __m512i bytes = _mm512_xor_si512(_mm512_add_epi16(x, half), half);
    return _mm512_shuffle_epi8(
        bytes, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)));
}

KVA_INLINE integers add_words(integers a, integers b) { return _mm512_add_epi16(a, b); }
/// The high ones of `two_digits`, as words.
KVA_INLINE integers upper_digits(integers x) { return _mm512_mulhrs_epi16(x, _mm512_set1_epi16(128)); }
/// Writes 32 of them.
KVA_INLINE void store_upper_digits(uint8_t *x, const integers digits[1]) {
    _mm256_storeu_si256((__m256i *)(void *)x, _mm512_cvtepi16_epi8(digits[0]));
}
KVA_INLINE floats sums_of_digits(integers sum) {
    return _mm512_cvtepi32_ps(_mm512_madd_epi16(sum, _mm512_set1_epi16(1)));
}

/// Three balanced digits of each float, an integer below 2^23: four lowest ones, then the same four's next ones, …
KVA_INLINE integers three_digits(floats x) {
    const __m512i half = _mm512_set1_epi32(0x808080);
    const __m512i bytes = _mm512_xor_si512(_mm512_add_epi32(_mm512_cvtps_epi32(x), half), half);
    return _mm512_shuffle_epi8(
        bytes, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}

#pragma clang attribute pop

#endif
