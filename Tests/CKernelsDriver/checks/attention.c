#include "../driver.h"

// Scores sum channels in at least four lanes; weighted sums add one token after the other.

static kva_attention_side side_of(sample_kind kind, int is_half, size_t tokens, size_t channels, size_t group) {
    kva_attention_side side = {.is_half = is_half, .tokens = tokens, .channels = channels, .group = group};
    side.token_stride = channels + 3;
    side.score_stride = tokens + 2;
    const size_t count = tokens == 0 ? 0 : (tokens - 1) * side.token_stride + channels;
    side.elements = is_half ? (const void *)half_sample(kind, count) : (const void *)sample(kind, count);
    describe_case("%s, %s, %zu × %zu, group %zu", sample_name(kind), is_half ? "float16" : "float32", tokens, channels,
                  group);
    return side;
}

/// The side's elements without their sign, for budgets; infinite and NaN are left out.
static kva_attention_side absolute_side(const kva_attention_side *side) {
    kva_attention_side absolute = *side;
    const size_t count = side->tokens == 0 ? 0 : (side->tokens - 1) * side->token_stride + side->channels;
    float *x = EXACT(float, count);
    for (size_t i = 0; i < count; i++) {
        if (side->is_half) {
            kva_kernels_for(KVA_ISA_REFERENCE)->half_to_float((const uint16_t *)side->elements + i, &x[i], 1);
        } else {
            x[i] = ((const float *)side->elements)[i];
        }
        x[i] = isfinite(x[i]) ? fabsf(x[i]) : 0;
    }
    absolute.elements = x;
    absolute.is_half = 0;
    return absolute;
}

static float *absolute_copy(const float *x, size_t count) {
    float *copy = EXACT(float, count);
    for (size_t i = 0; i < count; i++) { copy[i] = fabsf(x[i]); }
    return copy;
}

/// Elements of all rows `stride` apart of which the last one ends with its own elements.
static size_t extent(size_t rows, size_t stride, size_t count) { return rows == 0 ? 0 : (rows - 1) * stride + count; }

static void check_scores(const tables_under_test *tables, sample_kind kind, int is_half, size_t tokens,
                         size_t channels, size_t group) {
    const kva_attention_side keys = side_of(kind, is_half, tokens, channels, group), absolute = absolute_side(&keys);
    const float *queries = sample(GAUSSIAN, group * channels), *sizes = absolute_copy(queries, group * channels);
    const size_t count = extent(group, keys.score_stride, tokens);
    float *got = EXACT(float, count), *expected = EXACT(float, count), *terms = EXACT(float, count);
    tables->fast->attention_scores(&keys, queries, got);
    tables->reference->attention_scores(&keys, queries, expected);
    tables->reference->attention_scores(&absolute, sizes, terms);
    for (size_t i = 0; i < count; i++) {
        // Places between the rows keep the pattern with which all three began.
        const double bound = ((double)channels / 4 + 8) * UNIT * terms[i] + ((double)channels + 1) * TINY;
        expect_within(got[i], expected[i], i % keys.score_stride < tokens ? bound : 0, i);
    }
    end_case();
}

static void check_values(const tables_under_test *tables, sample_kind kind, int is_half, size_t tokens,
                         size_t channels, size_t group) {
    const kva_attention_side values = side_of(kind, is_half, tokens, channels, group);
    const kva_attention_side absolute = absolute_side(&values);
    const size_t count = extent(group, values.score_stride, tokens);
    const float *weights = sample(GAUSSIAN, count), *sizes = absolute_copy(weights, count);
    float *got = sample(GAUSSIAN, group * channels), *expected = exact_copy(got, group * channels * sizeof got[0]);
    float *terms = absolute_copy(got, group * channels);
    tables->fast->attention_values(&values, weights, got);
    tables->reference->attention_values(&values, weights, expected);
    tables->reference->attention_values(&absolute, sizes, terms);
    for (size_t i = 0; i < group * channels; i++) {
        expect_within(got[i], expected[i], ((double)tokens + 4) * UNIT * terms[i] + ((double)tokens + 1) * TINY, i);
    }
    end_case();
}

typedef void side_check(const tables_under_test *, sample_kind, int, size_t, size_t, size_t);

static void check_side(const tables_under_test *tables, side_check *run) {
    static const size_t widths[] = {1, 4, 8, 20, 64, 128};
    FOR_KINDS(kind) {
        for (int is_half = 0; is_half < 2; is_half++) {
            for (size_t length = 0; length < 34; length++) {
                run(tables, kind, is_half, length, widths[length % 6], 1 + length % 9);
                run(tables, kind, is_half, 7, length, 1 + length % 5);
            }
            for (size_t group = 1; group < 10; group++) { run(tables, kind, is_half, 65, 68, group); }
        }
    }
}

CHECK(attention_scores) { check_side(tables, check_scores); }
CHECK(attention_values) { check_side(tables, check_values); }
