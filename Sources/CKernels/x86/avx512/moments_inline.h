#ifndef KVATLAS_AVX512_MOMENTS_INLINE_H
#define KVATLAS_AVX512_MOMENTS_INLINE_H

// What the sweep down channels and the sweep along tokens share.

#include "../moment_blocks.h"
#include "avx512_inline.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

typedef struct {
    __m512 power1, power2, power3, power4;
} kva_powers_16;

/// Extremes of 32 lanes. Of float16 as integers, three instructions for 32 elements: its bits rise with the
/// magnitude in both signs, so that as signed numbers the most is the maximum unless all are negative, as
/// unsigned numbers the most is the minimum unless none is, and otherwise the least signed is either.
typedef struct {
    __m512i most, most_unsigned, least;
    __m512 minimum[2], maximum[2];
} kva_extremes_32;

typedef struct {
    __m512 x[2];
    __m512i bits;
} kva_row_32;

KVA_INLINE kva_powers_16 kva_no_powers_16(void) {
    const __m512 zero = _mm512_setzero_ps();
    return (kva_powers_16){zero, zero, zero, zero};
}

KVA_INLINE kva_extremes_32 kva_no_extremes_32(void) {
    const __m512i least = _mm512_set1_epi16(INT16_MIN), most = _mm512_set1_epi16(INT16_MAX);
    const __m512 infinity = _mm512_set1_ps(INFINITY), negative = _mm512_set1_ps(-INFINITY);
    return (kva_extremes_32){least, _mm512_setzero_si512(), most, {infinity, infinity}, {negative, negative}};
}

KVA_INLINE void kva_add_powers_16(kva_powers_16 *sums, __m512 d) {
    const __m512 square = _mm512_mul_ps(d, d);
    sums->power1 = _mm512_add_ps(sums->power1, d);
    sums->power2 = _mm512_fmadd_ps(d, d, sums->power2);
    sums->power3 = _mm512_fmadd_ps(square, d, sums->power3);
    sums->power4 = _mm512_fmadd_ps(square, square, sums->power4);
}

KVA_INLINE void kva_join_powers_16(kva_powers_16 *sums, const kva_powers_16 *more) {
    sums->power1 = _mm512_add_ps(sums->power1, more->power1);
    sums->power2 = _mm512_add_ps(sums->power2, more->power2);
    sums->power3 = _mm512_add_ps(sums->power3, more->power3);
    sums->power4 = _mm512_add_ps(sums->power4, more->power4);
}

/// 32 elements of either type; of float16 also their bits.
KVA_INLINE kva_row_32 kva_load_32(const void *x, int is_half) {
    if (!is_half) {
        const float *floats = x;
        return (kva_row_32){{_mm512_loadu_ps(floats), _mm512_loadu_ps(floats + 16)}, _mm512_setzero_si512()};
    }
    const __m256i *halves = x;
    return (kva_row_32){
        {_mm512_cvtph_ps(_mm256_loadu_si256(halves)), _mm512_cvtph_ps(_mm256_loadu_si256(halves + 1))},
        _mm512_loadu_si512(x),
    };
}

KVA_INLINE void kva_widen_extremes_32(kva_extremes_32 *extremes, const kva_row_32 *row, int is_half) {
    if (is_half) {
        extremes->most = _mm512_max_epi16(extremes->most, row->bits);
        extremes->most_unsigned = _mm512_max_epu16(extremes->most_unsigned, row->bits);
        extremes->least = _mm512_min_epi16(extremes->least, row->bits);
        return;
    }
    for (size_t j = 0; j < 2; j++) {
        extremes->minimum[j] = _mm512_min_ps(row->x[j], extremes->minimum[j]);
        extremes->maximum[j] = _mm512_max_ps(row->x[j], extremes->maximum[j]);
    }
}

/// Bins of a row of 32.
KVA_INLINE __m512i kva_bins_32(const kva_row_32 *row, int is_half) {
    if (is_half) { return _mm512_srli_epi16(row->bits, 5); }
    const __m256i low = _mm512_cvtps_ph(row->x[0], _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __m256i high = _mm512_cvtps_ph(row->x[1], _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    return _mm512_srli_epi16(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), 5);
}

#pragma clang attribute pop

#endif
