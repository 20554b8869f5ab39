// Part of an instruction set's affine.c: walks groups and blocks, between slabs and rows or tiles of codes.

static size_t clamped_group(const kva_affine_format *format, size_t length) {
    return larger_size(1, smaller_size(format->group_size, length));
}

/// Rows after which groups and blocks begin together, so that neighbouring columns are read soon after each other.
static size_t span_of(size_t group_size) {
    size_t a = group_size, b = KVA_BLOCK;
    while (b > 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return group_size / a * KVA_BLOCK;
}

// MARK: - Quantizing

/// Whether a block's tokens are not all written, so that those of another call must be kept.
static int is_shared(const block_source *source, size_t begin, size_t end) {
    if (source->rows_are_channels) { return source->columns < KVA_BLOCK; }
    return begin < source->first_row || end > source->end_row;
}

/// Quantizes rows `first_row` to `end_row`; the first begins group `group`.
static void quantize_columns(block_source *source, size_t group_size, size_t group, const packed_columns *to) {
    const kva_affine_format *format = source->format;
    const size_t end = source->end_row;
    kva_code_block block;
    memset(&block, 0, source->first_row % KVA_BLOCK * KVA_BLOCK);
    source->block_index = SIZE_MAX;
    for (size_t first = source->first_row; first < end; first += group_size, group++) {
        const size_t last = smaller_size(end, first + group_size);
        column_extremes extremes;
        column_factors factors;
        begin_extremes(&extremes, format);
        for (size_t row = first, next; row < last; row = next) {
            next = smaller_size(last, (row / KVA_BLOCK + 1) * KVA_BLOCK);
            load_block(source, row / KVA_BLOCK);
            add_extremes(source, row, next - row, &extremes);
        }
        find_factors(&extremes, format, &factors);
        put_metadata(&factors, group, to, format);
        for (size_t row = first, next; row < last; row = next) {
            const size_t index = row / KVA_BLOCK, border = (index + 1) * KVA_BLOCK;
            next = smaller_size(last, border);
            load_block(source, index);
            put_block_codes(source, row, next - row, &factors, &block);
            if (next == border || next == end) {
                memset(block.rows[KVA_BLOCK - (border - next)], 0, (border - next) * KVA_BLOCK);
                put_block(&block, index, KVA_BLOCK - (border - next), is_shared(source, border - KVA_BLOCK, border), to,
                          format->bits);
            }
        }
    }
}

static block_source source_at(const void *x, size_t element, const kva_affine_format *format, size_t token_stride) {
    block_source source;
    source.format = format;
    source.elements = (const uint8_t *)x + element * element_bytes(format->element_type);
    source.token_stride = token_stride;
    source.first_row = 0;
    source.first_column = 0;
    return source;
}

/// Columns that begin at packed row `row`, from group `group` on, which begins at its element `first`.
static packed_columns packed_rows(const kva_affine_shape *shape, size_t row, size_t columns, size_t first, size_t group,
                                  const uint8_t *codes, const void *scales, const void *minima) {
    const size_t place = (row * shape->groups_per_row + group) * (shape->format.metadata_is_float ? 4 : 2);
    return (packed_columns){
        .codes = (uint8_t *)codes + row * shape->row_bytes + first / 8 * shape->format.bits,
        .block_bytes = KVA_BLOCK / 8 * shape->format.bits,
        .row_bytes = shape->row_bytes,
        .scales = (uint8_t *)scales + place,
        .minima = (uint8_t *)(shape->format.is_symmetric ? scales : minima) + place,
        .group_stride = 1,
        .column_stride = shape->groups_per_row,
        .end_column = columns,
    };
}

void KERNEL(quantize_token_groups)(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                   size_t channel_count, uint8_t *codes, void *scales, void *minima) {
    const size_t group_size = clamped_group(&shape->format, shape->tokens), span = span_of(group_size);
    for (size_t first = 0; first < shape->tokens; first += span) {
        for (size_t i = 0; i < channel_count; i += KVA_BLOCK) {
            const size_t channel = first_channel + i;
            block_source source =
                source_at(x, first * shape->token_stride + channel, &shape->format, shape->token_stride);
            source.rows_are_channels = 0;
            source.end_row = smaller_size(span, shape->tokens - first);
            source.columns = smaller_size(KVA_BLOCK, channel_count - i);
            const packed_columns to =
                packed_rows(shape, channel, source.columns, first, first / group_size, codes, scales, minima);
            quantize_columns(&source, group_size, 0, &to);
        }
    }
}

void KERNEL(quantize_channel_groups)(const void *x, const kva_affine_shape *shape, size_t first_token,
                                     size_t token_count, uint8_t *codes, void *scales, void *minima) {
    const size_t group_size = clamped_group(&shape->format, shape->channels);
    for (size_t i = 0; i < token_count; i += KVA_BLOCK) {
        const size_t token = first_token + i;
        block_source source = source_at(x, token * shape->token_stride, &shape->format, shape->token_stride);
        source.rows_are_channels = 1;
        source.end_row = shape->channels;
        source.columns = smaller_size(KVA_BLOCK, token_count - i);
        const packed_columns to = packed_rows(shape, token, source.columns, 0, 0, codes, scales, minima);
        quantize_columns(&source, group_size, 0, &to);
    }
}

/// Channels from `channel` on of the key tiles from `tile` on; groups counted from token 0.
static packed_columns key_columns(const kva_tile_shape *shape, size_t tile, size_t channel, const uint8_t *codes,
                                  const void *metadata) {
    const kva_affine_format *format = &shape->format;
    const size_t reduced = kva_key_reduced(shape->channels), bytes = format->metadata_is_float ? 4 : 2;
    const size_t columns = smaller_size(KVA_BLOCK, reduced - channel);
    return (packed_columns){
        .is_tiles = 1,
        .codes = (uint8_t *)codes + tile * kva_key_tile_bytes(shape->channels, format->bits),
        .block_bytes = kva_key_tile_bytes(shape->channels, format->bits),
        .reduced = reduced,
        .first_element = channel,
        .elements = columns,
        .scales = (uint8_t *)metadata + channel * bytes,
        .minima = (uint8_t *)metadata + (channel + reduced) * bytes,
        .group_stride = kva_key_group_stride(shape->channels, format->is_symmetric),
        .column_stride = 1,
        .end_column = columns,
    };
}

/// The tokens `first` to `end` of value tile `tile`; blocks are its panels.
static packed_columns value_columns(const kva_tile_shape *shape, size_t tile, size_t first, size_t end,
                                    const uint8_t *codes, const void *metadata) {
    const kva_affine_format *format = &shape->format;
    const size_t stride = kva_value_tile_stride(shape->channels, format->group_size, format->is_symmetric);
    const size_t bytes = format->metadata_is_float ? 4 : 2;
    uint8_t *scales = (uint8_t *)metadata + tile * stride * bytes;
    return (packed_columns){
        .is_tiles = 1,
        .codes = (uint8_t *)codes + tile * kva_value_tile_bytes(shape->channels, format->bits),
        .block_bytes = kva_panel_bytes(KVA_TILE_TOKENS, format->bits),
        .reduced = KVA_TILE_TOKENS,
        .elements = KVA_TILE_TOKENS,
        .scales = scales,
        .minima = scales + (format->is_symmetric ? 0 : KVA_TILE_TOKENS * bytes),
        .group_stride = KVA_TILE_TOKENS * (format->is_symmetric ? 1 : 2),
        .column_stride = 1,
        .first_column = first,
        .end_column = end,
    };
}

void KERNEL(quantize_key_tiles)(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                uint8_t *codes, void *metadata) {
    const size_t group_size = shape->format.group_size, end = first_token + token_count;
    // A group that is never filled needs no span of its length.
    const size_t span = span_of(group_size < end ? group_size : end);
    for (size_t token = first_token, next; token < end; token = next) {
        next = smaller_size(end, (token / span + 1) * span);
        for (size_t channel = 0; channel < shape->channels; channel += KVA_BLOCK) {
            block_source source = source_at(x, (token - first_token) * shape->token_stride + channel, &shape->format,
                                            shape->token_stride);
            source.rows_are_channels = 0;
            source.first_row = token % KVA_BLOCK;
            source.end_row = source.first_row + next - token;
            source.columns = smaller_size(KVA_BLOCK, shape->channels - channel);
            const packed_columns to = key_columns(shape, token / KVA_TILE_TOKENS, channel, codes, metadata);
            quantize_columns(&source, group_size, token / group_size, &to);
        }
    }
}

void KERNEL(quantize_value_tiles)(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                  uint8_t *codes, void *metadata) {
    const size_t group_size = clamped_group(&shape->format, shape->channels), end = first_token + token_count;
    for (size_t token = first_token, next; token < end; token = next) {
        next = smaller_size(end, (token / KVA_TILE_TOKENS + 1) * KVA_TILE_TOKENS);
        block_source source =
            source_at(x, (token - first_token) * shape->token_stride, &shape->format, shape->token_stride);
        source.rows_are_channels = 1;
        source.end_row = shape->channels;
        source.first_column = token % KVA_TILE_TOKENS;
        source.columns = next - token;
        const packed_columns to = value_columns(shape, token / KVA_TILE_TOKENS, source.first_column,
                                                source.first_column + source.columns, codes, metadata);
        quantize_columns(&source, group_size, 0, &to);
    }
}

// MARK: - Dequantizing

/// Decodes rows `first` to `end` of one block to `decoded`, from row 0 on; row 0 of the columns is row `origin` of
/// their first group.
static void decode_block(const packed_columns *from, const kva_affine_format *format, size_t group_size, size_t origin,
                         size_t first, size_t end, float *decoded, size_t stride) {
    _Alignas(64) float scales[KVA_BLOCK] = {0}, minima[KVA_BLOCK] = {0};
    kva_code_block block;
    const size_t index = first / KVA_BLOCK;
    get_block(&block, index, end - index * KVA_BLOCK, from, format->bits);
    for (size_t row = first, next; row < end; row = next) {
        const size_t group = (origin + row) / group_size;
        next = smaller_size(end, (group + 1) * group_size - origin);
        get_metadata(from->scales, group, from, format, scales);
        if (!format->is_symmetric) { get_metadata(from->minima, group, from, format, minima); }
        decode_rows(&block, row % KVA_BLOCK, next - row, scales, minima, format, decoded + (row - first) * stride, stride);
    }
}

/// Decodes rows `first` to `end`, which are tokens, of at most 32 columns to `x`, where row `first` is.
static void dequantize_tokens(const packed_columns *from, const kva_affine_format *format, size_t group_size,
                              size_t origin, size_t first, size_t end, size_t columns, float *x, size_t token_stride) {
    if (columns == KVA_BLOCK) {
        decode_block(from, format, group_size, origin, first, end, x, token_stride);
        return;
    }
    _Alignas(64) float decoded[KVA_BLOCK][KVA_BLOCK];
    decode_block(from, format, group_size, origin, first, end, decoded[0], KVA_BLOCK);
    for (size_t i = 0; i < end - first; i++) { memcpy(x + i * token_stride, decoded[i], columns * sizeof(float)); }
}

/// Decodes columns, which are tokens, to `x`, where their first token is.
static void dequantize_channels(const packed_columns *from, const kva_affine_format *format, size_t group_size,
                                size_t channels, float *x, size_t token_stride) {
    _Alignas(64) float decoded[KVA_BLOCK][KVA_BLOCK], turned[KVA_BLOCK][KVA_BLOCK];
    const size_t tokens = from->end_column - from->first_column;
    for (size_t first = 0; first < channels; first += KVA_BLOCK) {
        const size_t count = smaller_size(KVA_BLOCK, channels - first);
        decode_block(from, format, group_size, 0, first, first + count, decoded[0], KVA_BLOCK);
        if (count < KVA_BLOCK) { memset(decoded[count], 0, (KVA_BLOCK - count) * sizeof decoded[0]); }
        if (count == KVA_BLOCK && tokens == KVA_BLOCK) {
            transpose_floats(decoded[0], KVA_BLOCK, x + first, token_stride);
            continue;
        }
        transpose_floats(decoded[0], KVA_BLOCK, turned[0], KVA_BLOCK);
        for (size_t i = 0; i < tokens; i++) {
            memcpy(x + i * token_stride + first, turned[from->first_column + i], count * sizeof(float));
        }
    }
}

void KERNEL(dequantize_token_groups)(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                     const uint8_t *codes, const void *scales, const void *minima, float *x) {
    const size_t group_size = clamped_group(&shape->format, shape->tokens);
    for (size_t first = 0; first < shape->tokens; first += KVA_BLOCK) {
        for (size_t i = 0; i < channel_count; i += KVA_BLOCK) {
            const size_t channel = first_channel + i, columns = smaller_size(KVA_BLOCK, channel_count - i);
            const packed_columns from = packed_rows(shape, channel, columns, 0, 0, codes, scales, minima);
            dequantize_tokens(&from, &shape->format, group_size, 0, first, smaller_size(first + KVA_BLOCK, shape->tokens),
                              columns, x + first * shape->token_stride + channel, shape->token_stride);
        }
    }
}

void KERNEL(dequantize_channel_groups)(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                       const uint8_t *codes, const void *scales, const void *minima, float *x) {
    const size_t group_size = clamped_group(&shape->format, shape->channels);
    for (size_t i = 0; i < token_count; i += KVA_BLOCK) {
        const size_t token = first_token + i, columns = smaller_size(KVA_BLOCK, token_count - i);
        const packed_columns from = packed_rows(shape, token, columns, 0, 0, codes, scales, minima);
        dequantize_channels(&from, &shape->format, group_size, shape->channels, x + token * shape->token_stride,
                            shape->token_stride);
    }
}

void KERNEL(dequantize_key_tiles)(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                  const uint8_t *codes, const void *metadata, float *x) {
    const size_t end = first_token + token_count;
    for (size_t token = first_token, next; token < end; token = next) {
        next = smaller_size(end, (token / KVA_TILE_TOKENS + 1) * KVA_TILE_TOKENS);
        const size_t first = token % KVA_TILE_TOKENS;
        for (size_t channel = 0; channel < shape->channels; channel += KVA_BLOCK) {
            const packed_columns from = key_columns(shape, token / KVA_TILE_TOKENS, channel, codes, metadata);
            dequantize_tokens(&from, &shape->format, shape->format.group_size, token - first, first, first + next - token,
                              smaller_size(KVA_BLOCK, shape->channels - channel),
                              x + (token - first_token) * shape->token_stride + channel, shape->token_stride);
        }
    }
}

void KERNEL(dequantize_value_tiles)(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                    const uint8_t *codes, const void *metadata, float *x) {
    const size_t group_size = clamped_group(&shape->format, shape->channels), end = first_token + token_count;
    for (size_t token = first_token, next; token < end; token = next) {
        next = smaller_size(end, (token / KVA_TILE_TOKENS + 1) * KVA_TILE_TOKENS);
        const size_t first = token % KVA_TILE_TOKENS;
        const packed_columns from =
            value_columns(shape, token / KVA_TILE_TOKENS, first, first + next - token, codes, metadata);
        dequantize_channels(&from, &shape->format, group_size, shape->channels,
                            x + (token - first_token) * shape->token_stride, shape->token_stride);
    }
}
