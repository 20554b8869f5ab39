// Part of an instruction set's affine.c: the arithmetic of reference/affine_group.h for 32 groups in 32 columns.
//
// With float16 metadata a code is found without dividing: the quotient d/s of the two float16 is only ever compared
// with midpoints m between neighbouring float16, since rounding it to float16 and then to an integer is a step
// function that steps there. Write d, s, m as whole numbers times powers of two: m has exactly 12 bits and is odd, d
// and s have at most 11. Then d = m·s is impossible (m·s has an odd factor of 12 bits), and so |d − m·s| is at least
// one unit of m·s, a relative distance of at least 1/(4095·2047) > 2^-22.9993. The product of d and the correctly
// rounded 1/s is off by at most 2^-23 + 2^-48, so it lies on the same side of m, and rounding it to 11 bits gives what
// rounding the quotient would, ties never occurring. (Quotients below float16's normal range give code 0 both ways.)

enum { FLOAT_VECTORS = KVA_BLOCK / LANES, WORD_VECTORS = KVA_BLOCK / WORDS };

typedef union {
    _Alignas(64) uint16_t halves[KVA_BLOCK];
    _Alignas(64) float floats[KVA_BLOCK];
} column_metadata;

/// Extremes so far; float16 as integers of the same order, or float16 bits of the magnitude in `largest`.
typedef struct {
    column_metadata smallest, largest;
    /// NaN where a column held NaN or infinity; float32 only.
    _Alignas(64) float poison[KVA_BLOCK];
} column_extremes;

/// What the columns' groups are quantized with.
typedef struct {
    /// The minimum; 1/scale with float16 metadata, else the scale.
    _Alignas(64) float minimum[KVA_BLOCK];
    _Alignas(64) float factor[KVA_BLOCK];
    /// Zero where codes are zero whatever the element, else all ones.
    _Alignas(64) uint8_t live[KVA_BLOCK];
    column_metadata scales, minima;
} column_factors;

// MARK: - Extremes

static void begin_extremes(column_extremes *extremes, const kva_affine_format *format) {
    for (size_t i = 0; i < KVA_BLOCK; i++) {
        if (format->metadata_is_float) {
            extremes->smallest.floats[i] = INFINITY;
            extremes->largest.floats[i] = -INFINITY;
            extremes->poison[i] = 0;
        } else {
            extremes->smallest.halves[i] = 0x7FFF;
            extremes->largest.halves[i] = format->is_symmetric ? 0 : 0x8000;
        }
    }
}

static void half_extremes(const uint16_t *x, size_t stride, size_t count, column_extremes *extremes) {
    words least[WORD_VECTORS], most[WORD_VECTORS];
    for (size_t i = 0; i < WORD_VECTORS; i++) {
        least[i] = load_words(extremes->smallest.halves + i * WORDS);
        most[i] = load_words(extremes->largest.halves + i * WORDS);
    }
    for (size_t row = 0; row < count; row++) {
        for (size_t i = 0; i < WORD_VECTORS; i++) {
            const words value = ordered(load_words(x + row * stride + i * WORDS));
            least[i] = smaller_words(least[i], value);
            most[i] = larger_words(most[i], value);
        }
    }
    for (size_t i = 0; i < WORD_VECTORS; i++) {
        store_words(extremes->smallest.halves + i * WORDS, least[i]);
        store_words(extremes->largest.halves + i * WORDS, most[i]);
    }
}

static void half_magnitudes(const uint16_t *x, size_t stride, size_t count, column_extremes *extremes) {
    for (size_t i = 0; i < WORD_VECTORS; i++) {
        words most = load_words(extremes->largest.halves + i * WORDS);
        for (size_t row = 0; row < count; row++) {
            most = larger_words(most, word_magnitude(load_words(x + row * stride + i * WORDS)));
        }
        store_words(extremes->largest.halves + i * WORDS, most);
    }
}

static void float_extremes(const float *x, size_t stride, size_t count, column_extremes *extremes) {
    for (size_t i = 0; i < KVA_BLOCK; i += LANES) {
        floats least = load(extremes->smallest.floats + i), most = load(extremes->largest.floats + i);
        floats poison = load(extremes->poison + i);
        for (size_t row = 0; row < count; row++) {
            const floats value = load(x + row * stride + i);
            least = smaller(value, least);
            most = larger(value, most);
            poison = add(poison, multiply(value, all(0)));
        }
        store(extremes->smallest.floats + i, least);
        store(extremes->largest.floats + i, most);
        store(extremes->poison + i, poison);
    }
}

