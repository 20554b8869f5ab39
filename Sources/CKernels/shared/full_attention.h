// Attention over keys and values in float16 or float32. Included once by each instruction set, after the
// vector operations it is made of.

// A tile of keys or values is converted once for up to four queries, with as many tokens as let
// accumulators, queries and one converted vector fit the registers. Tokens go by in runs that stay in the
// first-level cache while all queries of the group pass over them; the first to pass asks for the next run.

enum { TOKENS_PER_RUN = 32, TILE_REGISTERS = REGISTERS / 2 };

KVA_INLINE const char *row_of(const kva_attention_side *side, size_t token, int is_half) {
    return (const char *)side->elements + token * side->token_stride * (is_half ? 2 : 4);
}

KVA_INLINE floats load_lanes(const char *row, size_t channel, int is_half) {
    return is_half ? load_halves((const uint16_t *)(const void *)row + channel)
                   : load((const float *)(const void *)row + channel);
}

static float element(const kva_attention_side *side, size_t token, size_t channel) {
    const size_t index = token * side->token_stride + channel;
    return side->is_half ? kva_half_to_float(((const uint16_t *)side->elements)[index])
                         : ((const float *)side->elements)[index];
}

/// Asks for the tokens one run ahead.
KVA_INLINE void fetch_ahead(const kva_attention_side *side, size_t token, size_t tokens, int is_half) {
    const size_t size = is_half ? 2 : 4;
    for (size_t t = 0; t < tokens; t++) {
        kva_prefetch(row_of(side, token + t, is_half), TOKENS_PER_RUN * side->token_stride * size,
                     side->channels * size);
    }
}

/// Queries of the next tile: five and six go as three and the rest, since a last single one would convert
/// everything for itself.
KVA_INLINE size_t tile_queries(size_t rest) { return rest < 5 ? rest : rest < 7 ? 3 : 4; }

// MARK: - Scores

KVA_INLINE void score_tile(const kva_attention_side *keys, int is_half, size_t tokens, size_t queries, size_t token,
                           const float *query, float *scores) {
    const char *rows[4];
    floats sums[4][4];
    for (size_t t = 0; t < tokens; t++) {
        rows[t] = row_of(keys, token + t, is_half);
        for (size_t q = 0; q < queries; q++) { sums[q][t] = zero_floats(); }
    }
    const size_t channels = keys->channels, whole = channels / LANES * LANES;
    for (size_t channel = 0; channel < whole; channel += LANES) {
        for (size_t t = 0; t < tokens; t++) {
            const floats key = load_lanes(rows[t], channel, is_half);
            for (size_t q = 0; q < queries; q++) {
                sums[q][t] = multiply_add(key, load(query + q * channels + channel), sums[q][t]);
            }
        }
    }
    for (size_t q = 0; q < queries; q++) {
        float *target = scores + q * keys->score_stride + token;
        if (tokens == 4) {
            store_four_sums(target, sums[q][0], sums[q][1], sums[q][2], sums[q][3]);
        } else {
            for (size_t t = 0; t < tokens; t++) { target[t] = sum_of(sums[q][t]); }
        }
    }
}

KVA_INLINE void score_run(const kva_attention_side *keys, int is_half, size_t queries, int fetches, size_t first,
                          size_t end, const float *query, float *scores) {
    size_t token = first;
    const size_t tile = 4 * queries <= TILE_REGISTERS ? 4 : 2;
    for (; token + tile <= end; token += tile) {
        if (fetches) { fetch_ahead(keys, token, tile, is_half); }
        score_tile(keys, is_half, tile, queries, token, query, scores);
    }
    for (; token < end; token++) { score_tile(keys, is_half, 1, queries, token, query, scores); }
}

/// Adds the products of the channels after the last whole vector.
static void score_last_channels(const kva_attention_side *keys, const float *queries, float *scores) {
    for (size_t q = 0; q < keys->group; q++) {
        for (size_t token = 0; token < keys->tokens; token++) {
            for (size_t channel = keys->channels / LANES * LANES; channel < keys->channels; channel++) {
                scores[q * keys->score_stride + token] +=
                    element(keys, token, channel) * queries[q * keys->channels + channel];
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
                case 1: score_run(keys, is_half, 1, q == 0, first, end, query, target); break;
                case 2: score_run(keys, is_half, 2, q == 0, first, end, query, target); break;
                case 3: score_run(keys, is_half, 3, q == 0, first, end, query, target); break;
                default: score_run(keys, is_half, 4, q == 0, first, end, query, target); break;
            }
            q += here;
        }
    }
    if (keys->channels % LANES) { score_last_channels(keys, queries, scores); }
}

static void attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    if (keys->is_half) {
        scores_of(keys, 1, queries, scores);
    } else {
        scores_of(keys, 0, queries, scores);
    }
}

// MARK: - Weighted sums

KVA_INLINE void value_tile(const kva_attention_side *values, int is_half, size_t tokens, size_t queries, size_t token,
                           const float *weights, float *output) {
    const size_t channels = values->channels, whole = channels / LANES * LANES, stride = values->score_stride;
    const char *rows[4];
    floats factors[4][4];
    for (size_t t = 0; t < tokens; t++) {
        rows[t] = row_of(values, token + t, is_half);
        for (size_t q = 0; q < queries; q++) { factors[q][t] = all(weights[q * stride + token + t]); }
    }
    for (size_t channel = 0; channel < whole; channel += LANES) {
        floats sums[4];
        for (size_t q = 0; q < queries; q++) { sums[q] = load(output + q * channels + channel); }
        for (size_t t = 0; t < tokens; t++) {
            const floats value = load_lanes(rows[t], channel, is_half);
            for (size_t q = 0; q < queries; q++) { sums[q] = multiply_add(factors[q][t], value, sums[q]); }
        }
        for (size_t q = 0; q < queries; q++) { store(output + q * channels + channel, sums[q]); }
    }
}

KVA_INLINE void value_run(const kva_attention_side *values, int is_half, size_t queries, int fetches, size_t first,
                          size_t end, const float *weights, float *output) {
    size_t token = first;
    const size_t tile = 4 * queries <= 2 * TILE_REGISTERS - 4 ? 4 : 2;
    for (; token + tile <= end; token += tile) {
        if (fetches) { fetch_ahead(values, token, tile, is_half); }
        value_tile(values, is_half, tile, queries, token, weights, output);
    }
    for (; token < end; token++) { value_tile(values, is_half, 1, queries, token, weights, output); }
}

static void value_last_channels(const kva_attention_side *values, const float *weights, float *output) {
    for (size_t q = 0; q < values->group; q++) {
        for (size_t channel = values->channels / LANES * LANES; channel < values->channels; channel++) {
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
                case 1: value_run(values, is_half, 1, q == 0, first, end, weight, target); break;
                case 2: value_run(values, is_half, 2, q == 0, first, end, weight, target); break;
                case 3: value_run(values, is_half, 3, q == 0, first, end, weight, target); break;
                default: value_run(values, is_half, 4, q == 0, first, end, weight, target); break;
            }
            q += here;
        }
    }
    if (values->channels % LANES) { value_last_channels(values, weights, output); }
}

static void attention_values(const kva_attention_side *values, const float *weights, float *output) {
    if (values->is_half) {
        values_of(values, 1, weights, output);
    } else {
        values_of(values, 0, weights, output);
    }
}
