#if defined(__x86_64__)

#include "../code_blocks.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Codes between tiles and rows, 32 × 32 at a time: a block's columns are parts of the rows.

static size_t rest_of_block(size_t first, size_t length) {
    return length - first < KVA_BLOCK ? length - first : KVA_BLOCK;
}

void kva_avx2_key_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows) {
    const size_t reduced = kva_key_reduced(channels), row_bytes = kva_row_bytes(tokens, bits);
    kva_code_block block;
    for (size_t token = 0; token < tokens; token += KVA_BLOCK) {
        const uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_panel_bytes(reduced, bits);
        for (size_t channel = 0; channel < channels; channel += KVA_BLOCK) {
            kva_get_elements(panel, reduced, channel, rest_of_block(channel, reduced), bits, &block);
            kva_pack_columns(&block, bits, rest_of_block(channel, channels),
                             kva_row_bytes(rest_of_block(token, tokens), bits),
                             rows + channel * row_bytes + token / 8 * bits, row_bytes);
        }
    }
}

void kva_avx2_key_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles) {
    const size_t reduced = kva_key_reduced(channels), row_bytes = kva_row_bytes(tokens, bits);
    kva_code_block block;
    for (size_t token = 0; token < tokens; token += KVA_BLOCK) {
        uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_panel_bytes(reduced, bits);
        for (size_t channel = 0; channel < channels; channel += KVA_BLOCK) {
            kva_unpack_columns(rows + channel * row_bytes + token / 8 * bits, row_bytes, bits,
                               rest_of_block(channel, channels), kva_row_bytes(rest_of_block(token, tokens), bits), &block);
            kva_put_elements(&block, panel, reduced, channel, rest_of_block(channel, reduced), bits, 0);
        }
    }
}

void kva_avx2_value_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows) {
    const size_t panel_bytes = kva_panel_bytes(KVA_TILE_TOKENS, bits), row_bytes = kva_row_bytes(channels, bits);
    kva_code_block block;
    for (size_t token = 0; token < tokens; token += KVA_BLOCK) {
        const uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_value_tile_bytes(channels, bits);
        for (size_t channel = 0; channel < channels; channel += KVA_BLOCK, panel += panel_bytes) {
            kva_get_elements(panel, KVA_TILE_TOKENS, 0, KVA_TILE_TOKENS, bits, &block);
            kva_pack_columns(&block, bits, rest_of_block(token, tokens),
                             kva_row_bytes(rest_of_block(channel, channels), bits),
                             rows + token * row_bytes + channel / 8 * bits, row_bytes);
        }
    }
}

void kva_avx2_value_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles) {
    const size_t panel_bytes = kva_panel_bytes(KVA_TILE_TOKENS, bits), row_bytes = kva_row_bytes(channels, bits);
    kva_code_block block;
    for (size_t token = 0; token < tokens; token += KVA_BLOCK) {
        uint8_t *panel = tiles + token / KVA_TILE_TOKENS * kva_value_tile_bytes(channels, bits);
        for (size_t channel = 0; channel < channels; channel += KVA_BLOCK, panel += panel_bytes) {
            kva_unpack_columns(rows + token * row_bytes + channel / 8 * bits, row_bytes, bits, rest_of_block(token, tokens),
                               kva_row_bytes(rest_of_block(channel, channels), bits), &block);
            kva_put_elements(&block, panel, KVA_TILE_TOKENS, 0, KVA_TILE_TOKENS, bits, 0);
        }
    }
}

#pragma clang attribute pop

#endif
