#ifndef KVATLAS_AVX2_LANES_H
#define KVATLAS_AVX2_LANES_H

// The vector operations from which shared/full_attention.h and shared/packed_attention.h are built, eight lanes wide.

#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

enum { LANES = 8, REGISTERS = 16 };
typedef __m256 floats;
typedef __m256i integers;

KVA_INLINE floats zero_floats(void) { return _mm256_setzero_ps(); }
KVA_INLINE floats all(float x) { return _mm256_set1_ps(x); }
KVA_INLINE floats load(const float *x) { return _mm256_loadu_ps(x); }
KVA_INLINE floats load_halves(const uint16_t *x) { return kva_load_halves(x); }
KVA_INLINE void store(float *x, floats y) { _mm256_storeu_ps(x, y); }
KVA_INLINE void store_integers(void *x, integers y) { _mm256_storeu_si256(x, y); }
KVA_INLINE integers load_integers(const void *x) { return _mm256_loadu_si256(x); }
/// The larger of `a` and the magnitudes of float16 numbers at `x`, as bits; NaN is the largest.
KVA_INLINE integers larger_half_magnitude(integers a, const uint16_t *x) {
    return _mm256_max_epi16(a, _mm256_and_si256(load_integers(x), _mm256_set1_epi16(0x7FFF)));
}
KVA_INLINE void store_halves(float *x, integers y) {
    store(x, _mm256_cvtph_ps(_mm256_castsi256_si128(y)));
    store(x + LANES, _mm256_cvtph_ps(_mm256_extracti128_si256(y, 1)));
}
KVA_INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
KVA_INLINE floats multiply_add(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
/// `a` where b is NaN: the scale of one group must not hide the others'.
KVA_INLINE floats larger_magnitude(floats a, floats b) { return _mm256_max_ps(kva_absolute(b), a); }
KVA_INLINE float largest_of(floats x) { return kva_horizontal_maximum(x); }
/// The sums of four vectors.
KVA_INLINE void store_four_sums(float *x, floats a, floats b, floats c, floats d) {
    _mm_storeu_ps(x, kva_four_sums(a, b, c, d));
}
/// The sum of one, added in the same order.
KVA_INLINE float sum_of(floats x) { return _mm_cvtss_f32(kva_four_sums(x, x, x, x)); }
/// x / y, or zero where y is smaller than `least`.
KVA_INLINE floats quotient_or_zero(float x, floats y, float least) {
    return _mm256_and_ps(_mm256_cmp_ps(y, all(least), _CMP_GE_OQ), _mm256_div_ps(all(x), y));
}

KVA_INLINE integers no_integers(void) { return _mm256_setzero_si256(); }
/// Rounds two vectors to 16-bit integers: of the four fours of elements the first, third, second and fourth.
KVA_INLINE integers words(floats low, floats high) {
    return _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
}

/// a·b / 2^15, rounded.
KVA_INLINE integers word_products(integers a, integers b) { return _mm256_mulhrs_epi16(a, b); }

/// Two balanced digits of each 16-bit integer: four low ones, then the same four's high ones.
KVA_INLINE integers two_digits(integers x) {
    const __m256i half = _mm256_set1_epi16(0x80);
    const __m256i bytes = _mm256_xor_si256(_mm256_add_epi16(x, half), half);
    return _mm256_shuffle_epi8(
        bytes, _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)));
}

KVA_INLINE integers add_words(integers a, integers b) { return _mm256_add_epi16(a, b); }
/// The high ones of `two_digits`, as words.
KVA_INLINE integers upper_digits(integers x) { return _mm256_mulhrs_epi16(x, _mm256_set1_epi16(128)); }
/// Writes 32 of them.
KVA_INLINE void store_upper_digits(uint8_t *x, const integers digits[2]) {
    store_integers(x, _mm256_packs_epi16(digits[0], digits[1]));
}
KVA_INLINE floats sums_of_digits(integers sum) {
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)));
}

/// Where the bytes of a digit of elements 4·quad… lie among those of a unit of 32, as the packs above leave them.
#define HAS_DIGIT_PLACE
KVA_INLINE size_t digit_place(unsigned digits, size_t quad, size_t digit) {
    if (digits == 1) { return 16 * (quad & 1) + 4 * (quad >> 1); }
    if (digits == 2) { return 32 * (quad >> 2) + 16 * (quad & 1) + 8 * (quad >> 1 & 1) + 4 * digit; }
    return 16 * quad + 4 * digit;
}

/// Three balanced digits of each float, an integer below 2^23: four lowest ones, then the same four's next ones, …
KVA_INLINE integers three_digits(floats x) {
    const __m256i half = _mm256_set1_epi32(0x808080);
    const __m256i bytes = _mm256_xor_si256(_mm256_add_epi32(_mm256_cvtps_epi32(x), half), half);
    return _mm256_shuffle_epi8(
        bytes, _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}

#pragma clang attribute pop

#endif
