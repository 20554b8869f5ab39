// Attention over packed keys and values: which records and panels meet. Included once by each
// instruction set, after shared/packed_factors.h; the products themselves are each set's own.

/// A panel product: result[query·result_stride + lane] = step·Σ digit·code + offset, or += that.
typedef struct {
    /// `panels` panels of `reduced` elements, `stride` bytes apart.
    const uint8_t *panel;
    size_t stride, panels, reduced;
    /// Bytes from the first panel to what is asked for meanwhile, and how much nearer that is for each after it.
    size_t ahead, ahead_step;
    const factors *work;
    int adds;
    float *result;
    size_t result_stride;
} panel_work;

typedef void panel_products(const panel_work *work);

static panel_products *panel_products_for(unsigned bits, unsigned digits, size_t queries);

/// Whether a side has the shape that this file reads; anything else goes to the reference.
static int fits(const kva_packed_side *side, size_t reduced, size_t grouped) {
    const int aligned = side->group_size % KVA_PANEL_LANES == 0 || side->group_size >= grouped;
    return aligned && reduced <= REDUCED_AT_MOST && side->digits >= 1 && side->digits <= 3;
}

// MARK: - Scores

/// Tiles of keys between that in hand and that asked for.
enum { TILES_AHEAD = 8 };

/// Bytes from `here`, piece `piece` of `pieces` that lie `bytes` apart, to the piece `ahead` further on, which may
/// be one of those that are read next.
KVA_INLINE size_t bytes_ahead(const void *here, size_t piece, size_t ahead, size_t pieces, size_t bytes,
                              const void *next) {
    if (!next || piece + ahead < pieces) { return ahead * bytes; }
    return (uintptr_t)next + (piece + ahead - pieces) * bytes - (uintptr_t)here;
}

/// Scores of up to four queries over whole tiles and the rest of the last.
static void score_tiles(const kva_packed_side *keys, size_t token, size_t end, size_t query, size_t queries,
                        const float *source, float *scores) {
    source += query * keys->channels;
    scores += query * keys->score_stride;
    const size_t reduced = kva_key_reduced(keys->channels);
    const size_t record = kva_key_group_stride(keys->channels, keys->is_symmetric);
    const size_t bytes = kva_panel_bytes(reduced, keys->bits), size = keys->group_size;
    const size_t records_ahead = (TILES_AHEAD * KVA_TILE_TOKENS + size - 1) / size;
    const size_t element = keys->metadata_is_float ? 4 : 2, all_tokens = keys->first_token + keys->tokens;
    const size_t all_tiles = (all_tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS;
    const size_t all_records = (all_tokens - 1) / size + 1;
    record_place place = {.count = reduced, .stride = UNIT, .to_minimum = reduced};
    rows row;
    begin_rows(&row, source, keys->channels, queries, keys->channels);
    place.first = token / size * record;
    find_envelope(&row, keys, &place, (end - 1) / size - token / size + 1, record);
    if (!finish_rows(&row, keys->digits)) {
        kva_packed_side part = *keys;
        part.first_token = token;
        part.tokens = end - token;
        part.group = queries;
        kva_reference_packed_scores(&part, source, scores + token - keys->first_token);
        return;
    }
    panel_products *const products = panel_products_for(keys->bits, keys->digits, queries);
    factors factor[RECORDS_AT_ONCE];
    for (size_t first = SIZE_MAX; token < end; token += KVA_TILE_TOKENS) {
        if (first == SIZE_MAX || token / size >= first + RECORDS_AT_ONCE) {
            first = token / size;
            for (size_t i = 0; i < RECORDS_AT_ONCE && (first + i) * size < end; i++) {
                place.first = (first + i) * record;
                const char *here = (const char *)keys->metadata + place.first * element;
                place.ahead =
                    bytes_ahead(here, first + i, records_ahead, all_records, record * element, keys->next_metadata);
                prepare_record(&factor[i], &row, keys, &place);
            }
        }
        float last[QUERIES_AT_ONCE * KVA_PANEL_LANES];
        const int whole = end - token >= KVA_TILE_TOKENS;
        const size_t tile = token / KVA_TILE_TOKENS;
        const uint8_t *panel = keys->codes + tile * bytes;
        const panel_work work = {
            .panel = panel,
            .panels = 1,
            .reduced = reduced,
            .ahead = bytes_ahead(panel, tile, TILES_AHEAD, all_tiles, bytes, keys->next_codes),
            .work = &factor[token / size - first],
            .result = whole ? scores + (token - keys->first_token) : last,
            .result_stride = whole ? keys->score_stride : KVA_PANEL_LANES,
        };
        products(&work);
        for (size_t i = 0; i < queries && !whole; i++) {
            float *target = scores + i * keys->score_stride + (token - keys->first_token);
            memcpy(target, last + i * KVA_PANEL_LANES, (end - token) * sizeof last[0]);
        }
    }
}

static void packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    if (!fits(keys, kva_key_reduced(keys->channels), SIZE_MAX)) {
        kva_reference_packed_scores(keys, queries, scores);
        return;
    }
    // More queries than go at once pass over a few tiles while those stay in the first-level cache.
    const size_t step = keys->group > QUERIES_AT_ONCE ? 8 * KVA_TILE_TOKENS : keys->tokens + KVA_TILE_TOKENS;
    const size_t end = keys->first_token + keys->tokens;
    for (size_t token = keys->first_token; token < end; token += step) {
        const size_t stop = end - token < step ? end : token + step;
        for (size_t query = 0; query < keys->group; query += QUERIES_AT_ONCE) {
            const size_t rest = keys->group - query;
            score_tiles(keys, token, stop, query, rest < QUERIES_AT_ONCE ? rest : QUERIES_AT_ONCE, queries, scores);
        }
    }
}

