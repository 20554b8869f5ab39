#include "../driver.h"

#include "../../../Sources/CKernels/reference/panel.h"

// Compared with the definition in double over the elements that were packed, each Σ factor·(scale·code + minimum).
// Factors times scales are integers of 8-bit digits, exact in products with codes. Each errs by at most
// `digit_error` of the row's largest |factor|·envelope, the envelope of a reduced element being its largest scale
// (see shared/packed_factors.h): two roundings to 2^-16, to which one digit adds 2^-8; for three digits three
// float32 roundings. It meets the code; with one digit, only what the code is off the middle of its range. The rest is
// float32: a rounding for each element, and some at the end. What is below 2^-100 may count as zero.

static const double digit_error[4] = {0, 0x1.1p-8, 0x1.01p-14, 0x1.9p-23};
static const double least_magnitude = 0x1p-100;

typedef struct {
    kva_packed_side side;
    // [token][channel], from token 0 of the codes on.
    const float *scale, *minimum, *code;
    size_t tokens;
    /// Of each channel of keys, or token of values; without what is infinite, with which nothing is rounded.
    const float *envelope;
    double largest_scale;
} packed_case;

/// A number that float16 holds.
static float half_number(double x) {
    const float number = (float)x;
    uint16_t bits;
    float result;
    kva_kernels_for(KVA_ISA_REFERENCE)->float_to_half(&number, &bits, 1);
    kva_kernels_for(KVA_ISA_REFERENCE)->half_to_float(&bits, &result, 1);
    return result;
}

static void set_metadata(void *metadata, int is_float, size_t place, float x) {
    if (is_float) {
        ((float *)metadata)[place] = x;
    } else {
        kva_kernels_for(KVA_ISA_REFERENCE)->float_to_half(&x, (uint16_t *)metadata + place, 1);
    }
}

/// What one group holds, if not numbers alone.
typedef enum { HEALTHY, AS_A_NAN_LEAVES_IT, INFINITE_SCALE } poison_kind;