// MARK: - Scales

KVA_INLINE void put_live(const integers masks[FLOAT_VECTORS], column_factors *factors) {
    _mm256_store_si256((__m256i *)(void *)factors->live, signed_bytes(masks));
}

static void half_factors(const column_extremes *extremes, const kva_affine_format *format, column_factors *factors) {
    const floats steps = all(kva_affine_steps(format->bits, format->is_symmetric));
    column_metadata least, most;
    for (size_t i = 0; i < KVA_BLOCK; i += WORDS) {
        store_words(least.halves + i, ordered(load_words(extremes->smallest.halves + i)));
        const words largest = load_words(extremes->largest.halves + i);
        store_words(most.halves + i, format->is_symmetric ? largest : ordered(largest));
    }
    integers masks[FLOAT_VECTORS];
    for (size_t i = 0; i < KVA_BLOCK; i += LANES) {
        floats minimum = all(0), range;
        if (format->is_symmetric) {
            range = load_halves(most.halves + i);
        } else {
            // Zeros get the sign +, as in the reference.
            minimum = add(load_halves(least.halves + i), all(0));
            range = rounded_to_half(subtract(add(load_halves(most.halves + i), all(0)), minimum));
        }
        // NaN and infinity are extremes of the order, so the range tells.
        const lane_mask finite = is_zero(multiply(range, all(0)));
        const floats scale = rounded_to_half(divide(range, steps));
        const lane_mask live = but_not(finite, is_zero(scale));
        store_halves(factors->scales.halves + i, choose(finite, scale, all(format->is_symmetric ? NAN : 0)));
        store_halves(factors->minima.halves + i, choose(finite, minimum, all(NAN)));
        store(factors->minimum + i, minimum);
        store(factors->factor + i, divide(all(1), scale));
        masks[i / LANES] = mask_integers(live);
    }
    put_live(masks, factors);
}

static void float_factors(const column_extremes *extremes, const kva_affine_format *format, column_factors *factors) {
    const floats steps = all(kva_affine_steps(format->bits, format->is_symmetric));
    integers masks[FLOAT_VECTORS];
    for (size_t i = 0; i < KVA_BLOCK; i += LANES) {
        const floats least = add(load(extremes->smallest.floats + i), all(0));
        const floats most = add(load(extremes->largest.floats + i), all(0));
        const floats range = format->is_symmetric ? larger(magnitude(least), magnitude(most)) : subtract(most, least);
        const lane_mask finite = is_zero(add(multiply(range, all(0)), load(extremes->poison + i)));
        const floats scale = divide(range, steps);
        const lane_mask live = but_not(finite, is_zero(scale));
        store(factors->scales.floats + i, choose(finite, scale, all(format->is_symmetric ? NAN : 0)));
        store(factors->minima.floats + i, choose(finite, least, all(NAN)));
        store(factors->minimum + i, least);
        store(factors->factor + i, scale);
        masks[i / LANES] = mask_integers(live);
    }
    put_live(masks, factors);
}

// MARK: - Codes

/// Saturates levels to codes; `top` is the largest level.
KVA_INLINE void put_codes(const integers levels[FLOAT_VECTORS], const column_factors *factors, int is_symmetric, int top,
                          uint8_t *codes) {
    __m256i bytes;
    if (is_symmetric) {
        bytes = _mm256_min_epi8(signed_bytes(levels), _mm256_set1_epi8((char)top));
        bytes = _mm256_add_epi8(_mm256_max_epi8(bytes, _mm256_set1_epi8((char)~top)), _mm256_set1_epi8((char)(top + 1)));
    } else {
        bytes = _mm256_min_epu8(unsigned_bytes(levels), _mm256_set1_epi8((char)top));
    }
    bytes = _mm256_and_si256(bytes, _mm256_load_si256((const __m256i *)(const void *)factors->live));
    _mm256_store_si256((__m256i *)(void *)codes, bytes);
}

