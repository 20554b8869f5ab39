#ifndef KVATLAS_CKERNELS_PACKED_H
#define KVATLAS_CKERNELS_PACKED_H

// Keys and values as a low-bit cache holds them: sizes here, the layout in reference/panel.h.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Lanes of a panel of packed codes, and tokens of a tile of it; see reference/panel.h for the layout.
enum { KVA_PANEL_LANES = 32, KVA_TILE_TOKENS = 32 };

/// Packed keys or values of one head in tiles, as one side of attention for `group` queries.
///
/// Metadata of keys, one record for every `group_size` tokens: a scale for each channel (padded to a
/// multiple of 16), then as many minima. Metadata of values, for each tile and every `group_size`
/// channels: the scales of its 32 tokens, then their minima. Symmetric codes have no minima.
typedef struct {
    const uint8_t *codes;
    /// float16 bits or float32.
    const void *metadata;
    int metadata_is_float;
    int is_symmetric;
    unsigned bits;
    size_t channels;
    size_t group_size;
    /// The first token, a multiple of 32 counted from the start of `codes`, and how many follow.
    size_t first_token;
    size_t tokens;
    /// Query rows, and elements between the score rows of two of them.
    size_t group;
    size_t score_stride;
    /// Of keys: a bound on each channel's scales (padded to a multiple of 16), or null to have it looked for in
    /// the records that are read. Of values: null.
    const float *_Nullable envelope;
    /// Codes and metadata that will be read next, from their first token on; or null. They are asked for in time.
    const uint8_t *_Nullable next_codes;
    const void *_Nullable next_metadata;
    /// Digits of 8 bits in which factors are rounded to integers: 1, 2, or 3 which is as good as float32.
    unsigned digits;
} kva_packed_side;

static inline size_t kva_rounded_up(size_t x, size_t multiple) { return (x + multiple - 1) / multiple * multiple; }

/// Bits of the first digit of a code; the second has the rest.
static inline unsigned kva_first_digit_bits(unsigned bits) { return bits == 8 ? 4 : bits == 3 ? 2 : bits; }

static inline size_t kva_panel_bytes(size_t reduced, unsigned bits) { return 4 * reduced * bits; }

/// Reduced elements of the panel of a key tile.
static inline size_t kva_key_reduced(size_t channels) { return kva_rounded_up(channels, 16); }
static inline size_t kva_key_tile_bytes(size_t channels, unsigned bits) {
    return kva_panel_bytes(kva_key_reduced(channels), bits);
}
/// Scales, or minima, of one group of tokens.
static inline size_t kva_key_group_stride(size_t channels, int is_symmetric) {
    return kva_key_reduced(channels) * (is_symmetric ? 1 : 2);
}

/// Panels of a value tile, each of 32 channels × 32 tokens.
static inline size_t kva_value_panels(size_t channels) { return (channels + KVA_PANEL_LANES - 1) / KVA_PANEL_LANES; }
static inline size_t kva_value_tile_bytes(size_t channels, unsigned bits) {
    return kva_value_panels(channels) * kva_panel_bytes(KVA_TILE_TOKENS, bits);
}
static inline size_t kva_value_groups(size_t channels, size_t group_size) {
    return (channels + group_size - 1) / group_size;
}
/// Elements of the metadata of one value tile.
static inline size_t kva_value_tile_stride(size_t channels, size_t group_size, int is_symmetric) {
    return kva_value_groups(channels, group_size) * KVA_TILE_TOKENS * (is_symmetric ? 1 : 2);
}

#pragma clang assume_nonnull end

#endif
