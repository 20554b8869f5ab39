// Part of an instruction set's affine.c: blocks of codes and their metadata in rows or tiles.

// MARK: - Where codes and metadata go

/// A column of blocks. Block i of codes begins at `codes + i·block_bytes`; the scale of group g in column c is element
/// g·group_stride + c·column_stride.
typedef struct {
    int is_tiles;
    uint8_t *codes;
    size_t block_bytes;
    /// Tiles: reduced elements of a panel, and which of them the block's columns are.
    size_t reduced, first_element, elements;
    /// Rows: bytes from one to the next.
    size_t row_bytes;
    void *scales, *minima;
    size_t group_stride, column_stride;
    size_t first_column, end_column;
} packed_columns;

static void put_metadata_of(const column_metadata *source, void *target, size_t group, const packed_columns *to,
                            const kva_affine_format *format) {
    const size_t first = group * to->group_stride;
    for (size_t column = to->first_column; column < to->end_column; column++) {
        const size_t place = first + column * to->column_stride;
        if (format->metadata_is_float) {
            ((float *)target)[place] = source->floats[column];
        } else {
            ((uint16_t *)target)[place] = source->halves[column];
        }
    }
}

static void put_metadata(const column_factors *factors, size_t group, const packed_columns *to,
                         const kva_affine_format *format) {
    if (to->column_stride == 1 && to->first_column == 0 && to->end_column == KVA_BLOCK) {
        const size_t bytes = format->metadata_is_float ? 4 : 2, first = group * to->group_stride * bytes;
        memcpy((uint8_t *)to->scales + first, &factors->scales, KVA_BLOCK * bytes);
        if (!format->is_symmetric) { memcpy((uint8_t *)to->minima + first, &factors->minima, KVA_BLOCK * bytes); }
        return;
    }
    put_metadata_of(&factors->scales, to->scales, group, to, format);
    if (!format->is_symmetric) { put_metadata_of(&factors->minima, to->minima, group, to, format); }
}

/// `rows` are those that the block has at most, so that bytes after the end of a packed row are not touched.
/// `is_shared`: tokens of the block that this call does not write keep their codes.
static void put_block(const kva_code_block *block, size_t index, size_t rows, int is_shared, const packed_columns *to,
                      unsigned bits) {
    uint8_t *target = to->codes + index * to->block_bytes;
    if (!to->is_tiles) {
        kva_pack_columns(block, bits, to->end_column, kva_row_bytes(rows, bits), target, to->row_bytes);
        return;
    }
    kva_put_elements(block, target, to->reduced, to->first_element, to->elements, bits, is_shared);
}

static void get_block(kva_code_block *block, size_t index, size_t rows, const packed_columns *from, unsigned bits) {
    const uint8_t *source = from->codes + index * from->block_bytes;
    if (!from->is_tiles) {
        kva_unpack_columns(source, from->row_bytes, bits, from->end_column, kva_row_bytes(rows, bits), block);
        return;
    }
    kva_get_elements(source, from->reduced, from->first_element, from->elements, bits, block);
}

/// Scales or minima of one group as float32.
static void get_metadata(const void *metadata, size_t group, const packed_columns *from, const kva_affine_format *format,
                         float target[KVA_BLOCK]) {
    const size_t first = group * from->group_stride;
    if (format->metadata_is_float) {
        const float *source = (const float *)metadata + first;
        for (size_t i = from->first_column; i < from->end_column; i++) { target[i] = source[i * from->column_stride]; }
        return;
    }
    const uint16_t *source = (const uint16_t *)metadata + first;
    column_metadata halves;
    if (from->column_stride > 1 || from->first_column > 0 || from->end_column < KVA_BLOCK) {
        memset(&halves, 0, sizeof halves);
        for (size_t i = from->first_column; i < from->end_column; i++) {
            halves.halves[i] = source[i * from->column_stride];
        }
        source = halves.halves;
    }
    for (size_t i = 0; i < KVA_BLOCK; i += LANES) { store(target + i, load_halves(source + i)); }
}
