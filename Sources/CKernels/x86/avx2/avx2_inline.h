#ifndef KVATLAS_AVX2_INLINE_H
#define KVATLAS_AVX2_INLINE_H

// Small pieces that several AVX2 kernels share.

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "avx2.h"

#define KVA_INLINE static inline __attribute__((always_inline, unused))

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// Ones in the first `count` (0…8) lanes, for masked loads and stores of a tail.
KVA_INLINE __m256i kva_tail_mask(size_t count) {
    static const int32_t ones_then_zeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + 8 - count));
}

/// Asks for what will be read soon, perhaps beyond the end: so much work is done on each byte that neither
/// out-of-order execution nor the processor's own prefetching reaches far enough ahead.
KVA_INLINE void kva_prefetch(const void *start, size_t distance, size_t bytes) {
    const uintptr_t first = (uintptr_t)start + distance;
    for (size_t i = 0; i < bytes; i += 64) { _mm_prefetch((const char *)(first + i), _MM_HINT_T0); }
}

/// Eight float16 from any address.
KVA_INLINE __m256 kva_load_halves(const void *x) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x));
}

/// Rounds to float16 and back.
KVA_INLINE __m256 kva_round_to_half(__m256 x) {
    return _mm256_cvtph_ps(_mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

KVA_INLINE float kva_horizontal_sum(__m256 x) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

KVA_INLINE float kva_horizontal_maximum(__m256 x) {
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}

KVA_INLINE float kva_horizontal_minimum(__m256 x) {
    __m128 least = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    least = _mm_min_ps(least, _mm_movehl_ps(least, least));
    return _mm_cvtss_f32(_mm_min_ss(least, _mm_movehdup_ps(least)));
}

/// The sums of four vectors.
KVA_INLINE __m128 kva_four_sums(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

KVA_INLINE __m256 kva_absolute(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }

/// exp(x) to 2 units in the last place; 0 below −86.9, where n would leave the normal range; NaN stays NaN.
///
/// exp(x) = 2^n · exp(r) with |r| ≤ ln 2 / 2; the polynomial is that of Cephes' `expf` (Moshier, 1989).
KVA_INLINE __m256 kva_exponential(__m256 x) {
    const __m256 too_small = _mm256_cmp_ps(x, _mm256_set1_ps(-86.9f), _CMP_LT_OQ);
    x = _mm256_min_ps(_mm256_set1_ps(89), x);
    const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                                     _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 p = _mm256_set1_ps(1.9875691500e-4f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.3981999507e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.3334519073e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.1665795894e-2f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.6666665459e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.0000001201e-1f));
    p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, _mm256_set1_ps(1)));
    // 2^n as 2 · 2^(n − 1), since n reaches 128 just below the overflow.
    const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(126)), 23);
    return _mm256_andnot_ps(too_small, _mm256_mul_ps(_mm256_add_ps(p, p), _mm256_castsi256_ps(power)));
}

#pragma clang attribute pop

#endif
