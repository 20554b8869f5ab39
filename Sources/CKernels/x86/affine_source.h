// Part of an instruction set's affine.c, after its affine_lanes.h: 32 × 32 elements of a slab as float16 or float32.

#include "code_blocks.h"

/// Elements whose columns are quantized together; groups go down the columns. For groups of tokens the rows are
/// tokens, for groups of channels they are channels and each block is transposed.
typedef struct {
    const kva_affine_format *format;
    /// At the first existing row and column.
    const uint8_t *elements;
    size_t token_stride;
    int rows_are_channels;
    size_t first_row, end_row;
    size_t first_column, columns;
    /// The block loaded last: rows from `block_row`, `block_stride` elements apart, float32 with float32 metadata.
    size_t block_index;
    const void *block;
    size_t block_row, block_stride;
    union {
        _Alignas(64) uint16_t halves[KVA_BLOCK][KVA_BLOCK];
        _Alignas(64) float floats[KVA_BLOCK][KVA_BLOCK];
    } copy;
} block_source;

static size_t smaller_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger_size(size_t a, size_t b) { return a > b ? a : b; }

static size_t element_bytes(kva_type type) { return type == KVA_F32 ? 4 : 2; }

/// `count` elements, at most 32, and zeros up to 32.
static void convert_run(const uint8_t *source, size_t count, const kva_affine_format *format, void *target) {
    _Alignas(64) uint8_t padded[4 * KVA_BLOCK];
    if (count < KVA_BLOCK) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, source, count * element_bytes(format->element_type));
        source = padded;
    }
    const uint16_t *halves = (const uint16_t *)(const void *)source;
    const float *singles = (const float *)(const void *)source;
    for (size_t i = 0; i < KVA_BLOCK; i += LANES) {
        const floats x = format->element_type == KVA_F32    ? load(singles + i)
                         : format->element_type == KVA_BF16 ? load_bfloats(halves + i)
                                                            : load_halves(halves + i);
        if (format->metadata_is_float) {
            store((float *)target + i, x);
        } else {
            store_halves((uint16_t *)target + i, x);
        }
    }
}

