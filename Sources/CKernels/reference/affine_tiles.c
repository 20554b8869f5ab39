#include "affine_group.h"
#include "panel.h"
#include "row_codes.h"

// Uniform quantization into the tiles of panel.h, and those codes to rows and back.

static uint8_t *value_panel(uint8_t *codes, size_t token, size_t channel, size_t channels, unsigned bits) {
    return codes + token / KVA_TILE_TOKENS * kva_value_tile_bytes(channels, bits) +
           channel / KVA_PANEL_LANES * kva_panel_bytes(KVA_TILE_TOKENS, bits);
}

/// Place of the scale of a key's group; its minimum lies `kva_key_reduced(channels)` further.
static size_t key_scale(const kva_tile_shape *shape, size_t token, size_t channel) {
    const kva_affine_format *format = &shape->format;
    return token / format->group_size * kva_key_group_stride(shape->channels, format->is_symmetric) + channel;
}

/// Place of the scale of a value's group; its minimum lies a tile's tokens further.
static size_t value_scale(const kva_tile_shape *shape, size_t token, size_t channel) {
    const kva_affine_format *format = &shape->format;
    const size_t tile = kva_value_tile_stride(shape->channels, format->group_size, format->is_symmetric);
    const size_t record = KVA_TILE_TOKENS * (format->is_symmetric ? 1 : 2);
    return token / KVA_TILE_TOKENS * tile + channel / format->group_size * record + token % KVA_TILE_TOKENS;
}

void kva_reference_quantize_key_tiles(const void *x, const kva_tile_shape *shape, size_t first_token,
                                      size_t token_count, uint8_t *codes, void *metadata) {
    const kva_affine_format *format = &shape->format;
    const size_t reduced = kva_key_reduced(shape->channels);
    const size_t tile_bytes = kva_key_tile_bytes(shape->channels, format->bits);
    // A tile of which this call writes every token may hold anything before.
    for (size_t token = kva_rounded_up(first_token, KVA_TILE_TOKENS); token + KVA_TILE_TOKENS <= first_token + token_count;
         token += KVA_TILE_TOKENS) {
        memset(codes + token / KVA_TILE_TOKENS * tile_bytes, 0, tile_bytes);
    }
    for (size_t first = 0; first < token_count; first += format->group_size) {
        const size_t rest = token_count - first, count = rest < format->group_size ? rest : format->group_size;
        for (size_t channel = 0; channel < reduced; channel++) {
            const size_t place = key_scale(shape, first_token + first, channel);
            kva_affine_group group = {0, 0};
            if (channel < shape->channels) {
                group = kva_affine_group_of(x, first * shape->token_stride + channel, shape->token_stride, count, format);
            }
            kva_affine_put(metadata, place, group.scale, format);
            if (!format->is_symmetric) { kva_affine_put(metadata, place + reduced, group.minimum, format); }
            for (size_t i = first; channel < shape->channels && i < first + count; i++) {
                const float value = kva_affine_element(x, i * shape->token_stride + channel, format);
                const size_t token = first_token + i;
                kva_panel_set(codes + token / KVA_TILE_TOKENS * tile_bytes, reduced, format->bits,
                              token % KVA_TILE_TOKENS, channel, kva_affine_code(value, &group, format));
            }
        }
    }
}

void kva_reference_quantize_value_tiles(const void *x, const kva_tile_shape *shape, size_t first_token,
                                        size_t token_count, uint8_t *codes, void *metadata) {
    const kva_affine_format *format = &shape->format;
    const size_t tile_bytes = kva_value_tile_bytes(shape->channels, format->bits);
    for (size_t token = kva_rounded_up(first_token, KVA_TILE_TOKENS); token + KVA_TILE_TOKENS <= first_token + token_count;
         token += KVA_TILE_TOKENS) {
        memset(codes + token / KVA_TILE_TOKENS * tile_bytes, 0, tile_bytes);
    }
    for (size_t i = 0; i < token_count; i++) {
        const size_t token = first_token + i;
        for (size_t first = 0; first < shape->channels; first += format->group_size) {
            const size_t rest = shape->channels - first, count = rest < format->group_size ? rest : format->group_size;
            const kva_affine_group group = kva_affine_group_of(x, i * shape->token_stride + first, 1, count, format);
            const size_t place = value_scale(shape, token, first);
            kva_affine_put(metadata, place, group.scale, format);
            if (!format->is_symmetric) { kva_affine_put(metadata, place + KVA_TILE_TOKENS, group.minimum, format); }
            for (size_t channel = first; channel < first + count; channel++) {
                const float value = kva_affine_element(x, i * shape->token_stride + channel, format);
                kva_panel_set(value_panel(codes, token, channel, shape->channels, format->bits), KVA_TILE_TOKENS,
                              format->bits, channel % KVA_PANEL_LANES, token % KVA_TILE_TOKENS,
                              kva_affine_code(value, &group, format));
            }
        }
    }
}