static void half_codes(const uint16_t *x, size_t stride, size_t count, const column_factors *factors, int top,
                       uint8_t *codes) {
    for (size_t row = 0; row < count; row++) {
        integers levels[FLOAT_VECTORS];
        for (size_t i = 0; i < FLOAT_VECTORS; i++) {
            const floats value = load_halves(x + row * stride + i * LANES);
            const floats difference = rounded_difference(subtract(value, load(factors->minimum + i * LANES)));
            levels[i] = nearest(rounded_to_11_bits(multiply(difference, load(factors->factor + i * LANES))));
        }
        put_codes(levels, factors, 0, top, codes + row * KVA_BLOCK);
    }
}

static void symmetric_half_codes(const uint16_t *x, size_t stride, size_t count, const column_factors *factors, int top,
                                 uint8_t *codes) {
    for (size_t row = 0; row < count; row++) {
        integers levels[FLOAT_VECTORS];
        for (size_t i = 0; i < FLOAT_VECTORS; i++) {
            const floats value = load_halves(x + row * stride + i * LANES);
            levels[i] = nearest(rounded_to_11_bits(multiply(value, load(factors->factor + i * LANES))));
        }
        put_codes(levels, factors, 1, top, codes + row * KVA_BLOCK);
    }
}

static void float_codes(const float *x, size_t stride, size_t count, const column_factors *factors, int top,
                        uint8_t *codes) {
    for (size_t row = 0; row < count; row++) {
        integers levels[FLOAT_VECTORS];
        for (size_t i = 0; i < FLOAT_VECTORS; i++) {
            const floats difference = subtract(load(x + row * stride + i * LANES), load(factors->minimum + i * LANES));
            levels[i] = nearest(divide(difference, load(factors->factor + i * LANES)));
        }
        put_codes(levels, factors, 0, top, codes + row * KVA_BLOCK);
    }
}

static void symmetric_float_codes(const float *x, size_t stride, size_t count, const column_factors *factors, int top,
                                  uint8_t *codes) {
    for (size_t row = 0; row < count; row++) {
        integers levels[FLOAT_VECTORS];
        for (size_t i = 0; i < FLOAT_VECTORS; i++) {
            levels[i] = nearest(divide(load(x + row * stride + i * LANES), load(factors->factor + i * LANES)));
        }
        put_codes(levels, factors, 1, top, codes + row * KVA_BLOCK);
    }
}

// MARK: - By format

static void add_extremes(const block_source *source, size_t row, size_t count, column_extremes *extremes) {
    if (source->format->metadata_is_float) {
        float_extremes(float_row(source, row), source->block_stride, count, extremes);
    } else if (source->format->is_symmetric) {
        half_magnitudes(half_row(source, row), source->block_stride, count, extremes);
    } else {
        half_extremes(half_row(source, row), source->block_stride, count, extremes);
    }
}

static void find_factors(const column_extremes *extremes, const kva_affine_format *format, column_factors *factors) {
    if (format->metadata_is_float) {
        float_factors(extremes, format, factors);
    } else {
        half_factors(extremes, format, factors);
    }
}

static void put_block_codes(const block_source *source, size_t row, size_t count, const column_factors *factors,
                            kva_code_block *block) {
    const kva_affine_format *format = source->format;
    const int top = (int)(format->is_symmetric ? 1u << (format->bits - 1) : 1u << format->bits) - 1;
    uint8_t *codes = block->rows[row % KVA_BLOCK];
    const size_t stride = source->block_stride;
    if (format->metadata_is_float) {
        const float *x = float_row(source, row);
        (format->is_symmetric ? symmetric_float_codes : float_codes)(x, stride, count, factors, top, codes);
    } else {
        const uint16_t *x = half_row(source, row);
        (format->is_symmetric ? symmetric_half_codes : half_codes)(x, stride, count, factors, top, codes);
    }
}

// MARK: - Decoding

/// Rows of codes to floats, x' = scale·(code − offset) + minimum.
static void decode_rows(const kva_code_block *block, size_t row, size_t count, const float *scales, const float *minima,
                        const kva_affine_format *format, float *x, size_t stride) {
    const floats offset = all((float)(1u << (format->bits - 1)));
    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < KVA_BLOCK; i += LANES) {
            const floats code = load_bytes(block->rows[row + r] + i), scale = load(scales + i);
            const floats value = format->is_symmetric ? multiply(scale, subtract(code, offset))
                                                      : add(multiply(scale, code), load(minima + i));
            store(x + r * stride + i, value);
        }
    }
}
