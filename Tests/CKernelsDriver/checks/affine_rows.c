#include "affine.h"

typedef struct {
    kva_affine_shape shape;
    size_t rows, elements, codes, groups;
} row_case;

/// Rows lie along tokens or along channels; three elements lie between a token and the next.
static row_case case_of(size_t length, size_t rows, kva_affine_format format, int along_tokens) {
    row_case one = {.rows = rows};
    one.shape.format = format;
    one.shape.tokens = along_tokens ? length : rows;
    one.shape.channels = along_tokens ? rows : length;
    one.shape.token_stride = one.shape.channels + 3;
    one.shape.row_bytes = (length * format.bits + 7) / 8;
    one.shape.groups_per_row = (length + format.group_size - 1) / format.group_size;
    one.elements = slab_elements(one.shape.tokens, one.shape.token_stride, one.shape.channels);
    one.codes = rows * one.shape.row_bytes;
    one.groups = rows * one.shape.groups_per_row;
    return one;
}

typedef void quantize_function(const void *, const kva_affine_shape *, size_t, size_t, uint8_t *, void *, void *);
typedef void dequantize_function(const kva_affine_shape *, size_t, size_t, const uint8_t *, const void *, const void *,
                                 float *);

/// Rows in two pieces, as two threads take them.
static void check_quantize(quantize_function *fast, quantize_function *plain, const row_case *one, sample_kind kind) {
    const kva_affine_format *format = &one->shape.format;
    const void *x = elements_of(format, kind, one->elements);
    const size_t bytes = one->groups * metadata_size(format), first = one->rows / 2;
    uint8_t *got = exact_bytes(one->codes), *expected = exact_bytes(one->codes);
    void *scales = exact_bytes(bytes), *plain_scales = exact_bytes(bytes);
    void *minima = format->is_symmetric ? NULL : exact_bytes(bytes);
    void *plain_minima = format->is_symmetric ? NULL : exact_bytes(bytes);
    fast(x, &one->shape, first, one->rows - first, got, scales, minima);
    fast(x, &one->shape, 0, first, got, scales, minima);
    plain(x, &one->shape, 0, one->rows, expected, plain_scales, plain_minima);
    expect_metadata(format, scales, plain_scales, one->groups);
    if (!format->is_symmetric) { expect_metadata(format, minima, plain_minima, one->groups); }
    expect_same_bytes(got, expected, one->codes);
}

static void check_dequantize(dequantize_function *fast, dequantize_function *plain, const row_case *one,
                             sample_kind kind) {
    const kva_affine_format *format = &one->shape.format;
    const uint8_t *packed = random_bytes(one->codes);
    const void *scales = random_metadata(format, kind, one->groups);
    const void *minima = format->is_symmetric ? NULL : random_metadata(format, GAUSSIAN, one->groups);
    // Places between channels and stride are left alone: both begin with the same pattern.
    float *got = EXACT(float, one->elements), *expected = EXACT(float, one->elements);
    const size_t first = one->rows / 2;
    fast(&one->shape, first, one->rows - first, packed, scales, minima, got);
    fast(&one->shape, 0, first, packed, scales, minima, got);
    plain(&one->shape, 0, one->rows, packed, scales, minima, expected);
    expect_identical(got, expected, one->elements);
}

static void check_rows(int along_tokens, quantize_function *quantizes, quantize_function *quantizes_plainly,
                       dequantize_function *decodes, dequantize_function *decodes_plainly) {
    static const size_t more[][2] = {{64, 16}, {70, 24}, {128, 17}, {40, 8}, {100, 33}, {256, 40}};
    size_t turn = 0;
    for (size_t shape = 0; shape < 34 + sizeof more / sizeof more[0]; shape++) {
        const size_t length = shape < 34 ? shape : more[shape - 34][0], rows = shape < 34 ? 9 : more[shape - 34][1];
        // As many formats as have each pair of element type, width and metadata.
        for (size_t round = 0; round < 30; round++, turn++) {
            const row_case one = case_of(length, rows, format_of_turn(turn), along_tokens);
            const sample_kind kind = (sample_kind)(random_bits() % SAMPLE_KINDS);
            describe_format(&one.shape.format, kind, 0, one.shape.tokens, one.shape.channels);
            if (quantizes) {
                check_quantize(quantizes, quantizes_plainly, &one, kind);
            } else {
                check_dequantize(decodes, decodes_plainly, &one, kind);
            }
            end_case();
        }
    }
}

CHECK(quantize_token_groups) {
    check_rows(1, tables->fast->quantize_token_groups, tables->reference->quantize_token_groups, NULL, NULL);
}
CHECK(quantize_channel_groups) {
    check_rows(0, tables->fast->quantize_channel_groups, tables->reference->quantize_channel_groups, NULL, NULL);
}
CHECK(dequantize_token_groups) {
    check_rows(1, NULL, NULL, tables->fast->dequantize_token_groups, tables->reference->dequantize_token_groups);
}
CHECK(dequantize_channel_groups) {
    check_rows(0, NULL, NULL, tables->fast->dequantize_channel_groups, tables->reference->dequantize_channel_groups);
}
