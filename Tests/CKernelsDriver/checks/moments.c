#include "../driver.h"

static kva_moments *start(size_t count) {
    kva_moments *moments = EXACT(kva_moments, count);
    for (size_t i = 0; i < count; i++) {
        moments[i] = (kva_moments){.minimum = INFINITY, .maximum = -INFINITY, .shift = (float)(i % 3) * 0.25f - 0.5f};
    }
    return moments;
}

/// `terms[k]`: the sum of |x − shift|^k, and for k = 0 of |x|, over the elements `stride` apart.
static void absolute_sums(const kva_moment_sweep *sweep, size_t first, size_t stride, size_t count, float shift,
                          double terms[5]) {
    for (size_t k = 0; k < 5; k++) { terms[k] = 0; }
    for (size_t i = 0; i < count; i++) {
        float x;
        if (sweep->is_half) {
            kva_kernels_for(KVA_ISA_REFERENCE)->half_to_float((const uint16_t *)sweep->elements + first + i * stride,
                                                              &x, 1);
        } else {
            x = ((const float *)sweep->elements)[first + i * stride];
        }
        if (!isfinite(x)) { continue; }
        const double distance = fabs((double)x - shift);
        terms[0] += fabs((double)x);
        double power = 1;
        for (size_t k = 1; k < 5; k++) { terms[k] += power *= distance; }
    }
}

static void expect_moments(const kva_moments *got, const kva_moments *expected, const double terms[5], size_t index) {
    expect(got->count == expected->count, "count");
    expect(got->nan_count == expected->nan_count, "count of NaN");
    expect(got->infinity_count == expected->infinity_count, "count of infinities");
    expect_same_bytes(&got->minimum, &expected->minimum, sizeof got->minimum);
    expect_same_bytes(&got->maximum, &expected->maximum, sizeof got->maximum);
    // 64 additions in float32 and up to four roundings of the term itself; x − shift rounds once in each factor.
    const double bound = 72 * UNIT, tiny = 1e4 * TINY;
    expect_within(got->sum_absolute, expected->sum_absolute, bound * terms[0] + tiny, index);
    expect_within(got->power1, expected->power1, bound * terms[1] + tiny, index);
    expect_within(got->power2, expected->power2, bound * terms[2] + tiny, index);
    expect_within(got->power3, expected->power3, bound * terms[3] + tiny, index);
    expect_within(got->power4, expected->power4, bound * terms[4] + tiny, index);
}

static void check_sweep(const tables_under_test *tables, sample_kind kind, int is_half, size_t tokens,
                        size_t channels) {
    const size_t stride = channels + 2, elements = tokens == 0 ? 0 : (tokens - 1) * stride + channels;
    kva_moment_sweep sweep = {.is_half = is_half, .tokens = tokens, .channels = channels, .token_stride = stride};
    sweep.elements = is_half ? (const void *)half_sample(kind, elements) : (const void *)sample(kind, elements);
    for (int directions = 0; directions < 8; directions++) {
        // 4 KB a channel.
        const size_t bins = directions & 4 && channels < 100 ? channels * KVA_HISTOGRAM_BINS : 0;
        describe_case("%s, %s, %zu × %zu, of %d", sample_name(kind), is_half ? "float16" : "float32", tokens, channels,
                      directions);
        uint16_t *counters = EXACT(uint16_t, bins), *plain_counters = EXACT(uint16_t, bins);
        kva_moments *by_channel = start(channels), *by_token = start(tokens);
        kva_moments *plain_by_channel = start(channels), *plain_by_token = start(tokens);
        sweep.channel_moments = directions & 1 ? by_channel : 0;
        sweep.token_moments = directions & 2 ? by_token : 0;
        sweep.counters = bins > 0 ? counters : 0;
        tables->fast->moment_sweep(&sweep);
        sweep.channel_moments = directions & 1 ? plain_by_channel : 0;
        sweep.token_moments = directions & 2 ? plain_by_token : 0;
        sweep.counters = bins > 0 ? plain_counters : 0;
        tables->reference->moment_sweep(&sweep);
        // Both began with the same pattern.
        if (bins > 0) { expect(memcmp(counters, plain_counters, bins * sizeof counters[0]) == 0, "histogram"); }
        double terms[5];
        for (size_t i = 0; i < channels; i++) {
            absolute_sums(&sweep, i, stride, tokens, by_channel[i].shift, terms);
            expect_moments(&by_channel[i], &plain_by_channel[i], terms, i);
        }
        for (size_t i = 0; i < tokens; i++) {
            absolute_sums(&sweep, i * stride, 1, channels, by_token[i].shift, terms);
            expect_moments(&by_token[i], &plain_by_token[i], terms, i);
        }
    }
    end_case();
}

CHECK(moment_sweep) {
    static const size_t more[][2] = {{130, 40}, {65, 131}, {3, 1030}};
    FOR_KINDS(kind) {
        for (int is_half = 0; is_half < 2; is_half++) {
            for (size_t length = 0; length < 34; length++) {
                check_sweep(tables, kind, is_half, length, 11);
                check_sweep(tables, kind, is_half, 9, length);
            }
            for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
                check_sweep(tables, kind, is_half, more[i][0], more[i][1]);
            }
        }
    }
}
