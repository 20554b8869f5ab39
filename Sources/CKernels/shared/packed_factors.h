// The factors of attention over packed keys and values. Included once by each instruction set, before
// shared/packed_attention.h and after the vector operations it is made of.
//
// Both sides are Σ factor·(scale·code + minimum). Factor times scale is rounded to an integer of one, two or
// three balanced 8-bit digits and multiplied with the codes as an integer, exactly; what remains is float32.
// One step holds for all that is rounded together (the tiles of one call for keys, a run of tiles for values):
// that of the row's largest |factor|·envelope, where the envelope of a reduced element is its largest scale
// among the records that are read: of a channel over the tokens, or of a token over its groups of channels.
// So a channel that is large in every token, as keys have, takes no digits from the others.
//
// Two digits: |row·envelope| is rounded to 15 bits of its largest and scale/envelope to 15 bits of 1, hence a
// product errs by at most 2^-14 of the largest; one digit: 2^-8 more, half of
// which the middle of the codes' range makes up for. Three digits: the product in float32 is
// rounded to 23 bits of the largest, as good as float32's own rounding.

enum {
    QUERIES_AT_ONCE = 4,
    /// Reduced elements whose factors are prepared at a time.
    UNIT = 32,
    /// Records that are prepared one after the other, since they need not wait for each other.
    RECORDS_AT_ONCE = 4,
    /// Tiles of values that share one step.
    RUN_TILES = 8,
    RUN_TOKENS = RUN_TILES * KVA_TILE_TOKENS,
    REDUCED_AT_MOST = 512
};

/// Integers of two and three digits such that no digit leaves −128…127, nor one that rounding made larger.
#define TWO_DIGITS_LIMIT 32639.0f
#define THREE_DIGITS_LIMIT 8355000.0f
/// Below this the quotients overflow; what has no larger element counts as zero.
#define LEAST_MAGNITUDE 0x1p-100f

/// Queries or weights, which stay the same while scales go by; padded with zeros to whole units.
typedef struct {
    const float *row[QUERIES_AT_ONCE];
    /// Rows that do not end with a unit.
    _Alignas(64) float copy[QUERIES_AT_ONCE][REDUCED_AT_MOST];
    /// row · envelope / largest · 32767, for one and two digits.
    _Alignas(64) int16_t rounded[QUERIES_AT_ONCE][REDUCED_AT_MOST];
    /// row / largest · THREE_DIGITS_LIMIT, for three.
    _Alignas(64) float scaled[QUERIES_AT_ONCE][REDUCED_AT_MOST];
    /// The largest scale of each reduced element; then TWO_DIGITS_LIMIT / that, or zero.
    _Alignas(64) float envelope[REDUCED_AT_MOST];
    /// What one unit of the integers stands for.
    float step[QUERIES_AT_ONCE];
    size_t queries, count, padded;
} rows;

/// Factors times the scales of one record, as integers.
typedef struct {
    // [query][four reduced elements][digit][4 bytes] in the order of `digit_place`.
    _Alignas(64) uint8_t digits[QUERIES_AT_ONCE * 4 * REDUCED_AT_MOST];
    size_t row_bytes;
    float step[QUERIES_AT_ONCE];
    /// Σ factor·minimum
    float offset[QUERIES_AT_ONCE];
} factors;

/// Where the `count` scales of a record lie: runs of 32, `stride` apart; each minimum `to_minimum` after its scale.
typedef struct {
    size_t first, count, stride, to_minimum;
    /// Bytes from the first run to what is asked for meanwhile, and how much nearer that is for each run after it.
    size_t ahead, ahead_step;
} record_place;

/// Bytes of one factor: three digits take four, so that those of four elements fill a quarter of a vector.
KVA_INLINE size_t factor_bytes(unsigned digits) { return digits == 3 ? 4 : digits; }

#ifndef HAS_DIGIT_PLACE
/// Where the bytes of a digit of elements 4·quad… lie, unless lanes.h has an order of its own.
KVA_INLINE size_t digit_place(unsigned digits, size_t quad, size_t digit) {
    return 4 * (factor_bytes(digits) * quad + digit);
}
#endif

KVA_INLINE floats load_metadata(const kva_packed_side *side, size_t index, int is_float) {
    if (is_float) { return load((const float *)side->metadata + index); }
    return load_halves((const uint16_t *)side->metadata + index);
}

// MARK: - Rows

/// Up to four rows, padded with zeros; the envelope is still zero.
KVA_INLINE void begin_rows(rows *prepared, const float *source, size_t stride, size_t queries, size_t count) {
    const size_t padded = kva_rounded_up(count, UNIT);
    prepared->queries = queries;
    prepared->count = count;
    prepared->padded = padded;
    for (size_t query = 0; query < queries; query++) {
        prepared->row[query] = source + query * stride;
        if (count == padded) { continue; }
        memcpy(prepared->copy[query], prepared->row[query], count * sizeof(float));
        memset(prepared->copy[query] + count, 0, (padded - count) * sizeof(float));
        prepared->row[query] = prepared->copy[query];
    }
    memset(prepared->envelope, 0, padded * sizeof(float));
}

