#if defined(__x86_64__)

#include "../../reference/scalars.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// A tile of keys or values is converted once for up to four queries, with as many tokens
// as let accumulators, queries and one converted vector fit 16 registers. Tokens go by in
// runs that stay in the first-level cache while all queries of the group pass over them.

enum { TOKENS_PER_RUN = 32 };

KVA_INLINE const char *row_of(const kva_attention_side *side, size_t token, int is_half) {
    return (const char *)side->elements + token * side->token_stride * (is_half ? 2 : 4);
}

KVA_INLINE __m256 load_8(const char *row, size_t channel, int is_half) {
    return is_half ? kva_load_halves((const uint16_t *)(const void *)row + channel)
                   : _mm256_loadu_ps((const float *)(const void *)row + channel);
}

static float element(const kva_attention_side *side, size_t token, size_t channel) {
    const size_t index = token * side->token_stride + channel;
    return side->is_half ? kva_half_to_float(((const uint16_t *)side->elements)[index])
                         : ((const float *)side->elements)[index];
}

/// Queries of the next tile: five and six go as three and the rest, since a last single one would convert
/// everything for itself.
KVA_INLINE size_t tile_queries(size_t rest) { return rest < 5 ? rest : rest < 7 ? 3 : 4; }

// MARK: - Scores

KVA_INLINE void score_tile(const kva_attention_side *keys, int is_half, size_t tokens, size_t queries, size_t token,
                           const float *query, float *scores) {
    const char *rows[4];
    __m256 sums[4][4];
    for (size_t t = 0; t < tokens; t++) {
        rows[t] = row_of(keys, token + t, is_half);
        for (size_t q = 0; q < queries; q++) { sums[q][t] = _mm256_setzero_ps(); }
    }
    const size_t channels = keys->channels, whole = channels / 8 * 8;
    for (size_t channel = 0; channel < whole; channel += 8) {
        for (size_t t = 0; t < tokens; t++) {
            const __m256 key = load_8(rows[t], channel, is_half);
            for (size_t q = 0; q < queries; q++) {
                sums[q][t] = _mm256_fmadd_ps(key, _mm256_loadu_ps(query + q * channels + channel), sums[q][t]);
            }
        }
    }
    for (size_t q = 0; q < queries; q++) {
        float *target = scores + q * keys->score_stride + token;
        if (tokens == 4) {
            _mm_storeu_ps(target, kva_four_sums(sums[q][0], sums[q][1], sums[q][2], sums[q][3]));
        } else {
            for (size_t t = 0; t < tokens; t++) { target[t] = kva_horizontal_sum(sums[q][t]); }
        }
    }
}

KVA_INLINE void score_run(const kva_attention_side *keys, int is_half, size_t queries, size_t first, size_t end,
                          const float *query, float *scores) {
    size_t token = first;
    const size_t tile = queries < 3 ? 4 : 2;
    for (; token + tile <= end; token += tile) { score_tile(keys, is_half, tile, queries, token, query, scores); }
    for (; token < end; token++) { score_tile(keys, is_half, 1, queries, token, query, scores); }
}

/// Adds the products of the channels after the last whole vector.
static void score_last_channels(const kva_attention_side *keys, const float *queries, float *scores) {
    for (size_t q = 0; q < keys->group; q++) {
        for (size_t token = 0; token < keys->tokens; token++) {
            for (size_t channel = keys->channels / 8 * 8; channel < keys->channels; channel++) {
                scores[q * keys->score_stride + token] += element(keys, token, channel) * queries[q * keys->channels + channel];
            }
        }
    }
}