// MARK: - Weighted sums

/// Whether all minima of a tile's tokens from `kept` on are finite: these are multiplied with weights of zero.
static int ends_in_finite_minima(const kva_packed_side *values, size_t tile, size_t kept) {
    if (values->is_symmetric || kept == 0) { return 1; }
    const size_t record = kva_value_tile_stride(values->channels, values->group_size, 0), run = 2 * KVA_TILE_TOKENS;
    for (size_t i = tile * record; i < (tile + 1) * record; i += run) {
        for (size_t token = kept; token < KVA_TILE_TOKENS; token++) {
            const size_t index = i + KVA_TILE_TOKENS + token;
            const float minimum = values->metadata_is_float
                                      ? ((const float *)values->metadata)[index]
                                      : kva_half_to_float(((const uint16_t *)values->metadata)[index]);
            if (!__builtin_isfinite(minimum)) { return 0; }
        }
    }
    return 1;
}

/// Adds the weighted values of one run of tiles to the outputs of up to four queries.
static void value_run(const kva_packed_side *values, size_t token, size_t count, size_t query, size_t queries,
                      const float *weights, float *output) {
    weights += query * values->score_stride + (token - values->first_token);
    output += query * values->channels;
    const size_t tiles = (count + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS, tile = token / KVA_TILE_TOKENS;
    const size_t record = kva_value_tile_stride(values->channels, values->group_size, values->is_symmetric);
    const size_t group_record = KVA_TILE_TOKENS * (values->is_symmetric ? 1 : 2);
    const size_t bytes = kva_value_tile_bytes(values->channels, values->bits), size = values->group_size;
    const size_t panel_bytes = kva_panel_bytes(KVA_TILE_TOKENS, values->bits);
    const size_t groups = kva_value_groups(values->channels, size);
    const size_t element = values->metadata_is_float ? 4 : 2;
    const size_t all_tiles = (values->first_token + values->tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS;
    record_place place = {.first = tile * record,
                          .count = tiles * KVA_TILE_TOKENS,
                          .stride = record,
                          .to_minimum = KVA_TILE_TOKENS,
                          .ahead_step = (record - group_record) * element};
    // What is read in steps of a tile is asked for in the order of memory, in which it comes a quarter faster.
    const char *metadata = (const char *)values->metadata + place.first * element;
    const size_t metadata_ahead = bytes_ahead(metadata, tile, tiles, all_tiles, record * element, values->next_metadata);
    const uint8_t *codes = values->codes + tile * bytes;
    const size_t codes_ahead = bytes_ahead(codes, tile, tiles, all_tiles, bytes, values->next_codes);
    rows row;
    begin_rows(&row, weights, values->score_stride, queries, count);
    find_envelope(&row, values, &place, groups, group_record);
    const int is_finite = ends_in_finite_minima(values, tile + tiles - 1, count % KVA_TILE_TOKENS);
    if (!finish_rows(&row, values->digits) || !is_finite) {
        kva_packed_side part = *values;
        part.first_token = token;
        part.tokens = count;
        part.group = queries;
        kva_reference_packed_values(&part, weights, output);
        return;
    }
    panel_products *const products = panel_products_for(values->bits, values->digits, queries);
    factors factor[RECORDS_AT_ONCE];
    for (size_t channel = 0, first = SIZE_MAX; channel < values->channels; channel += KVA_PANEL_LANES) {
        if (first == SIZE_MAX || channel / size >= first + RECORDS_AT_ONCE) {
            first = channel / size;
            for (size_t i = 0; i < RECORDS_AT_ONCE && first + i < groups; i++) {
                place.first = tile * record + (first + i) * group_record;
                place.ahead = metadata_ahead + (first + i) * group_record * element * (tiles - 1);
                prepare_record(&factor[i], &row, values, &place);
            }
        }
        float last[QUERIES_AT_ONCE * KVA_PANEL_LANES];
        const int whole = values->channels - channel >= KVA_PANEL_LANES;
        const panel_work work = {
            .panel = codes + channel / KVA_PANEL_LANES * panel_bytes,
            .stride = bytes,
            .panels = tiles,
            .reduced = KVA_TILE_TOKENS,
            .ahead = codes_ahead + channel / KVA_PANEL_LANES * panel_bytes * (tiles - 1),
            .ahead_step = bytes - panel_bytes,
            .work = &factor[channel / size - first],
            .adds = whole,
            .result = whole ? output + channel : last,
            .result_stride = whole ? values->channels : KVA_PANEL_LANES,
        };
        products(&work);
        for (size_t i = 0; i < queries && !whole; i++) {
            for (size_t j = 0; channel + j < values->channels; j++) {
                output[i * values->channels + channel + j] += last[i * KVA_PANEL_LANES + j];
            }
        }
    }
}

static void packed_values(const kva_packed_side *values, const float *weights, float *output) {
    if (!fits(values, 0, values->channels)) {
        kva_reference_packed_values(values, weights, output);
        return;
    }
    const size_t end = values->first_token + values->tokens;
    for (size_t token = values->first_token; token < end; token += RUN_TOKENS) {
        const size_t count = end - token < RUN_TOKENS ? end - token : RUN_TOKENS;
        for (size_t query = 0; query < values->group; query += QUERIES_AT_ONCE) {
            const size_t rest = values->group - query;
            value_run(values, token, count, query, rest < QUERIES_AT_ONCE ? rest : QUERIES_AT_ONCE, weights, output);
        }
    }
}