/// Eight rows of two times eight halves each: columns 0…7 of sixteen rows become rows.
KVA_INLINE void transpose_16_by_8(const uint16_t *x, size_t stride, uint16_t *target) {
    __m256i a[8], b[8];
    for (size_t i = 0; i < 8; i++) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(x + i * stride));
        a[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                       _mm_loadu_si128((const __m128i *)(const void *)(x + (i + 8) * stride)), 1);
    }
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_epi16(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_epi16(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = _mm256_unpacklo_epi32(b[i], b[i + 2]);
        a[i + 1] = _mm256_unpackhi_epi32(b[i], b[i + 2]);
        a[i + 2] = _mm256_unpacklo_epi32(b[i + 1], b[i + 3]);
        a[i + 3] = _mm256_unpackhi_epi32(b[i + 1], b[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_store_si256((__m256i *)(void *)(target + 2 * i * KVA_BLOCK), _mm256_unpacklo_epi64(a[i], a[i + 4]));
        _mm256_store_si256((__m256i *)(void *)(target + (2 * i + 1) * KVA_BLOCK),
                           _mm256_unpackhi_epi64(a[i], a[i + 4]));
    }
}

static void transpose_halves(const uint16_t *x, size_t stride, uint16_t target[KVA_BLOCK][KVA_BLOCK]) {
    for (size_t row = 0; row < KVA_BLOCK; row += 16) {
        for (size_t column = 0; column < KVA_BLOCK; column += 8) {
            transpose_16_by_8(x + row * stride + column, stride, &target[column][row]);
        }
    }
}

static void transpose_floats(const float *x, size_t stride, float *target, size_t target_stride) {
    for (size_t row = 0; row < KVA_BLOCK; row += 8) {
        for (size_t column = 0; column < KVA_BLOCK; column += 8) {
            __m256i v[8];
            for (size_t i = 0; i < 8; i++) {
                v[i] = _mm256_castps_si256(_mm256_loadu_ps(x + (row + i) * stride + column));
            }
            kva_transpose_8x8(v);
            for (size_t i = 0; i < 8; i++) {
                _mm256_storeu_ps(target + (column + i) * target_stride + row, _mm256_castsi256_ps(v[i]));
            }
        }
    }
}

static void load_transposed(block_source *source, size_t first, size_t count) {
    const kva_affine_format *format = source->format;
    const size_t bytes = element_bytes(format->element_type);
    const uint8_t *elements = source->elements + (first - source->first_row) * bytes;
    source->block = &source->copy;
    source->block_stride = KVA_BLOCK;
    if (count == KVA_BLOCK && source->columns == KVA_BLOCK) {
        if (!format->metadata_is_float && format->element_type == KVA_F16) {
            transpose_halves((const uint16_t *)(const void *)elements, source->token_stride, source->copy.halves);
            return;
        }
        if (format->metadata_is_float && format->element_type == KVA_F32) {
            transpose_floats((const float *)(const void *)elements, source->token_stride, source->copy.floats[0],
                             KVA_BLOCK);
            return;
        }
    }
    union {
        _Alignas(64) uint16_t halves[KVA_BLOCK][KVA_BLOCK];
        _Alignas(64) float floats[KVA_BLOCK][KVA_BLOCK];
    } straight;
    if (source->columns < KVA_BLOCK) { memset(&straight, 0, sizeof straight); }
    for (size_t i = 0; i < source->columns; i++) {
        const size_t column = source->first_column + i;
        void *target = format->metadata_is_float ? (void *)straight.floats[column] : (void *)straight.halves[column];
        convert_run(elements + i * source->token_stride * bytes, count, format, target);
    }
    if (format->metadata_is_float) {
        transpose_floats(straight.floats[0], KVA_BLOCK, source->copy.floats[0], KVA_BLOCK);
    } else {
        transpose_halves(straight.halves[0], KVA_BLOCK, source->copy.halves);
    }
}

/// Asks for the elements 32 tokens further on, which no stride prefetcher foresees: they are read in pieces of a line.
static void prefetch_next(const block_source *source, size_t row, size_t tokens) {
    const size_t bytes = element_bytes(source->format->element_type), token_bytes = source->token_stride * bytes;
    const uint8_t *next = source->elements + KVA_BLOCK * token_bytes +
                          (row - source->first_row) * (source->rows_are_channels ? bytes : token_bytes);
    for (size_t i = 0; i < tokens; i++) {
        for (size_t line = 0; line < KVA_BLOCK * bytes; line += 64) {
            _mm_prefetch(next + i * token_bytes + line, _MM_HINT_T0);
        }
    }
}

static void load_block(block_source *source, size_t index) {
    if (source->block_index == index) { return; }
    const kva_affine_format *format = source->format;
    const size_t first = larger_size(source->first_row, KVA_BLOCK * index);
    const size_t count = smaller_size(source->end_row, KVA_BLOCK * (index + 1)) - first;
    source->block_index = index;
    source->block_row = first;
    prefetch_next(source, first, source->rows_are_channels ? source->columns : count);
    if (source->rows_are_channels) {
        load_transposed(source, first, count);
        return;
    }
    const size_t row_bytes = source->token_stride * element_bytes(format->element_type);
    const uint8_t *elements = source->elements + (first - source->first_row) * row_bytes;
    if (source->columns == KVA_BLOCK && format->element_type == (format->metadata_is_float ? KVA_F32 : KVA_F16)) {
        source->block = elements;
        source->block_stride = source->token_stride;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        void *target = format->metadata_is_float ? (void *)source->copy.floats[i] : (void *)source->copy.halves[i];
        convert_run(elements + i * row_bytes, source->columns, format, target);
    }
    source->block = &source->copy;
    source->block_stride = KVA_BLOCK;
}

static const uint16_t *half_row(const block_source *source, size_t row) {
    return (const uint16_t *)source->block + (row - source->block_row) * source->block_stride;
}

static const float *float_row(const block_source *source, size_t row) {
    return (const float *)source->block + (row - source->block_row) * source->block_stride;
}
