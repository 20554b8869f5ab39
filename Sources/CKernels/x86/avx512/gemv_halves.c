#if defined(__x86_64__)

#include "../avx2/half_blocks.h"
#include "products.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

// Q2_K, Q3_K, Q6_K: blocks of 256 elements in which each 16 have a scale.

/// Codes of the four 32-element parts of one half: their first 16 elements (`last` 0) or their last.
KVA_INLINE __m512i q6_k_codes(const uint8_t *block, int half, int last) {
    const uint8_t *low = block + 64 * half + 16 * last, *high = block + 128 + 32 * half + 16 * last;
    const __m512i even = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)low));
    const __m512i pairs = _mm512_mask_broadcast_i32x4(even, 0xF0F0, _mm_loadu_si128((const __m128i *)(low + 32)));
    const __m512i nibbles = _mm512_and_si512(
        _mm512_srlv_epi64(pairs, _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4)), _mm512_set1_epi8(15));
    const __m512i tops = _mm512_rolv_epi64(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)high)),
                                           _mm512_setr_epi64(4, 4, 2, 2, 0, 0, 62, 62));
    // 0xF8: a | (b & c)
    return _mm512_ternarylogic_epi64(nibbles, tops, _mm512_set1_epi8(48), 0xF8);
}

/// The same of Q2_K, and of Q3_K with `masks`, of whose bytes bit 4·half + part is the third of that part's codes.
KVA_INLINE __m512i two_bit_codes(const uint8_t *bytes, const uint8_t *masks, int half) {
    const __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
    const __m512i codes = _mm512_and_si512(_mm512_srlv_epi64(all, _mm512_setr_epi64(0, 0, 2, 2, 4, 4, 6, 6)),
                                           _mm512_set1_epi8(3));
    if (!masks) { return codes; }
    const __m512i turns =
        half ? _mm512_setr_epi64(62, 62, 61, 61, 60, 60, 59, 59) : _mm512_setr_epi64(2, 2, 1, 1, 0, 0, 63, 63);
    const __m512i bits = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)masks));
    return _mm512_ternarylogic_epi64(codes, _mm512_rolv_epi64(bits, turns), _mm512_set1_epi8(4), 0xF8);
}

KVA_INLINE __m512i codes_of(kva_type type, const uint8_t *block, int half, int last) {
    const int place = 32 * half + 16 * last;
    switch (type) {
        case KVA_Q2_K: return two_bit_codes(block + 16 + place, 0, half);
        case KVA_Q3_K: return two_bit_codes(block + 32 + place, block + 16 * last, half);
        default: return q6_k_codes(block, half, last);
    }
}

/// As `kva_half_scales`, of both halves.
KVA_INLINE void scales_of(kva_type type, const uint8_t *block, __m512 *scales, __m512 *offsets) {
    __m256 low, high, low_offsets, high_offsets;
    kva_half_scales(type, block, 0, &low, &low_offsets);
    kva_half_scales(type, block, 1, &high, &high_offsets);
    *scales = _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    *offsets = _mm512_insertf32x8(_mm512_castps256_ps512(low_offsets), high_offsets, 1);
}

KVA_INLINE void gemv_type(kva_type type, size_t tokens, const kva_gemv *work) {
    const size_t bytes = kva_half_block_bytes(type);
    const int bias = kva_half_block_bias(type);
    // Scale of each 16 elements in a prepared vector's pairs; and of the lanes of a half's first 16 elements.
    const __m512i each = _mm512_setr_epi32(0, 0, 4, 4, 2, 2, 6, 6, 8, 8, 12, 12, 10, 10, 14, 14);
    const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
    kva_prepared_places x[4];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m512 totals[4], offsets[4];
        for (size_t t = 0; t < tokens; t++) { totals[t] = offsets[t] = _mm512_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += bytes) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, bytes);
            __m512 scales, subtracted, factors[4];
            scales_of(type, block, &scales, &subtracted);
            for (size_t t = 0; t < tokens; t++) {
                offsets[t] = _mm512_fmadd_ps(subtracted, _mm512_loadu_ps(x[t].half_sums + i / 16), offsets[t]);
                factors[t] = _mm512_mul_ps(scales, _mm512_permutexvar_ps(each, _mm512_loadu_ps(x[t].pairs + i / 16)));
            }
            for (int part = 0; part < 4; part++) {
                const __m512i values = codes_of(type, block, part / 2, part % 2);
                const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32(part / 2 * 8 + part % 2));
                for (size_t t = 0; t < tokens; t++) {
                    const int8_t *digits = x[t].digits + 3 * i + 384 * (size_t)(part / 2) + 64 * (size_t)(part % 2);
                    totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(kva_product_64(values, digits)),
                                                _mm512_permutexvar_ps(places, factors[t]), totals[t]);
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            const __m512 all = _mm512_fmadd_ps(offsets[t], _mm512_set1_ps(bias ? (float)-bias : -1), totals[t]);
            work->result[t * work->result_stride + row] = kva_finish(all, _mm512_setzero_ps(), 0);
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

void kva_avx512_gemv_halves(kva_type type, const kva_gemv *work) {
    switch (work->tokens) {
        case 1: gemv_tokens(type, 1, work); break;
        case 2: gemv_tokens(type, 2, work); break;
        default: gemv_tokens(type, 4, work);
    }
}

#pragma clang attribute pop

#endif
