#if defined(__aarch64__)

#include "../reference/scalars.h"
#include "neon_inline.h"

// A tile of keys or values is converted once for up to four queries, with as many tokens as let accumulators, queries
// and converted vectors fit 32 registers. Tokens go by in runs that stay in the first-level cache while all queries of
// the group pass over them.

enum { TOKENS_PER_RUN = 32 };

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
    float32x4_t sums[4][8];
    for (size_t q = 0; q < queries; q++) {
        for (size_t t = 0; t < tokens; t++) { sums[q][t] = vdupq_n_f32(0); }
    }
    const size_t channels = keys->channels, whole = channels / 4 * 4;
    for (size_t channel = 0; channel < whole; channel += 4) {
        float32x4_t factors[4];
        for (size_t q = 0; q < queries; q++) { factors[q] = vld1q_f32(query + q * channels + channel); }
        for (size_t t = 0; t < tokens; t++) {
            const size_t index = (token + t) * keys->token_stride + channel;
            const float32x4_t key = kva_load_elements(keys->elements, index, is_half);
            for (size_t q = 0; q < queries; q++) { sums[q][t] = vfmaq_f32(sums[q][t], key, factors[q]); }
        }
    }
    for (size_t q = 0; q < queries; q++) {
        float *target = scores + q * keys->score_stride + token;
        for (size_t t = 0; t < tokens; t++) { target[t] = vaddvq_f32(sums[q][t]); }
    }
}

KVA_INLINE void score_run(const kva_attention_side *keys, int is_half, size_t queries, size_t first, size_t end,
                          const float *query, float *scores) {
    size_t token = first;
    const size_t tile = queries < 2 ? 8 : 4;
    for (; token + tile <= end; token += tile) { score_tile(keys, is_half, tile, queries, token, query, scores); }
    for (; token < end; token++) { score_tile(keys, is_half, 1, queries, token, query, scores); }
}

/// Adds the products of the channels after the last whole vector.
static void score_last_channels(const kva_attention_side *keys, const float *queries, float *scores) {
    for (size_t q = 0; q < keys->group; q++) {
        for (size_t token = 0; token < keys->tokens; token++) {
            for (size_t channel = keys->channels / 4 * 4; channel < keys->channels; channel++) {
                const float product = element(keys, token, channel) * queries[q * keys->channels + channel];
                scores[q * keys->score_stride + token] += product;
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
    if (keys->channels % 4) { score_last_channels(keys, queries, scores); }
}

void kva_neon_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    if (keys->is_half) {
        scores_of(keys, 1, queries, scores);
    } else {
        scores_of(keys, 0, queries, scores);
    }
}

// MARK: - Weighted sums

KVA_INLINE void value_tile(const kva_attention_side *values, int is_half, size_t tokens, size_t queries, size_t token,
                           const float *weights, float *output) {
    const size_t channels = values->channels, whole = channels / 4 * 4, stride = values->score_stride;
    float factors[4][4];
    for (size_t q = 0; q < queries; q++) {
        for (size_t t = 0; t < tokens; t++) { factors[q][t] = weights[q * stride + token + t]; }
    }
    for (size_t channel = 0; channel < whole; channel += 4) {
        float32x4_t sums[4];
        for (size_t q = 0; q < queries; q++) { sums[q] = vld1q_f32(output + q * channels + channel); }
        for (size_t t = 0; t < tokens; t++) {
            const size_t index = (token + t) * values->token_stride + channel;
            const float32x4_t value = kva_load_elements(values->elements, index, is_half);
            for (size_t q = 0; q < queries; q++) { sums[q] = vfmaq_n_f32(sums[q], value, factors[q][t]); }
        }
        for (size_t q = 0; q < queries; q++) { vst1q_f32(output + q * channels + channel, sums[q]); }
    }
}

KVA_INLINE void value_run(const kva_attention_side *values, int is_half, size_t queries, size_t first, size_t end,
                          const float *weights, float *output) {
    size_t token = first;
    for (; token + 4 <= end; token += 4) { value_tile(values, is_half, 4, queries, token, weights, output); }
    for (; token < end; token++) { value_tile(values, is_half, 1, queries, token, weights, output); }
}

static void value_last_channels(const kva_attention_side *values, const float *weights, float *output) {
    for (size_t q = 0; q < values->group; q++) {
        for (size_t channel = values->channels / 4 * 4; channel < values->channels; channel++) {
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
    if (values->channels % 4) { value_last_channels(values, weights, output); }
}

void kva_neon_attention_values(const kva_attention_side *values, const float *weights, float *output) {
    if (values->is_half) {
        values_of(values, 1, weights, output);
    } else {
        values_of(values, 0, weights, output);
    }
}

#endif