/// Keys or values in tiles.
static packed_case random_case(int is_keys, kva_packed_side side, poison_kind poisoned) {
    packed_case one = {.side = side, .tokens = side.first_token + side.tokens};
    const size_t channels = side.channels, elements = one.tokens * channels;
    const size_t tiles = (one.tokens + KVA_TILE_TOKENS - 1) / KVA_TILE_TOKENS, reduced = kva_key_reduced(channels);
    const size_t tile_bytes =
        is_keys ? kva_key_tile_bytes(channels, side.bits) : kva_value_tile_bytes(channels, side.bits);
    const size_t token_groups = (one.tokens + side.group_size - 1) / side.group_size;
    const size_t channel_groups = kva_value_groups(channels, side.group_size);
    const size_t stride = is_keys ? kva_key_group_stride(channels, side.is_symmetric)
                                  : kva_value_tile_stride(channels, side.group_size, side.is_symmetric);
    const size_t records = (is_keys ? token_groups : tiles) * stride, width = side.metadata_is_float ? 4 : 2;
    float *scales = EXACT(float, elements), *minima = EXACT(float, elements), *codes = EXACT(float, elements);
    uint8_t *packed = exact_bytes(tiles * tile_bytes), *metadata = exact_bytes(records * width);
    memset(packed, 0, tiles * tile_bytes);
    memset(metadata, 0, records * width);
    // Of token groups × channels, or tokens × channel groups.
    const size_t groups = is_keys ? token_groups * channels : one.tokens * channel_groups;
    const unsigned half = side.is_symmetric ? 1u << (side.bits - 1) : 0, most_code = (1u << side.bits) - 1;
    const size_t poison = poisoned != HEALTHY && groups > 0 ? random_bits() % groups : groups;
    float *group_scale = EXACT(float, groups), *group_minimum = EXACT(float, groups);
    for (size_t group = 0; group < groups; group++) {
        const double exact_scale = random_gaussian() * 0.1, exact_minimum = random_gaussian();
        group_scale[group] = half_number(exact_scale);
        group_minimum[group] = side.is_symmetric ? -group_scale[group] * (float)half : half_number(exact_minimum);
        if (group == poison && poisoned == INFINITE_SCALE) {
            group_scale[group] = INFINITY;
            // As a symmetric code is decoded: the half is taken from the code.
            group_minimum[group] = side.is_symmetric ? 0 : group_minimum[group];
        } else if (group == poison) {
            group_scale[group] = side.is_symmetric ? NAN : 0;
            group_minimum[group] = NAN;
        }
    }
    for (size_t token = 0; token < one.tokens; token++) {
        for (size_t channel = 0; channel < channels; channel++) {
            const size_t tile = token / KVA_TILE_TOKENS, lane = token % KVA_TILE_TOKENS;
            const size_t group = is_keys ? token / side.group_size * channels + channel
                                         : token * channel_groups + channel / side.group_size;
            const int is_infinite = group == poison && poisoned == INFINITE_SCALE;
            const unsigned code = is_infinite ? most_code : group == poison ? 0 : (unsigned)random_bits() & most_code;
            size_t place, to_minimum;
            if (is_keys) {
                kva_panel_set(packed + tile * tile_bytes, reduced, side.bits, lane, channel, code);
                place = token / side.group_size * stride + channel;
                to_minimum = reduced;
            } else {
                uint8_t *panel = packed + tile * tile_bytes +
                                 channel / KVA_PANEL_LANES * kva_panel_bytes(KVA_TILE_TOKENS, side.bits);
                kva_panel_set(panel, KVA_TILE_TOKENS, side.bits, channel % KVA_PANEL_LANES, lane, code);
                const size_t record = KVA_TILE_TOKENS * (side.is_symmetric ? 1 : 2);
                place = tile * stride + channel / side.group_size * record + lane;
                to_minimum = KVA_TILE_TOKENS;
            }
            set_metadata(metadata, side.metadata_is_float, place, group_scale[group]);
            if (!side.is_symmetric) {
                set_metadata(metadata, side.metadata_is_float, place + to_minimum, group_minimum[group]);
            }
            scales[token * channels + channel] = group_scale[group];
            minima[token * channels + channel] = group_minimum[group];
            codes[token * channels + channel] = (float)code - (is_infinite ? (float)half : 0);
        }
    }
    // What follows in the last tile belongs to tokens that are not asked for.
    if (!is_keys && !side.is_symmetric && one.tokens % KVA_TILE_TOKENS > 0 && random_bits() % 4 == 0) {
        const size_t record = 2 * KVA_TILE_TOKENS, next = (tiles - 1) * stride + one.tokens % KVA_TILE_TOKENS;
        const size_t group = random_bits() % channel_groups;
        set_metadata(metadata, side.metadata_is_float, next + group * record + KVA_TILE_TOKENS, -INFINITY);
    }
    const size_t reduced_count = is_keys ? reduced : one.tokens;
    float *envelope = EXACT(float, reduced_count), *given = EXACT(float, reduced_count);
    memset(envelope, 0, reduced_count * sizeof envelope[0]);
    memset(given, 0, reduced_count * sizeof given[0]);
    for (size_t i = 0; i < elements; i++) {
        const size_t place = is_keys ? i % channels : i / channels;
        given[place] = fmaxf(given[place], fabsf(scales[i]));
        if (isinf(scales[i])) { continue; }
        envelope[place] = fmaxf(envelope[place], fabsf(scales[i]));
        one.largest_scale = fmax(one.largest_scale, envelope[place]);
    }
    one.envelope = envelope;
    if (is_keys && random_bits() % 2) { one.side.envelope = given; }
    // What comes next is only asked for, never read: any address will do.
    if (random_bits() % 2) {
        one.side.next_codes = (const uint8_t *)(uintptr_t)(random_bits() & ~(uint64_t)63);
        one.side.next_metadata = (const void *)(uintptr_t)(random_bits() & ~(uint64_t)63);
    }
    one.side.codes = packed;
    one.side.metadata = metadata;
    one.scale = scales;
    one.minimum = minima;
    one.code = codes;
    return one;
}

/// The largest |factor| and |factor|·envelope.
typedef struct {
    double alone, scaled;
} magnitude;

static magnitude largest_of(const float *factor, const float *envelope, size_t count) {
    magnitude largest = {0, 0};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(factor[i])) { continue; }
        largest.alone = fmax(largest.alone, fabs((double)factor[i]));
        largest.scaled = fmax(largest.scaled, fabs((double)factor[i]) * envelope[i]);
    }
    return largest;
}

/// What one result is summed to by definition, and what bounds its error.
typedef struct {
    double sum, absolute, codes;
    size_t count;
} definition;

static void add_element(definition *result, const packed_case *one, double factor, size_t index) {
    const double scale = one->scale[index], minimum = one->minimum[index], code = one->code[index];
    result->sum += factor * (scale * code + minimum);
    const double middle = one->side.digits == 1 ? 0.5 * (double)((1u << one->side.bits) - 1) : 0;
    const double size = fabs(factor) * (fabs(scale) * (code + middle) + fabs(minimum));
    result->absolute += isfinite(size) ? size : 0;
    result->codes += fabs(code - middle);
    result->count++;
}

static double budget(const definition *result, const packed_case *one, magnitude largest, int is_reference) {
    const double rounded = ((double)result->count + 16) * UNIT * result->absolute + TINY;
    if (is_reference) { return rounded; }
    const double uncounted = least_magnitude * (largest.alone + one->largest_scale + 1);
    return rounded + result->codes * (digit_error[one->side.digits] * largest.scaled + uncounted);
}

