#if defined(__x86_64__)

#include "products.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

// Q4_K, Q5_K, IQ4_XS: blocks of 256 elements in which each 32 have a scale, in two steps of 128.

/// Scales and minima of Q4_K and Q5_K times d and dmin, in pairs as a prepared vector's.
KVA_INLINE __m512 k_scales(const uint8_t *block) {
    const __m512 both = _mm512_cvtph_ps(_mm256_set1_epi32((int)kva_load32(block)));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(kva_k_scale_pairs(block))), both);
}

/// Codes of the sub-blocks 4·step … 4·step + 3: their first 16 elements (`half` 0) or their last.
KVA_INLINE __m512i k_codes(const uint8_t *nibbles, const uint8_t *high, int step, int half) {
    const __m512i bytes = _mm512_loadu_si512(nibbles + 64 * step);
    const __m512i spread = half ? _mm512_shuffle_i64x2(bytes, bytes, 0xF5) : _mm512_shuffle_i64x2(bytes, bytes, 0xA0);
    const __m512i codes = _mm512_and_si512(
        _mm512_srlv_epi64(spread, _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4)), _mm512_set1_epi8(15));
    if (!high) { return codes; }
    const __m512i bits = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(high + 16 * half)));
    const __m512i turns =
        step ? _mm512_setr_epi64(0, 0, 63, 63, 62, 62, 61, 61) : _mm512_setr_epi64(4, 4, 3, 3, 2, 2, 1, 1);
    // 0xF8: a | (b & c)
    return _mm512_ternarylogic_epi64(codes, _mm512_rolv_epi64(bits, turns), _mm512_set1_epi8(16), 0xF8);
}

KVA_INLINE void gemv_k(int five, size_t tokens, const kva_gemv *work) {
    const size_t bytes = five ? 176 : 144;
    kva_prepared_places x[4];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m512 totals[4], pairs[4];
        for (size_t t = 0; t < tokens; t++) { totals[t] = pairs[t] = _mm512_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += bytes) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, bytes);
            const __m512 scales = k_scales(block);
            __m512 pair[4];
            for (size_t t = 0; t < tokens; t++) {
                pair[t] = _mm512_mul_ps(scales, _mm512_loadu_ps(x[t].pairs + i / 16));
                pairs[t] = _mm512_add_ps(pairs[t], pair[t]);
            }
            for (int step = 0; step < 2; step++) {
                const uint8_t *nibbles = block + (five ? 48 : 16), *high = five ? block + 16 : 0;
                const __m512i a = k_codes(nibbles, high, step, 0), b = k_codes(nibbles, high, step, 1);
                const __m512i places = _mm512_add_epi32(kva_spread_scales(), _mm512_set1_epi32(8 * step));
                for (size_t t = 0; t < tokens; t++) {
                    const __m512i sums = kva_product_128(a, b, x[t].digits + 3 * i + 384 * (size_t)step);
                    const __m512 factors = _mm512_permutexvar_ps(places, pair[t]);
                    totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), factors, totals[t]);
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_finish(totals[t], pairs[t], -1);
        }
    }
}

// MARK: - IQ4_XS

KVA_INLINE __m512i iq4_values(__m512i nibbles) {
    const __m512i levels = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)kva_iq4_levels));
    return _mm512_shuffle_epi8(levels, nibbles);
}

KVA_INLINE void gemv_iq4_xs(size_t tokens, const kva_gemv *work) {
    // In the order of a prepared vector's pairs.
    const __m512i order = _mm512_setr_epi32(0, 0, 2, 2, 1, 1, 3, 3, 4, 4, 6, 6, 5, 5, 7, 7);
    kva_prepared_places x[4];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m512 totals[4];
        for (size_t t = 0; t < tokens; t++) { totals[t] = _mm512_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += 136) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, 136);
            const __m512 scales = _mm512_permutexvar_ps(order, _mm512_castps256_ps512(kva_iq4_xs_scales(block)));
            __m512 pair[4];
            for (size_t t = 0; t < tokens; t++) {
                pair[t] = _mm512_mul_ps(scales, _mm512_loadu_ps(x[t].pairs + i / 16));
            }
            for (int step = 0; step < 2; step++) {
                const __m512i bytes = _mm512_loadu_si512(block + 8 + 64 * step);
                const __m512i a = iq4_values(_mm512_and_si512(bytes, _mm512_set1_epi8(15)));
                const __m512i b = iq4_values(_mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15)));
                const __m512i places = _mm512_add_epi32(kva_spread_scales(), _mm512_set1_epi32(8 * step));
                for (size_t t = 0; t < tokens; t++) {
                    const __m512i sums = kva_signed_product_128(a, b, x[t].digits + 3 * i + 384 * (size_t)step);
                    totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), _mm512_permutexvar_ps(places, pair[t]),
                                                totals[t]);
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_finish(totals[t], _mm512_setzero_ps(), 0);
        }
    }
}

// MARK: -

KVA_INLINE void gemv_tokens(kva_type type, size_t tokens, const kva_gemv *work) {
    switch (type) {
        case KVA_Q4_K: gemv_k(0, tokens, work); break;
        case KVA_Q5_K: gemv_k(1, tokens, work); break;
        default: gemv_iq4_xs(tokens, work);
    }
}

void kva_avx512_gemv_k(kva_type type, const kva_gemv *work) {
    switch (work->tokens) {
        case 1: gemv_tokens(type, 1, work); break;
        case 2: gemv_tokens(type, 2, work); break;
        default: gemv_tokens(type, 4, work);
    }
}

#pragma clang attribute pop

#endif
