#if defined(__x86_64__)

#include "half_blocks.h"
#include "products.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Q2_K, Q3_K, Q6_K: blocks of 256 elements in which each 16 have a scale.

/// Codes of two of the four 32-element parts of one half (`pair` 0: parts 0 and 1): their first 16 elements
/// (`last` 0) or their last; two bits each from `bytes`.
KVA_INLINE __m256i two_bit_codes(const uint8_t *bytes, int pair) {
    const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
    const int right = 4 * pair;
    return _mm256_and_si256(_mm256_srlv_epi64(both, _mm256_setr_epi64x(right, right, right + 2, right + 2)),
                            _mm256_set1_epi8(3));
}

/// 4 where bit 4·half + 2·pair of the first lane's bytes, and the next of the second's, is set.
KVA_INLINE __m256i q3_k_thirds(const uint8_t *masks, int half, int pair) {
    const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)masks));
    const int right = 4 * half + 2 * pair - 2;
    const __m256i moved = right < 0 ? _mm256_sllv_epi64(both, _mm256_setr_epi64x(2, 2, 1, 1))
                                    : _mm256_srlv_epi64(both, _mm256_setr_epi64x(right, right, right + 1, right + 1));
    return _mm256_and_si256(moved, _mm256_set1_epi8(4));
}

KVA_INLINE __m256i q6_k_codes(const uint8_t *block, int half, int pair, int last) {
    const uint8_t *low = block + 64 * half + 16 * last, *high = block + 128 + 32 * half + 16 * last;
    __m256i nibbles = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
                                              _mm_loadu_si128((const __m128i *)(low + 32)), 1);
    if (pair) { nibbles = _mm256_srli_epi16(nibbles, 4); }
    const __m256i tops = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)high));
    const __m256i moved = pair ? _mm256_srlv_epi64(tops, _mm256_setr_epi64x(0, 0, 2, 2))
                               : _mm256_sllv_epi64(tops, _mm256_setr_epi64x(4, 4, 2, 2));
    return _mm256_or_si256(_mm256_and_si256(nibbles, _mm256_set1_epi8(15)),
                           _mm256_and_si256(moved, _mm256_set1_epi8(48)));
}

KVA_INLINE __m256i codes_of(kva_type type, const uint8_t *block, int half, int pair, int last) {
    const int place = 32 * half + 16 * last;
    switch (type) {
        case KVA_Q2_K: return two_bit_codes(block + 16 + place, pair);
        case KVA_Q3_K:
            return _mm256_or_si256(two_bit_codes(block + 32 + place, pair), q3_k_thirds(block + 16 * last, half, pair));
        default: return q6_k_codes(block, half, pair, last);
    }
}

/// The scales of a prepared vector's four blocks, each twice, in the blocks' order.
KVA_INLINE __m256 twice_each(const float *pairs) {
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(pairs), _mm256_setr_epi32(0, 0, 4, 4, 2, 2, 6, 6));
}

KVA_INLINE void gemv_type(kva_type type, size_t tokens, const kva_gemv *work) {
    const size_t bytes = kva_half_block_bytes(type);
    const int bias = kva_half_block_bias(type);
    kva_prepared_places x[2];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 totals[2], offsets[2];
        for (size_t t = 0; t < tokens; t++) { totals[t] = offsets[t] = _mm256_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += bytes) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, bytes);
            for (int half = 0; half < 2; half++) {
                __m256 scales, subtracted;
                kva_half_scales(type, block, half, &scales, &subtracted);
                const __m256i first[2] = {codes_of(type, block, half, 0, 0), codes_of(type, block, half, 1, 0)};
                const __m256i last[2] = {codes_of(type, block, half, 0, 1), codes_of(type, block, half, 1, 1)};
                for (size_t t = 0; t < tokens; t++) {
                    const size_t place = i / 16 + 8 * (size_t)half;
                    offsets[t] = _mm256_fmadd_ps(subtracted, _mm256_loadu_ps(x[t].half_sums + place), offsets[t]);
                    // Parts 0, 2 | 1, 3, first and last halves: then factors spread within lanes.
                    const __m256 factors = _mm256_castpd_ps(_mm256_permute4x64_pd(
                        _mm256_castps_pd(_mm256_mul_ps(scales, twice_each(x[t].pairs + place))), 0xD8));
                    const int8_t *digits = x[t].digits + 3 * i + 384 * (size_t)half;
                    __m256 sum = totals[t];
                    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_32(first[0], digits)),
                                          _mm256_permute_ps(factors, 0x00), sum);
                    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_32(last[0], digits + 64)),
                                          _mm256_permute_ps(factors, 0x55), sum);
                    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_32(first[1], digits + 32)),
                                          _mm256_permute_ps(factors, 0xAA), sum);
                    totals[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_32(last[1], digits + 96)),
                                                _mm256_permute_ps(factors, 0xFF), sum);
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            const __m256 all = _mm256_fmadd_ps(offsets[t], _mm256_set1_ps(bias ? (float)-bias : -1), totals[t]);
            work->result[t * work->result_stride + row] = kva_horizontal_sum(all);
        }
    }
}

KVA_INLINE void gemv_tokens(kva_type type, size_t tokens, const kva_gemv *work) {
    switch (type) {
        case KVA_Q2_K: gemv_type(KVA_Q2_K, tokens, work); break;
        case KVA_Q3_K: gemv_type(KVA_Q3_K, tokens, work); break;
        default: gemv_type(KVA_Q6_K, tokens, work);
    }
}

void kva_avx2_gemv_halves(kva_type type, const kva_gemv *work) {
    work->tokens == 1 ? gemv_tokens(type, 1, work) : gemv_tokens(type, 2, work);
}

#pragma clang attribute pop

#endif