void kva_reference_dequantize_key_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const void *metadata, float *x) {
    const kva_affine_format *format = &shape->format;
    const size_t reduced = kva_key_reduced(shape->channels);
    const size_t tile_bytes = kva_key_tile_bytes(shape->channels, format->bits);
    for (size_t i = 0; i < token_count; i++) {
        const size_t token = first_token + i;
        for (size_t channel = 0; channel < shape->channels; channel++) {
            const size_t place = key_scale(shape, token, channel);
            const kva_affine_group group = {
                kva_affine_get(metadata, place, format),
                format->is_symmetric ? 0 : kva_affine_get(metadata, place + reduced, format),
            };
            const unsigned code = kva_panel_code(codes + token / KVA_TILE_TOKENS * tile_bytes, reduced, format->bits,
                                                 token % KVA_TILE_TOKENS, channel);
            x[i * shape->token_stride + channel] = kva_affine_decoded(code, &group, format);
        }
    }
}

void kva_reference_dequantize_value_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                          const uint8_t *codes, const void *metadata, float *x) {
    const kva_affine_format *format = &shape->format;
    for (size_t i = 0; i < token_count; i++) {
        const size_t token = first_token + i;
        for (size_t channel = 0; channel < shape->channels; channel++) {
            const size_t place = value_scale(shape, token, channel);
            const kva_affine_group group = {
                kva_affine_get(metadata, place, format),
                format->is_symmetric ? 0 : kva_affine_get(metadata, place + KVA_TILE_TOKENS, format),
            };
            const uint8_t *panel = value_panel((uint8_t *)codes, token, channel, shape->channels, format->bits);
            const unsigned code = kva_panel_code(panel, KVA_TILE_TOKENS, format->bits, channel % KVA_PANEL_LANES,
                                                 token % KVA_TILE_TOKENS);
            x[i * shape->token_stride + channel] = kva_affine_decoded(code, &group, format);
        }
    }
}

// MARK: - Tiles and rows

void kva_reference_key_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits,
                                     uint8_t *rows) {
    const size_t reduced = kva_key_reduced(channels), row_bytes = kva_row_bytes(tokens, bits);
    memset(rows, 0, channels * row_bytes);
    for (size_t token = 0; token < tokens; token++) {
        const uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_panel_bytes(reduced, bits);
        for (size_t channel = 0; channel < channels; channel++) {
            kva_row_set(rows + channel * row_bytes, token, bits,
                        kva_panel_code(panel, reduced, bits, token % KVA_TILE_TOKENS, channel));
        }
    }
}

void kva_reference_key_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits,
                                     uint8_t *tiles) {
    const size_t reduced = kva_key_reduced(channels), row_bytes = kva_row_bytes(tokens, bits);
    memset(tiles, 0, (tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS * kva_panel_bytes(reduced, bits));
    for (size_t token = 0; token < tokens; token++) {
        uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_panel_bytes(reduced, bits);
        for (size_t channel = 0; channel < channels; channel++) {
            kva_panel_set(panel, reduced, bits, token % KVA_TILE_TOKENS, channel,
                          kva_row_code(rows + channel * row_bytes, token, bits));
        }
    }
}

void kva_reference_value_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits,
                                       uint8_t *rows) {
    const size_t row_bytes = kva_row_bytes(channels, bits);
    memset(rows, 0, tokens * row_bytes);
    for (size_t token = 0; token < tokens; token++) {
        for (size_t channel = 0; channel < channels; channel++) {
            const uint8_t *panel = value_panel((uint8_t *)tiles, token, channel, channels, bits);
            kva_row_set(rows + token * row_bytes, channel, bits,
                        kva_panel_code(panel, KVA_TILE_TOKENS, bits, channel % KVA_PANEL_LANES, token % KVA_TILE_TOKENS));
        }
    }
}

void kva_reference_value_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits,
                                       uint8_t *tiles) {
    const size_t row_bytes = kva_row_bytes(channels, bits);
    memset(tiles, 0, (tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS * kva_value_tile_bytes(channels, bits));
    for (size_t token = 0; token < tokens; token++) {
        for (size_t channel = 0; channel < channels; channel++) {
            kva_panel_set(value_panel(tiles, token, channel, channels, bits), KVA_TILE_TOKENS, bits,
                          channel % KVA_PANEL_LANES, token % KVA_TILE_TOKENS,
                          kva_row_code(rows + token * row_bytes, channel, bits));
        }
    }
}
