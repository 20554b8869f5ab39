#include "../driver.h"

static void check_count(const tables_under_test *tables, int is_half, size_t tokens, size_t channels) {
    const size_t stride = channels + 3, elements = tokens == 0 ? 0 : (tokens - 1) * stride + channels;
    kva_magnitude_count count = {.is_half = is_half, .tokens = tokens, .channels = channels, .token_stride = stride,
                                 .thresholds = {0.75f, 2.001f}};
    count.elements = is_half ? (const void *)half_sample(GAUSSIAN, elements) : (const void *)sample(GAUSSIAN, elements);
    describe_case("%s, %zu × %zu", is_half ? "float16" : "float32", tokens, channels);
    uint32_t *got = EXACT(uint32_t, channels * KVA_MAGNITUDES), *expected = EXACT(uint32_t, channels * KVA_MAGNITUDES);
    memset(got, 0, channels * KVA_MAGNITUDES * sizeof *got);
    memset(expected, 0, channels * KVA_MAGNITUDES * sizeof *expected);
    count.counts = got;
    tables->fast->count_magnitudes(&count);
    count.counts = expected;
    tables->reference->count_magnitudes(&count);
    expect_same_bytes(got, expected, channels * KVA_MAGNITUDES * sizeof *got);
    end_case();
}

CHECK(count_magnitudes) {
    for (int is_half = 0; is_half < 2; is_half++) {
        for (size_t n = 0; n <= 33; n++) {
            check_count(tables, is_half, n, 17);
            check_count(tables, is_half, 5, n);
        }
        check_count(tables, is_half, 300, 64);
    }
}
