#include "affine.h"

#include "../../../Sources/CKernels/reference/panel.h"

typedef struct {
    kva_tile_shape shape;
    size_t first_token, tokens, elements, codes, metadata;
} tile_case;

static size_t tiles_of(size_t tokens) { return (tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS; }

static tile_case case_of(int is_keys, kva_affine_format format, size_t first_token, size_t tokens, size_t channels) {
    tile_case one = {.shape = {format, channels, channels + 3}, .first_token = first_token, .tokens = tokens};
    const size_t end = first_token + tokens, groups = (end + format.group_size - 1) / format.group_size;
    one.elements = slab_elements(tokens, one.shape.token_stride, channels);
    if (is_keys) {
        one.codes = tiles_of(end) * kva_key_tile_bytes(channels, format.bits);
        one.metadata = groups * kva_key_group_stride(channels, format.is_symmetric);
    } else {
        one.codes = tiles_of(end) * kva_value_tile_bytes(channels, format.bits);
        one.metadata = tiles_of(end) * kva_value_tile_stride(channels, format.group_size, format.is_symmetric);
    }
    return one;
}

typedef void quantize_function(const void *, const kva_tile_shape *, size_t, size_t, uint8_t *, void *);
typedef void dequantize_function(const kva_tile_shape *, size_t, size_t, const uint8_t *, const void *, float *);

static void check_quantize(quantize_function *fast, quantize_function *plain, const tile_case *one, sample_kind kind) {
    const kva_affine_format *format = &one->shape.format;
    const void *x = elements_of(format, kind, one->elements);
    uint8_t *got = zero_bytes(one->codes), *expected = zero_bytes(one->codes);
    // Metadata of tokens that are not asked for keep the pattern with which both begin.
    void *metadata = exact_bytes(one->metadata * metadata_size(format));
    void *plain_metadata = exact_bytes(one->metadata * metadata_size(format));
    fast(x, &one->shape, one->first_token, one->tokens, got, metadata);
    plain(x, &one->shape, one->first_token, one->tokens, expected, plain_metadata);
    expect_metadata(format, metadata, plain_metadata, one->metadata);
    expect_same_bytes(got, expected, one->codes);
}

static void check_dequantize(dequantize_function *fast, dequantize_function *plain, const tile_case *one,
                             sample_kind kind) {
    const uint8_t *packed = random_bytes(one->codes);
    const void *metadata = random_metadata(&one->shape.format, kind, one->metadata);
    float *got = EXACT(float, one->elements), *expected = EXACT(float, one->elements);
    fast(&one->shape, one->first_token, one->tokens, packed, metadata, got);
    plain(&one->shape, one->first_token, one->tokens, packed, metadata, expected);
    expect_identical(got, expected, one->elements);
}

static const size_t channel_counts[] = {64, 1, 16, 17, 33, 80, 128, 5};

static void check_tiles(int is_keys, quantize_function *quantizes, quantize_function *quantizes_plainly,
                        dequantize_function *decodes, dequantize_function *decodes_plainly) {
    size_t turn = 0;
    for (size_t tokens = 0; tokens < 100; tokens += tokens < 34 ? 1 : 13) {
        for (size_t round = 0; round < 30; round++, turn++) {
            const kva_affine_format format = format_of_turn(turn);
            const size_t any = random_bits() % 70, first = is_keys ? any / format.group_size * format.group_size : any;
            const tile_case one = case_of(is_keys, format, first, tokens, channel_counts[random_bits() % 8]);
            const sample_kind kind = (sample_kind)(random_bits() % SAMPLE_KINDS);
            describe_format(&format, kind, first, tokens, one.shape.channels);
            if (quantizes) {
                check_quantize(quantizes, quantizes_plainly, &one, kind);
            } else {
                check_dequantize(decodes, decodes_plainly, &one, kind);
            }
            end_case();
        }
    }
}

CHECK(quantize_key_tiles) {
    check_tiles(1, tables->fast->quantize_key_tiles, tables->reference->quantize_key_tiles, NULL, NULL);
}
CHECK(quantize_value_tiles) {
    check_tiles(0, tables->fast->quantize_value_tiles, tables->reference->quantize_value_tiles, NULL, NULL);
}
CHECK(dequantize_key_tiles) {
    check_tiles(1, NULL, NULL, tables->fast->dequantize_key_tiles, tables->reference->dequantize_key_tiles);
}
CHECK(dequantize_value_tiles) {
    check_tiles(0, NULL, NULL, tables->fast->dequantize_value_tiles, tables->reference->dequantize_value_tiles);
}

// MARK: - Between tiles and rows

typedef void exchange(const uint8_t *source, size_t tokens, size_t channels, unsigned bits, uint8_t *target);

/// Of one width and shape, with zeros where no code is: `plain` makes tiles of the rows, and `back` rows of those.
static void check_exchange(exchange *fast, int to_rows, int is_keys, exchange *rows_to_tiles, exchange *tiles_to_rows,
                           unsigned bits, size_t tokens, size_t channels) {
    const size_t length = is_keys ? tokens : channels, row = (length * bits + 7) / 8;
    const size_t count = is_keys ? channels : tokens;
    const size_t tile = is_keys ? kva_key_tile_bytes(channels, bits) : kva_value_tile_bytes(channels, bits);
    uint8_t *rows = random_bytes(count * row), *tiles = exact_bytes(tiles_of(tokens) * tile);
    const uint8_t used = (uint8_t)(0xFF >> (8 * row - length * bits));
    for (size_t i = 0; i < count && row > 0; i++) { rows[(i + 1) * row - 1] &= used; }
    rows_to_tiles(rows, tokens, channels, bits, tiles);
    const size_t size = to_rows ? count * row : tiles_of(tokens) * tile;
    uint8_t *got = exact_bytes(size), *back = exact_bytes(count * row);
    describe_case("%u bits, %zu × %zu", bits, tokens, channels);
    fast(to_rows ? tiles : rows, tokens, channels, bits, got);
    expect_same_bytes(got, to_rows ? rows : tiles, size);
    tiles_to_rows(tiles, tokens, channels, bits, back);
    expect_same_bytes(back, rows, count * row);
    end_case();
}

static void check_exchanges(const tables_under_test *tables, exchange *fast, int to_rows, int is_keys) {
    static const unsigned widths[] = {1, 2, 3, 4, 8};
    const kva_kernels *plain = tables->reference;
    exchange *const rows_to_tiles = is_keys ? plain->key_rows_to_tiles : plain->value_rows_to_tiles;
    exchange *const tiles_to_rows = is_keys ? plain->key_tiles_to_rows : plain->value_tiles_to_rows;
    for (size_t width = 0; width < sizeof widths / sizeof widths[0]; width++) {
        for (size_t tokens = 0; tokens < 140; tokens += tokens < 34 ? 1 : 31) {
            for (size_t i = 0; i < sizeof channel_counts / sizeof channel_counts[0]; i++) {
                check_exchange(fast, to_rows, is_keys, rows_to_tiles, tiles_to_rows, widths[width], tokens,
                               channel_counts[i]);
            }
        }
    }
}

CHECK(key_tiles_to_rows) { check_exchanges(tables, tables->fast->key_tiles_to_rows, 1, 1); }
CHECK(key_rows_to_tiles) { check_exchanges(tables, tables->fast->key_rows_to_tiles, 0, 1); }
CHECK(value_tiles_to_rows) { check_exchanges(tables, tables->fast->value_tiles_to_rows, 1, 0); }
CHECK(value_rows_to_tiles) { check_exchanges(tables, tables->fast->value_rows_to_tiles, 0, 0); }
