#if defined(__x86_64__)

#include "products.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Q4_K, Q5_K, IQ4_XS: blocks of 256 elements in which each 32 have a scale.

/// Codes of the sub-blocks 2·pair and 2·pair + 1: their first 16 elements (`half` 0) or their last.
KVA_INLINE __m256i k_codes(const uint8_t *nibbles, const uint8_t *high, int pair, int half) {
    const __m256i codes = kva_nibbles(nibbles + 32 * pair + 16 * half);
    if (!high) { return codes; }
    const __m256i bits = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(high + 16 * half)));
    // Bit 2·pair of the first 16 bytes and the next one of the others, to bit 4.
    const int left = 4 - 2 * pair;
    const __m256i moved = pair < 2 ? _mm256_sllv_epi64(bits, _mm256_setr_epi64x(left, left, left - 1, left - 1))
                                   : _mm256_srlv_epi64(bits, _mm256_setr_epi64x(-left, -left, 1 - left, 1 - left));
    return _mm256_or_si256(codes, _mm256_and_si256(moved, _mm256_set1_epi8(16)));
}

KVA_INLINE void gemv_k(int five, size_t tokens, const kva_gemv *work) {
    const size_t bytes = five ? 176 : 144;
    kva_prepared_places x[2];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 totals[2], pairs[2];
        for (size_t t = 0; t < tokens; t++) { totals[t] = pairs[t] = _mm256_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += bytes) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, bytes);
            const uint8_t *nibbles = block + (five ? 48 : 16), *high = five ? block + 16 : 0;
            const __m128i steps = kva_k_scale_pairs(block);
            const __m256 both = _mm256_cvtph_ps(_mm_set1_epi32((int)kva_load32(block)));
            for (int step = 0; step < 2; step++) {
                const __m256i whole = _mm256_cvtepu8_epi32(step ? _mm_srli_si128(steps, 8) : steps);
                const __m256 scales = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), both);
                const __m256i a = k_codes(nibbles, high, 2 * step, 0), b = k_codes(nibbles, high, 2 * step, 1);
                const __m256i c = k_codes(nibbles, high, 2 * step + 1, 0), d = k_codes(nibbles, high, 2 * step + 1, 1);
                for (size_t t = 0; t < tokens; t++) {
                    const int8_t *digits = x[t].digits + 3 * i + 384 * (size_t)step;
                    const __m256 pair = _mm256_mul_ps(scales, _mm256_loadu_ps(x[t].pairs + i / 16 + 8 * (size_t)step));
                    pairs[t] = _mm256_add_ps(pairs[t], pair);
                    totals[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_64(a, b, digits)),
                                                _mm256_permute_ps(pair, 0x00), totals[t]);
                    totals[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(kva_product_64(c, d, digits + 32)),
                                                _mm256_permute_ps(pair, 0xAA), totals[t]);
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_finish(totals[t], pairs[t], -1);
        }
    }
}

// MARK: - IQ4_XS

KVA_INLINE void gemv_iq4_xs(size_t tokens, const kva_gemv *work) {
    kva_prepared_places x[2];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 totals[2];
        for (size_t t = 0; t < tokens; t++) { totals[t] = _mm256_setzero_ps(); }
        for (size_t i = 0; i < work->columns; i += 256, block += 136) {
            kva_prefetch(block, KVA_PREFETCH_DISTANCE, 136);
            const __m256 scales = kva_iq4_xs_scales(block);
            for (int step = 0; step < 2; step++) {
                // In the order of a prepared vector's pairs.
                const __m256 places = _mm256_permutevar8x32_ps(
                    scales, _mm256_add_epi32(_mm256_setr_epi32(0, 0, 2, 2, 1, 1, 3, 3), _mm256_set1_epi32(4 * step)));
                __m256 pair[2];
                for (size_t t = 0; t < tokens; t++) {
                    pair[t] = _mm256_mul_ps(places, _mm256_loadu_ps(x[t].pairs + i / 16 + 8 * (size_t)step));
                }
                for (int half = 0; half < 2; half++) {
                    const __m256i bytes =
                        _mm256_loadu_si256((const __m256i *)(block + 8 + 64 * step + 32 * half));
                    const __m256i a = kva_iq4_values(_mm256_and_si256(bytes, _mm256_set1_epi8(15)));
                    const __m256i b =
                        kva_iq4_values(_mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15)));
                    for (size_t t = 0; t < tokens; t++) {
                        const int8_t *digits = x[t].digits + 3 * i + 384 * (size_t)step + 32 * (size_t)half;
                        const __m256i sums = _mm256_add_epi32(kva_signed_product_32(a, digits),
                                                              kva_signed_product_32(b, digits + 64));
                        const __m256 factors =
                            half ? _mm256_permute_ps(pair[t], 0xAA) : _mm256_permute_ps(pair[t], 0x00);
                        totals[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), factors, totals[t]);
                    }
                }
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_horizontal_sum(totals[t]);
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

void kva_avx2_gemv_k(kva_type type, const kva_gemv *work) {
    work->tokens == 1 ? gemv_tokens(type, 1, work) : gemv_tokens(type, 2, work);
}

#pragma clang attribute pop

#endif
