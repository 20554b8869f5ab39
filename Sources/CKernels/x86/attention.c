#if defined(__x86_64__)

#include "../reference/scalars.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Each tile of keys or values is converted once for up to three queries, so
// that their accumulators, one converted vector and the loads fit 16 registers.

KVA_INLINE __m256 load_8(const void *row, size_t channel, int is_half) {
    return is_half ? kva_load_halves((const uint16_t *)row + channel) : _mm256_loadu_ps((const float *)row + channel);
}

KVA_INLINE float load_1(const void *row, size_t channel, int is_half) {
    return is_half ? kva_half_to_float(((const uint16_t *)row)[channel]) : ((const float *)row)[channel];
}

KVA_INLINE const void *row_of(const kva_attention_side *side, size_t token, int is_half) {
    return (const char *)side->elements + token * side->token_stride * (is_half ? 2 : 4);
}

// MARK: - Scores

/// Scores of `queries` query rows with `tokens` (4 or 1) tokens.
KVA_INLINE void score_tile(const kva_attention_side *keys, int is_half, int tokens, int queries, size_t token,
                           const float *query, float *scores) {
    __m256 sums[3][4];
    for (int q = 0; q < queries; q++) {
        for (int t = 0; t < tokens; t++) { sums[q][t] = _mm256_setzero_ps(); }
    }
    const size_t whole = keys->channels / 8 * 8;
    for (size_t channel = 0; channel < whole; channel += 8) {
        for (int t = 0; t < tokens; t++) {
            const __m256 key = load_8(row_of(keys, token + (size_t)t, is_half), channel, is_half);
            for (int q = 0; q < queries; q++) {
                sums[q][t] = _mm256_fmadd_ps(key, _mm256_loadu_ps(query + (size_t)q * keys->channels + channel), sums[q][t]);
            }
        }
    }
    for (int q = 0; q < queries; q++) {
        float result[4];
        if (tokens == 4) {
            _mm_storeu_ps(result, kva_four_sums(sums[q][0], sums[q][1], sums[q][2], sums[q][3]));
        } else {
            result[0] = kva_horizontal_sum(sums[q][0]);
        }
        for (int t = 0; t < tokens; t++) {
            const void *row = row_of(keys, token + (size_t)t, is_half);
            for (size_t channel = whole; channel < keys->channels; channel++) {
                result[t] += load_1(row, channel, is_half) * query[(size_t)q * keys->channels + channel];
            }
            scores[(size_t)q * keys->score_stride + token + (size_t)t] = result[t];
        }
    }
}

KVA_INLINE void score_queries(const kva_attention_side *keys, int is_half, int tokens, size_t token,
                              const float *queries, float *scores) {
    size_t query = 0;
    while (query < keys->group) {
        const size_t rest = keys->group - query;
        const float *row = queries + query * keys->channels;
        float *target = scores + query * keys->score_stride;
        // Four queries as two and two: a last single one would convert the keys again for itself alone.
        if (rest == 1) {
            score_tile(keys, is_half, tokens, 1, token, row, target);
            query += 1;
        } else if (rest == 2 || rest == 4) {
            score_tile(keys, is_half, tokens, 2, token, row, target);
            query += 2;
        } else {
            score_tile(keys, is_half, tokens, 3, token, row, target);
            query += 3;
        }
    }
}

KVA_INLINE void scores_of(const kva_attention_side *keys, int is_half, const float *queries, float *scores) {
    size_t token = 0;
    for (; token + 4 <= keys->tokens; token += 4) { score_queries(keys, is_half, 4, token, queries, scores); }
    for (; token < keys->tokens; token++) { score_queries(keys, is_half, 1, token, queries, scores); }
}

void kva_avx2_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    if (keys->is_half) {
        scores_of(keys, 1, queries, scores);
    } else {
        scores_of(keys, 0, queries, scores);
    }
}

// MARK: - Weighted sums

/// Adds `tokens` (8 or 1) weighted value rows to `queries` output rows.
KVA_INLINE void value_tile(const kva_attention_side *values, int is_half, int tokens, int queries, size_t token,
                           const float *weights, float *output) {
    const size_t whole = values->channels / 8 * 8;
    for (size_t channel = 0; channel < whole; channel += 8) {
        __m256 sums[3];
        for (int q = 0; q < queries; q++) { sums[q] = _mm256_loadu_ps(output + (size_t)q * values->channels + channel); }
        for (int t = 0; t < tokens; t++) {
            const __m256 value = load_8(row_of(values, token + (size_t)t, is_half), channel, is_half);
            for (int q = 0; q < queries; q++) {
                const float *weight = weights + (size_t)q * values->score_stride + token + (size_t)t;
                sums[q] = _mm256_fmadd_ps(_mm256_broadcast_ss(weight), value, sums[q]);
            }
        }
        for (int q = 0; q < queries; q++) { _mm256_storeu_ps(output + (size_t)q * values->channels + channel, sums[q]); }
    }
    for (size_t channel = whole; channel < values->channels; channel++) {
        for (int q = 0; q < queries; q++) {
            float sum = output[(size_t)q * values->channels + channel];
            for (int t = 0; t < tokens; t++) {
                const float value = load_1(row_of(values, token + (size_t)t, is_half), channel, is_half);
                sum += weights[(size_t)q * values->score_stride + token + (size_t)t] * value;
            }
            output[(size_t)q * values->channels + channel] = sum;
        }
    }
}

KVA_INLINE void value_queries(const kva_attention_side *values, int is_half, int tokens, size_t token,
                              const float *weights, float *output) {
    size_t query = 0;
    while (query < values->group) {
        const size_t rest = values->group - query;
        const float *row = weights + query * values->score_stride;
        float *target = output + query * values->channels;
        if (rest == 1) {
            value_tile(values, is_half, tokens, 1, token, row, target);
            query += 1;
        } else if (rest == 2 || rest == 4) {
            value_tile(values, is_half, tokens, 2, token, row, target);
            query += 2;
        } else {
            value_tile(values, is_half, tokens, 3, token, row, target);
            query += 3;
        }
    }
}

KVA_INLINE void values_of(const kva_attention_side *values, int is_half, const float *weights, float *output) {
    size_t token = 0;
    for (; token + 8 <= values->tokens; token += 8) { value_queries(values, is_half, 8, token, weights, output); }
    for (; token < values->tokens; token++) { value_queries(values, is_half, 1, token, weights, output); }
}

void kva_avx2_attention_values(const kva_attention_side *values, const float *weights, float *output) {
    if (values->is_half) {
        values_of(values, 1, weights, output);
    } else {
        values_of(values, 0, weights, output);
    }
}

#pragma clang attribute pop

#endif