/// The envelope of `records` records, `stride` apart, if none is given.
KVA_INLINE void find_envelope(rows *prepared, const kva_packed_side *side, const record_place *place, size_t records,
                              size_t stride) {
    if (side->envelope) {
        memcpy(prepared->envelope, side->envelope, place->count * sizeof(float));
        return;
    }
    for (size_t i = 0; i < place->count; i += UNIT) {
        const size_t first = place->first + i / UNIT * place->stride;
        const size_t width = place->count - i < UNIT ? place->count - i : UNIT;
        if (side->metadata_is_float || width < UNIT) {
            for (size_t j = 0; j < width; j += LANES) {
                floats most = zero_floats();
                for (size_t record = 0; record < records; record++) {
                    const size_t index = first + j + record * stride;
                    most = larger_magnitude(most, load_metadata(side, index, side->metadata_is_float));
                }
                store(prepared->envelope + i + j, most);
            }
            continue;
        }
        // As integers, which are in the order of what they stand for, to widen only the largest.
        const uint16_t *scales = (const uint16_t *)side->metadata + first;
        integers most[UNIT / LANES / 2];
        for (size_t j = 0; j < UNIT / LANES / 2; j++) { most[j] = no_integers(); }
        for (size_t record = 0; record < records; record++) {
            for (size_t j = 0; j < UNIT / LANES / 2; j++) {
                most[j] = larger_half_magnitude(most[j], scales + record * stride + 2 * j * LANES);
            }
        }
        for (size_t j = 0; j < UNIT / LANES / 2; j++) {
            store_halves(prepared->envelope + i + 2 * j * LANES, most[j]);
        }
    }
}

/// Rounds the rows; 0 if an element is not finite.
KVA_INLINE int finish_rows(rows *prepared, unsigned digits) {
    floats poison = zero_floats();
    for (size_t query = 0; query < prepared->queries; query++) {
        const float *row = prepared->row[query];
        float *scaled = prepared->scaled[query];
        floats most = zero_floats();
        for (size_t i = 0; i < prepared->padded; i += LANES) {
            // An infinite or NaN element makes its product so too, even with zero.
            const floats product = multiply(load(row + i), load(prepared->envelope + i));
            poison = multiply_add(product, zero_floats(), poison);
            most = larger_magnitude(most, product);
            store(scaled + i, digits == 3 ? load(row + i) : product);
        }
        float largest = largest_of(most);
        largest = largest < LEAST_MAGNITUDE ? 0 : largest;
        const floats factor = all(largest > 0 ? (digits == 3 ? THREE_DIGITS_LIMIT : 32767) / largest : 0);
        for (size_t i = 0; i < prepared->padded; i += 2 * LANES) {
            const floats low = multiply(load(scaled + i), factor), high = multiply(load(scaled + i + LANES), factor);
            if (digits == 3) {
                store(scaled + i, low);
                store(scaled + i + LANES, high);
            } else {
                store_integers(prepared->rounded[query] + i, words(low, high));
            }
        }
        const float unit = digits == 1 ? 256 * 32768 / (32767 * TWO_DIGITS_LIMIT) : 32768 / (32767 * TWO_DIGITS_LIMIT);
        prepared->step[query] = largest * (digits == 3 ? 1 / THREE_DIGITS_LIMIT : unit);
    }
    for (size_t i = 0; i < prepared->padded && digits < 3; i += LANES) {
        const floats envelope = load(prepared->envelope + i);
        store(prepared->envelope + i, quotient_or_zero(TWO_DIGITS_LIMIT, envelope, LEAST_MAGNITUDE));
    }
    return sum_of(poison) == 0;
}

// MARK: - Records

/// Scale and minimum of `LANES` reduced elements.
KVA_INLINE floats scales_at(const kva_packed_side *side, size_t index, size_t to_minimum, int is_float,
                            int is_symmetric, floats *minimum) {
    const floats scale = load_metadata(side, index, is_float);
    *minimum = is_symmetric ? multiply(scale, all(-(float)(1u << (side->bits - 1))))
                            : load_metadata(side, index + to_minimum, is_float);
    return scale;
}

