#ifndef KVATLAS_AVX2_PRODUCTS_H
#define KVATLAS_AVX2_PRODUCTS_H

// What the products of all block types share: codes of two blocks of 32 times the digits of up to four prepared
// vectors, in integers. `a` holds the codes of the first, `b` those of the last 16 elements of each block.

#include "../../reference/prepared.h"
#include "../weight_prefetch.h"
#include "blocks.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

KVA_INLINE __m256i kva_digits(const int8_t *digits) { return _mm256_loadu_si256((const __m256i *)digits); }

/// 2^14·s2 + 2^7·s1 + s0, neighbours added.
KVA_INLINE __m256i kva_join_digits(__m256i s2, __m256i s1, __m256i s0) {
    const __m256i high = _mm256_madd_epi16(s2, _mm256_set1_epi16(1 << 14));
    const __m256i middle = _mm256_madd_epi16(s1, _mm256_set1_epi16(1 << 7));
    return _mm256_add_epi32(_mm256_add_epi32(high, middle), _mm256_madd_epi16(s0, _mm256_set1_epi16(1)));
}

/// Σ code·X in eight lanes, four a block, of codes below 32: no sum of four products passes 2^15.
KVA_INLINE __m256i kva_product_64(__m256i a, __m256i b, const int8_t *digits) {
    __m256i sums[3];
    for (size_t i = 0; i < 3; i++) {
        sums[i] = _mm256_add_epi16(_mm256_maddubs_epi16(a, kva_digits(digits + 128 * i)),
                                   _mm256_maddubs_epi16(b, kva_digits(digits + 128 * i + 64)));
    }
    return kva_join_digits(sums[0], sums[1], sums[2]);
}

/// The same of one half of the blocks, whose digits begin at `digits`; codes below 128.
KVA_INLINE __m256i kva_product_32(__m256i codes, const int8_t *digits) {
    return kva_join_digits(_mm256_maddubs_epi16(codes, kva_digits(digits)),
                           _mm256_maddubs_epi16(codes, kva_digits(digits + 128)),
                           _mm256_maddubs_epi16(codes, kva_digits(digits + 256)));
}

/// The same for signed codes: their magnitudes, at most 128, times the digits with their signs.
KVA_INLINE __m256i kva_signed_product_32(__m256i codes, const int8_t *digits) {
    const __m256i magnitudes = _mm256_abs_epi8(codes);
    __m256i sums[3];
    for (size_t i = 0; i < 3; i++) {
        sums[i] = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(kva_digits(digits + 128 * i), codes));
    }
    return kva_join_digits(sums[0], sums[1], sums[2]);
}

/// Every second element of `pairs` is an offset, to be added `factor` times.
KVA_INLINE float kva_finish(__m256 total, __m256 pairs, float factor) {
    const __m256 offsets = _mm256_blend_ps(_mm256_setzero_ps(), pairs, 0xAA);
    return kva_horizontal_sum(_mm256_fmadd_ps(offsets, _mm256_set1_ps(factor), total));
}

#pragma clang attribute pop

#endif