KVA_INLINE void scores_of(const kva_attention_side *keys, int is_half, const float *queries, float *scores) {
    for (size_t first = 0; first < keys->tokens; first += TOKENS_PER_RUN) {
        const size_t end = first + TOKENS_PER_RUN < keys->tokens ? first + TOKENS_PER_RUN : keys->tokens;
        for (size_t q = 0; q < keys->group;) {
            const float *query = queries + q * keys->channels;
            float *target = scores + q * keys->score_stride;
            const size_t here = tile_queries(keys->group - q);
            switch (here) {
                case 1: score_run(keys, is_half, 1, first, end, query, target); break;
                case 2: score_run(keys, is_half, 2, first, end, query, target); break;
                case 3: score_run(keys, is_half, 3, first, end, query, target); break;
                default: score_run(keys, is_half, 4, first, end, query, target); break;
            }
            q += here;
        }
    }
    if (keys->channels % 8) { score_last_channels(keys, queries, scores); }
}

void kva_avx2_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    if (keys->is_half) {
        scores_of(keys, 1, queries, scores);
    } else {
        scores_of(keys, 0, queries, scores);
    }
}

// MARK: - Weighted sums

KVA_INLINE void value_tile(const kva_attention_side *values, int is_half, size_t tokens, size_t queries, size_t token,
                           const float *weights, float *output) {
    const size_t channels = values->channels, whole = channels / 8 * 8, stride = values->score_stride;
    const char *rows[4];
    __m256 factors[4][4];
    for (size_t t = 0; t < tokens; t++) {
        rows[t] = row_of(values, token + t, is_half);
        for (size_t q = 0; q < queries; q++) { factors[q][t] = _mm256_broadcast_ss(weights + q * stride + token + t); }
    }
    for (size_t channel = 0; channel < whole; channel += 8) {
        __m256 sums[4];
        for (size_t q = 0; q < queries; q++) { sums[q] = _mm256_loadu_ps(output + q * channels + channel); }
        for (size_t t = 0; t < tokens; t++) {
            const __m256 value = load_8(rows[t], channel, is_half);
            for (size_t q = 0; q < queries; q++) { sums[q] = _mm256_fmadd_ps(factors[q][t], value, sums[q]); }
        }
        for (size_t q = 0; q < queries; q++) { _mm256_storeu_ps(output + q * channels + channel, sums[q]); }
    }
}

KVA_INLINE void value_run(const kva_attention_side *values, int is_half, size_t queries, size_t first, size_t end,
                          const float *weights, float *output) {
    size_t token = first;
    const size_t tile = queries < 4 ? 4 : 2;
    for (; token + tile <= end; token += tile) { value_tile(values, is_half, tile, queries, token, weights, output); }
    for (; token < end; token++) { value_tile(values, is_half, 1, queries, token, weights, output); }
}

static void value_last_channels(const kva_attention_side *values, const float *weights, float *output) {
    for (size_t q = 0; q < values->group; q++) {
        for (size_t channel = values->channels / 8 * 8; channel < values->channels; channel++) {
            float sum = output[q * values->channels + channel];
            for (size_t token = 0; token < values->tokens; token++) {
                sum += weights[q * values->score_stride + token] * element(values, token, channel);
            }
            output[q * values->channels + channel] = sum;
        }
    }
}

KVA_INLINE void values_of(const kva_attention_side *values, int is_half, const float *weights, float *output) {
    for (size_t first = 0; first < values->tokens; first += TOKENS_PER_RUN) {
        const size_t end = first + TOKENS_PER_RUN < values->tokens ? first + TOKENS_PER_RUN : values->tokens;
        for (size_t q = 0; q < values->group;) {
            const float *weight = weights + q * values->score_stride;
            float *target = output + q * values->channels;
            const size_t here = tile_queries(values->group - q);
            switch (here) {
                case 1: value_run(values, is_half, 1, first, end, weight, target); break;
                case 2: value_run(values, is_half, 2, first, end, weight, target); break;
                case 3: value_run(values, is_half, 3, first, end, weight, target); break;
                default: value_run(values, is_half, 4, first, end, weight, target); break;
            }
            q += here;
        }
    }
    if (values->channels % 8) { value_last_channels(values, weights, output); }
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
