#include "panel.h"
#include "reference.h"
#include "scalars.h"

// Attention over packed keys and values as its definition: decode an element, multiply, sum in double.
// The number of digits asked for is what faster versions may round factors to; here they stay as they are.

static inline float metadata_at(const kva_packed_side *side, size_t index) {
    return side->metadata_is_float ? ((const float *)side->metadata)[index]
                                   : kva_half_to_float(((const uint16_t *)side->metadata)[index]);
}

/// The element of a code; `place` is where its scale lies, `minimum` elements before its minimum.
static inline float decoded(const kva_packed_side *side, unsigned code, size_t place, size_t minimum) {
    const float scale = metadata_at(side, place);
    if (side->is_symmetric) { return scale * ((float)code - (float)(1u << (side->bits - 1))); }
    return scale * (float)code + metadata_at(side, place + minimum);
}

static float key_at(const kva_packed_side *keys, size_t token, size_t channel) {
    const size_t reduced = kva_key_reduced(keys->channels);
    const uint8_t *panel = keys->codes + token / KVA_TILE_TOKENS * kva_panel_bytes(reduced, keys->bits);
    const unsigned code = kva_panel_code(panel, reduced, keys->bits, token % KVA_TILE_TOKENS, channel);
    const size_t group = token / keys->group_size * kva_key_group_stride(keys->channels, keys->is_symmetric);
    return decoded(keys, code, group + channel, reduced);
}

static float value_at(const kva_packed_side *values, size_t token, size_t channel) {
    const size_t tile = token / KVA_TILE_TOKENS, within = token % KVA_TILE_TOKENS;
    const uint8_t *panel = values->codes + tile * kva_value_tile_bytes(values->channels, values->bits) +
                           channel / KVA_PANEL_LANES * kva_panel_bytes(KVA_TILE_TOKENS, values->bits);
    const unsigned code =
        kva_panel_code(panel, KVA_TILE_TOKENS, values->bits, channel % KVA_PANEL_LANES, within);
    const size_t record = KVA_TILE_TOKENS * (values->is_symmetric ? 1 : 2);
    const size_t place = tile * kva_value_tile_stride(values->channels, values->group_size, values->is_symmetric) +
                         channel / values->group_size * record + within;
    return decoded(values, code, place, KVA_TILE_TOKENS);
}

void kva_reference_packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    for (size_t token = 0; token < keys->tokens; token++) {
        for (size_t query = 0; query < keys->group; query++) {
            double sum = 0;
            for (size_t channel = 0; channel < keys->channels; channel++) {
                sum += (double)queries[query * keys->channels + channel] *
                       key_at(keys, keys->first_token + token, channel);
            }
            scores[query * keys->score_stride + token] = (float)sum;
        }
    }
}

void kva_reference_packed_values(const kva_packed_side *values, const float *weights, float *output) {
    for (size_t query = 0; query < values->group; query++) {
        for (size_t channel = 0; channel < values->channels; channel++) {
            double sum = output[query * values->channels + channel];
            for (size_t token = 0; token < values->tokens; token++) {
                sum += (double)weights[query * values->score_stride + token] *
                       value_at(values, values->first_token + token, channel);
            }
            output[query * values->channels + channel] = (float)sum;
        }
    }
}
