#ifndef KVATLAS_AVX512_PRODUCTS_H
#define KVATLAS_AVX512_PRODUCTS_H

// What the products of all block types share: codes of 128 elements (four blocks of 32) times the digits of
// up to four prepared vectors, in integers by `vpdpbusd`. `a` holds the codes of the first, `b` those of the last
// 16 elements of each block, as digits lie: a block's products then meet in the same four lanes.

#include "../../reference/prepared.h"
#include "../avx2/blocks.h"
#include "../weight_prefetch.h"
#include "avx512_inline.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

/// Σ code·X in 16 lanes, four a block.
KVA_INLINE __m512i kva_product_128(__m512i a, __m512i b, const int8_t *digits) {
    __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), a, _mm512_loadu_si512(digits));
    sum = _mm512_slli_epi32(_mm512_dpbusd_epi32(sum, b, _mm512_loadu_si512(digits + 64)), 7);
    sum = _mm512_dpbusd_epi32(sum, a, _mm512_loadu_si512(digits + 128));
    sum = _mm512_slli_epi32(_mm512_dpbusd_epi32(sum, b, _mm512_loadu_si512(digits + 192)), 7);
    sum = _mm512_dpbusd_epi32(sum, a, _mm512_loadu_si512(digits + 256));
    return _mm512_dpbusd_epi32(sum, b, _mm512_loadu_si512(digits + 320));
}

/// The same of one half of the blocks, whose digits begin at `digits`.
KVA_INLINE __m512i kva_product_64(__m512i codes, const int8_t *digits) {
    __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), codes, _mm512_loadu_si512(digits));
    sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 7), codes, _mm512_loadu_si512(digits + 128));
    return _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 7), codes, _mm512_loadu_si512(digits + 256));
}

/// The digits with the signs of the codes.
KVA_INLINE __m512i kva_signed_digits(__mmask64 negative, const int8_t *digits) {
    const __m512i x = _mm512_loadu_si512(digits);
    return _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x);
}

/// `kva_product_128` for signed codes: their magnitudes times the digits with their signs.
KVA_INLINE __m512i kva_signed_product_128(__m512i a, __m512i b, const int8_t *digits) {
    const __mmask64 p = _mm512_movepi8_mask(a), q = _mm512_movepi8_mask(b);
    a = _mm512_abs_epi8(a);
    b = _mm512_abs_epi8(b);
    __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), a, kva_signed_digits(p, digits));
    sum = _mm512_slli_epi32(_mm512_dpbusd_epi32(sum, b, kva_signed_digits(q, digits + 64)), 7);
    sum = _mm512_dpbusd_epi32(sum, a, kva_signed_digits(p, digits + 128));
    sum = _mm512_slli_epi32(_mm512_dpbusd_epi32(sum, b, kva_signed_digits(q, digits + 192)), 7);
    sum = _mm512_dpbusd_epi32(sum, a, kva_signed_digits(p, digits + 256));
    return _mm512_dpbusd_epi32(sum, b, kva_signed_digits(q, digits + 320));
}

/// Where the pairs of four blocks' scales lie, four lanes for each block.
KVA_INLINE __m512i kva_spread_scales(void) {
    return _mm512_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4, 2, 2, 2, 2, 6, 6, 6, 6);
}

/// Every second element of `pairs` is an offset, to be added `factor` times.
KVA_INLINE float kva_finish(__m512 total, __m512 pairs, float factor) {
    const __m512 all = _mm512_mask3_fmadd_ps(pairs, _mm512_set1_ps(factor), total, 0xAAAA);
    return kva_horizontal_sum(_mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1)));
}

#pragma clang attribute pop

#endif
