#include "../driver.h"

static const unsigned widths[] = {1, 2, 3, 4, 8};
enum { WIDTHS = sizeof widths / sizeof widths[0] };

typedef struct {
    kva_affine_shape shape;
    size_t rows, elements;
} affine_case;

/// Rows lie along tokens or along channels; three elements lie between a token and the next.
static affine_case case_of(size_t length, size_t rows, size_t group_size, unsigned bits, int along_tokens) {
    affine_case one = {.rows = rows};
    one.shape.tokens = along_tokens ? length : rows;
    one.shape.channels = along_tokens ? rows : length;
    one.shape.token_stride = one.shape.channels + 3;
    one.shape.group_size = group_size;
    one.shape.bits = bits;
    one.shape.row_bytes = (length * bits + 7) / 8;
    one.shape.groups_per_row = (length + group_size - 1) / group_size;
    one.elements = one.shape.tokens == 0 ? 0 : (one.shape.tokens - 1) * one.shape.token_stride + one.shape.channels;
    return one;
}

typedef void quantize_function(const uint16_t *, const kva_affine_shape *, size_t, size_t, uint8_t *, uint16_t *,
                               uint16_t *);
typedef void dequantize_function(const kva_affine_shape *, size_t, size_t, const uint8_t *, const uint16_t *,
                                 const uint16_t *, float *);

/// Rows in two pieces, as two threads take them.
static void check_quantize(quantize_function *fast, quantize_function *plain, const affine_case *one,
                           sample_kind kind) {
    const uint16_t *x = half_sample(kind, one->elements);
    const size_t codes = one->rows * one->shape.row_bytes, groups = one->rows * one->shape.groups_per_row;
    uint8_t *got = EXACT(uint8_t, codes), *expected = EXACT(uint8_t, codes);
    uint16_t *scales = EXACT(uint16_t, groups), *minima = EXACT(uint16_t, groups);
    uint16_t *plain_scales = EXACT(uint16_t, groups), *plain_minima = EXACT(uint16_t, groups);
    const size_t first = one->rows / 2;
    fast(x, &one->shape, first, one->rows - first, got, scales, minima);
    fast(x, &one->shape, 0, first, got, scales, minima);
    plain(x, &one->shape, 0, one->rows, expected, plain_scales, plain_minima);
    expect_same_bytes(scales, plain_scales, groups * sizeof scales[0]);
    expect_same_bytes(minima, plain_minima, groups * sizeof minima[0]);
    expect_same_bytes(got, expected, codes);
}

static void check_dequantize(dequantize_function *fast, dequantize_function *plain, const affine_case *one,
                             sample_kind kind) {
    const size_t codes = one->rows * one->shape.row_bytes, groups = one->rows * one->shape.groups_per_row;
    uint8_t *packed = EXACT(uint8_t, codes);
    for (size_t i = 0; i < codes; i++) { packed[i] = (uint8_t)random_bits(); }
    const uint16_t *scales = half_sample(kind, groups), *minima = half_sample(GAUSSIAN, groups);
    // Places between channels and stride are left alone: both begin with the same pattern.
    float *got = EXACT(float, one->elements), *expected = EXACT(float, one->elements);
    const size_t first = one->rows / 2;
    fast(&one->shape, first, one->rows - first, packed, scales, minima, got);
    fast(&one->shape, 0, first, packed, scales, minima, got);
    plain(&one->shape, 0, one->rows, packed, scales, minima, expected);
    expect_identical(got, expected, one->elements);
}

static void check_shapes(const tables_under_test *tables, int along_tokens, int packs) {
    static const size_t more[][3] = {{64, 16, 32}, {70, 24, 32}, {128, 17, 64}, {40, 8, 5}, {33, 8, 1000},
                                     {100, 33, 16}};
    const kva_kernels *fast = tables->fast, *plain = tables->reference;
    quantize_function *const quantizes = along_tokens ? fast->quantize_token_groups : fast->quantize_channel_groups;
    quantize_function *const plainly = along_tokens ? plain->quantize_token_groups : plain->quantize_channel_groups;
    dequantize_function *const decodes = along_tokens ? fast->dequantize_token_groups : fast->dequantize_channel_groups;
    dequantize_function *const plain_decodes =
        along_tokens ? plain->dequantize_token_groups : plain->dequantize_channel_groups;
    for (size_t width = 0; width < WIDTHS; width++) {
        for (size_t index = 0; index < 34 + sizeof more / sizeof more[0]; index++) {
            const size_t length = index < 34 ? index : more[index - 34][0], rows = index < 34 ? 9 : more[index - 34][1];
            const size_t group_size = index < 34 ? 8 : more[index - 34][2];
            const affine_case one = case_of(length, rows, group_size, widths[width], along_tokens);
            FOR_KINDS(kind) {
                describe_case("%u bits, %zu in groups of %zu, %s", widths[width], length, group_size,
                              sample_name(kind));
                if (packs) {
                    check_quantize(quantizes, plainly, &one, kind);
                } else {
                    check_dequantize(decodes, plain_decodes, &one, kind);
                }
                end_case();
            }
        }
    }
}

CHECK(quantize_token_groups) { check_shapes(tables, 1, 1); }
CHECK(quantize_channel_groups) { check_shapes(tables, 0, 1); }
CHECK(dequantize_token_groups) { check_shapes(tables, 1, 0); }
CHECK(dequantize_channel_groups) { check_shapes(tables, 0, 0); }