static poison_kind poison_for(kva_packed_side side, sample_kind kind) {
    if (side.tokens % 2 == 0) { return HEALTHY; }
    return kind == NOT_A_NUMBER ? AS_A_NAN_LEAVES_IT : kind == GAUSSIAN ? INFINITE_SCALE : HEALTHY;
}

static void check_scores(const tables_under_test *tables, kva_packed_side side, sample_kind kind) {
    const packed_case one = random_case(1, side, poison_for(side, kind));
    const size_t channels = side.channels, count = (side.group - 1) * side.score_stride + side.tokens;
    const float *queries = sample(one.side.tokens % 2 && kind == NOT_A_NUMBER ? GAUSSIAN : kind, side.group * channels);
    float *got = EXACT(float, count), *untouched = EXACT(float, count);
    tables->fast->packed_scores(&one.side, queries, got);
    for (size_t query = 0; query < side.group; query++) {
        const magnitude largest = largest_of(queries + query * channels, one.envelope, channels);
        for (size_t token = 0; token < side.tokens; token++) {
            definition result = {0, 0, 0, 0};
            for (size_t channel = 0; channel < channels; channel++) {
                add_element(&result, &one, queries[query * channels + channel],
                            (side.first_token + token) * channels + channel);
            }
            const double bound = budget(&result, &one, largest, tables->fast == tables->reference);
            expect_within(got[query * side.score_stride + token], result.sum, bound, query * side.score_stride + token);
        }
        const size_t end = query * side.score_stride + side.tokens;
        const size_t between = query + 1 < side.group ? side.score_stride - side.tokens : 0;
        expect_same_bytes(got + end, untouched, between * sizeof got[0]);
    }
    end_case();
}

static void check_values(const tables_under_test *tables, kva_packed_side side, sample_kind kind) {
    const packed_case one = random_case(0, side, poison_for(side, kind));
    const size_t channels = side.channels, count = (side.group - 1) * side.score_stride + side.tokens;
    const float *weights = sample(one.side.tokens % 2 && kind == NOT_A_NUMBER ? GAUSSIAN : kind, count);
    float *got = sample(GAUSSIAN, side.group * channels);
    const float *start = exact_copy(got, side.group * channels * sizeof got[0]);
    tables->fast->packed_values(&one.side, weights, got);
    for (size_t query = 0; query < side.group; query++) {
        const float *weight = weights + query * side.score_stride;
        const magnitude largest = largest_of(weight, one.envelope + side.first_token, side.tokens);
        for (size_t channel = 0; channel < channels; channel++) {
            const size_t index = query * channels + channel;
            definition result = {start[index], fabs((double)start[index]), 0, 0};
            for (size_t token = 0; token < side.tokens; token++) {
                add_element(&result, &one, weight[token], (side.first_token + token) * channels + channel);
            }
            const double bound = budget(&result, &one, largest, tables->fast == tables->reference);
            expect_within(got[index], result.sum, bound, index);
        }
    }
    end_case();
}

typedef void side_check(const tables_under_test *, kva_packed_side, sample_kind);

static void check_sides(const tables_under_test *tables, side_check *run) {
    static const unsigned widths[] = {1, 2, 3, 4, 8};
    static const size_t group_sizes[] = {32, 64, 128, 1000, 16, 5};
    static const size_t channel_counts[] = {64, 1, 16, 17, 33, 80, 128, 160, 256, 512, 528};
    size_t turn = 0;
    for (size_t width = 0; width < sizeof widths / sizeof widths[0]; width++) {
        for (unsigned digits = 1; digits <= 3; digits++) {
            for (size_t length = 0; length < 72; length++, turn++) {
                const sample_kind kind = (sample_kind)(turn % SAMPLE_KINDS);
                kva_packed_side side = {.bits = widths[width], .digits = digits, .group_size = group_sizes[turn % 6]};
                side.is_symmetric = turn / 2 % 3 == 0;
                side.metadata_is_float = turn / 3 % 2 == 0;
                side.channels = length < 34 && turn % 2 ? length : channel_counts[turn % 11];
                side.first_token = turn % 5 == 0 ? 64 : 0;
                side.tokens = length < 40 ? length : length * 4 - 1;
                side.group = 1 + turn % 7;
                side.score_stride = side.tokens + 3;
                describe_case("%s, %u bits, %u digits, %zu tokens after %zu × %zu, groups of %zu, %s, %zu queries",
                              sample_name(kind), side.bits, digits, side.tokens, side.first_token, side.channels,
                              side.group_size, side.is_symmetric ? "symmetric" : "asymmetric", side.group);
                run(tables, side, kind);
            }
        }
    }
}

CHECK(packed_scores) { check_sides(tables, check_scores); }
CHECK(packed_values) { check_sides(tables, check_values); }
