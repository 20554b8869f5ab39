#ifndef KVATLAS_AVX2_MOMENTS_INLINE_H
#define KVATLAS_AVX2_MOMENTS_INLINE_H

// What the sweep down channels and the sweep along tokens share.

#include "../moment_blocks.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

typedef struct {
    __m256 power1, power2, power3, power4;
} kva_powers_8;

/// Extremes of 16 lanes. Of float16 as integers, three instructions for 16 elements: its bits rise with the
/// magnitude in both signs, so that as signed numbers the most is the maximum unless all are negative, as
/// unsigned numbers the most is the minimum unless none is, and otherwise the least signed is either.
typedef struct {
    __m256i most, most_unsigned, least;
    __m256 minimum[2], maximum[2];
} kva_extremes_16;

typedef struct {
    __m256 x[2];
    __m256i bits;
} kva_row_16;

KVA_INLINE kva_powers_8 kva_no_powers_8(void) {
    const __m256 zero = _mm256_setzero_ps();
    return (kva_powers_8){zero, zero, zero, zero};
}

KVA_INLINE kva_extremes_16 kva_no_extremes_16(void) {
    const __m256i least = _mm256_set1_epi16(INT16_MIN), most = _mm256_set1_epi16(INT16_MAX);
    const __m256 infinity = _mm256_set1_ps(INFINITY), negative = _mm256_set1_ps(-INFINITY);
    return (kva_extremes_16){least, _mm256_setzero_si256(), most, {infinity, infinity}, {negative, negative}};
}

KVA_INLINE void kva_add_powers_8(kva_powers_8 *sums, __m256 d) {
    const __m256 square = _mm256_mul_ps(d, d);
    sums->power1 = _mm256_add_ps(sums->power1, d);
    sums->power2 = _mm256_fmadd_ps(d, d, sums->power2);
    sums->power3 = _mm256_fmadd_ps(square, d, sums->power3);
    sums->power4 = _mm256_fmadd_ps(square, square, sums->power4);
}

KVA_INLINE void kva_join_powers_8(kva_powers_8 *sums, const kva_powers_8 *more) {
    sums->power1 = _mm256_add_ps(sums->power1, more->power1);
    sums->power2 = _mm256_add_ps(sums->power2, more->power2);
    sums->power3 = _mm256_add_ps(sums->power3, more->power3);
    sums->power4 = _mm256_add_ps(sums->power4, more->power4);
}

/// 16 elements of either type; of float16 also their bits.
KVA_INLINE kva_row_16 kva_load_16(const void *x, int is_half) {
    if (!is_half) {
        const float *floats = x;
        return (kva_row_16){{_mm256_loadu_ps(floats), _mm256_loadu_ps(floats + 8)}, _mm256_setzero_si256()};
    }
    const uint16_t *halves = x;
    return (kva_row_16){{kva_load_halves(halves), kva_load_halves(halves + 8)}, _mm256_loadu_si256(x)};
}

KVA_INLINE void kva_widen_extremes_16(kva_extremes_16 *extremes, const kva_row_16 *row, int is_half) {
    if (is_half) {
        extremes->most = _mm256_max_epi16(extremes->most, row->bits);
        extremes->most_unsigned = _mm256_max_epu16(extremes->most_unsigned, row->bits);
        extremes->least = _mm256_min_epi16(extremes->least, row->bits);
        return;
    }
    for (size_t j = 0; j < 2; j++) {
        extremes->minimum[j] = _mm256_min_ps(row->x[j], extremes->minimum[j]);
        extremes->maximum[j] = _mm256_max_ps(row->x[j], extremes->maximum[j]);
    }
}

/// Bins of a row of 16.
KVA_INLINE __m256i kva_bins_16(const kva_row_16 *row, int is_half) {
    if (is_half) { return _mm256_srli_epi16(row->bits, 5); }
    const __m128i low = _mm256_cvtps_ph(row->x[0], _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __m128i high = _mm256_cvtps_ph(row->x[1], _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    return _mm256_srli_epi16(_mm256_set_m128i(high, low), 5);
}

#pragma clang attribute pop

#endif