/// Adds the factors of `width` reduced elements, a unit or half of one, from `i` on: `index` is their first scale's.
KVA_INLINE void add_unit(factors *work, const rows *row, const kva_packed_side *side, size_t index, size_t to_minimum,
                         size_t i, size_t width, int is_float, int is_symmetric, unsigned digits, float middle,
                         size_t queries, size_t row_bytes, floats offset[QUERIES_AT_ONCE],
                         integers digit_sums[QUERIES_AT_ONCE]) {
    floats scales[UNIT / LANES], minima[UNIT / LANES];
    for (size_t j = 0; j < width / LANES; j++) {
        scales[j] = scales_at(side, index + j * LANES, to_minimum, is_float, is_symmetric, &minima[j]);
        if (digits == 1) { minima[j] = multiply_add(scales[j], all(middle), minima[j]); }
    }
    // A half unit of AVX-512 is half a vector of words.
    for (size_t j = width / LANES; j < UNIT / LANES; j++) { scales[j] = minima[j] = zero_floats(); }
    integers rounded[UNIT / LANES / 2];
    for (size_t j = 0; j < UNIT / LANES / 2 && digits < 3; j++) {
        const float *envelope = row->envelope + i + 2 * j * LANES;
        rounded[j] = 2 * j * LANES < width ? words(multiply(scales[2 * j], load(envelope)),
                                                   multiply(scales[2 * j + 1], load(envelope + LANES)))
                                           : no_integers();
    }
    for (size_t query = 0; query < queries; query++) {
        uint8_t *target = work->digits + query * row_bytes + factor_bytes(digits) * i;
        integers upper[UNIT / LANES / 2];
        for (size_t j = 0; j < UNIT / LANES / 2 && digits < 3; j++) {
            if (digits == 2 && 2 * j * LANES >= width) { break; }
            const int16_t *factor = row->rounded[query] + i + 2 * j * LANES;
            integers product = no_integers();
            if (2 * j * LANES < width) { product = word_products(load_integers(factor), rounded[j]); }
            if (digits == 2) {
                store_integers(target + 4 * j * LANES, two_digits(product));
            } else {
                upper[j] = upper_digits(product);
                digit_sums[query] = add_words(digit_sums[query], upper[j]);
            }
        }
        if (digits == 1) { store_upper_digits(target, upper); }
        for (size_t j = 0; j < UNIT / LANES; j++) {
            if (j * LANES >= width) { break; }
            if (digits == 3) {
                const floats factor = multiply(load(row->scaled[query] + i + j * LANES), scales[j]);
                store_integers(target + 4 * j * LANES, three_digits(factor));
            }
            offset[query] = multiply_add(load(row->row[query] + i + j * LANES), minima[j], offset[query]);
        }
    }
}

/// Digits of the factors of a record, and Σ factor·minimum.
KVA_INLINE void record_of(factors *work, const rows *row, const kva_packed_side *given, const record_place *place,
                          int is_float, int is_symmetric, unsigned digits, size_t queries) {
    // Copies, which no store can be thought to change.
    const kva_packed_side side = *given;
    const record_place at = *place;
    const size_t row_bytes = factor_bytes(digits) * row->padded, size = is_float ? 4 : 2;
    // What one digit loses of the factors it makes up for as if all those codes were in the middle of their range:
    // many small weights beside a large one would else count for nothing.
    const float middle = digits == 1 ? 0.5f * (float)((1u << side.bits) - 1) : 0;
    floats offset[QUERIES_AT_ONCE];
    integers digit_sums[QUERIES_AT_ONCE];
    for (size_t query = 0; query < queries; query++) {
        offset[query] = zero_floats();
        digit_sums[query] = no_integers();
    }
    size_t first = at.first, i = 0, ahead = at.ahead;
    for (; i + UNIT <= at.count; i += UNIT, first += at.stride, ahead -= at.ahead_step) {
        kva_prefetch(side.metadata, first * size + ahead, UNIT * size);
        if (!is_symmetric) { kva_prefetch(side.metadata, (first + at.to_minimum) * size + ahead, UNIT * size); }
        add_unit(work, row, &side, first, at.to_minimum, i, UNIT, is_float, is_symmetric, digits, middle, queries,
                 row_bytes, offset, digit_sums);
    }
    // A record may end in the middle of a unit.
    if (i < at.count) {
        add_unit(work, row, &side, first, at.to_minimum, i, UNIT / 2, is_float, is_symmetric, digits, middle, queries,
                 row_bytes, offset, digit_sums);
    }
    for (size_t query = 0; query < queries && digits == 1; query++) {
        offset[query] = multiply_add(sums_of_digits(digit_sums[query]), all(-middle * row->step[query]), offset[query]);
    }
    work->row_bytes = row_bytes;
    if (queries == 4) {
        store_four_sums(work->offset, offset[0], offset[1], offset[2], offset[3]);
    } else {
        for (size_t query = 0; query < queries; query++) { work->offset[query] = sum_of(offset[query]); }
    }
    for (size_t query = 0; query < queries; query++) { work->step[query] = row->step[query]; }
}

KVA_INLINE void record_of_queries(factors *work, const rows *row, const kva_packed_side *side,
                                  const record_place *place, size_t queries) {
    const int is_float = side->metadata_is_float, is_symmetric = side->is_symmetric;
    if (!is_float && !is_symmetric) {
        switch (side->digits) {
            case 1: record_of(work, row, side, place, 0, 0, 1, queries); break;
            case 2: record_of(work, row, side, place, 0, 0, 2, queries); break;
            default: record_of(work, row, side, place, 0, 0, 3, queries); break;
        }
    } else {
        record_of(work, row, side, place, is_float, is_symmetric, side->digits, queries);
    }
}

static void prepare_record(factors *work, const rows *row, const kva_packed_side *side, const record_place *place) {
    switch (row->queries) {
        case 1: record_of_queries(work, row, side, place, 1); break;
        case 2: record_of_queries(work, row, side, place, 2); break;
        case 3: record_of_queries(work, row, side, place, 3); break;
        default: record_of_queries(work, row, side, place, 4); break;
    }
}
