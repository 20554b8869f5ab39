#include "../driver.h"

static kva_moments *start(size_t count) {
    kva_moments *moments = EXACT(kva_moments, count);
    for (size_t i = 0; i < count; i++) {
        moments[i] = (kva_moments){.minimum = INFINITY, .maximum = -INFINITY, .shift = (float)(i % 3) * 0.25f - 0.5f};
    }
    return moments;
}

static double element(const kva_moment_sweep *sweep, size_t index) {
    if (!sweep->is_half) { return ((const float *)sweep->elements)[index]; }
    float x;
    kva_kernels_for(KVA_ISA_REFERENCE)->half_to_float((const uint16_t *)sweep->elements + index, &x, 1);
    return x;
}

/// `terms[k]`: what the roundings of a sum of k-th powers are relative to, and for k = 0 the sum of |x|, over the
/// elements `stride` apart. Kernels may sum 64 of them about their mean c and move that to the shift s:
/// Σ C(k, j)·|c − s|^(k − j)·Σ|x − c|^j = Σ(|x − c| + |c − s|)^k, which is no less than Σ|x − s|^k.
static void absolute_sums(const kva_moment_sweep *sweep, size_t first, size_t stride, size_t count, float shift,
                          double terms[5]) {
    for (size_t k = 0; k < 5; k++) { terms[k] = 0; }
    for (size_t start = 0; start < count; start += 64) {
        const size_t end = count - start < 64 ? count : start + 64;
        double sum = 0, finite = 0;
        for (size_t i = start; i < end; i++) {
            const double x = element(sweep, first + i * stride);
            if (isfinite(x)) { sum += x, finite++; }
        }
        const double centre = finite > 0 ? sum / finite : shift;
        for (size_t i = start; i < end; i++) {
            const double x = element(sweep, first + i * stride);
            if (!isfinite(x)) { continue; }
            const double distance = fabs(x - centre) + fabs(centre - shift);
            terms[0] += fabs(x);
            double power = 1;
            for (size_t k = 1; k < 5; k++) { terms[k] += power *= distance; }
        }
    }
}

static void expect_moments(const kva_moments *got, const kva_moments *expected, const double terms[5], size_t index) {
    expect(got->count == expected->count, "count");
    expect(got->nan_count == expected->nan_count, "count of NaN");
    expect(got->infinity_count == expected->infinity_count, "count of infinities");
    expect_same_bytes(&got->minimum, &expected->minimum, sizeof got->minimum);
    expect_same_bytes(&got->maximum, &expected->maximum, sizeof got->maximum);
    // 64 additions in float32 and up to four roundings of the term itself; x − c rounds once in each factor.
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

/// Channels that lie or drift far from their first elements: their central moments keep six digits.
static void check_drift(const tables_under_test *tables, int is_half, size_t tokens) {
    enum { CHANNELS = 21 };
    float *floats = EXACT(float, tokens * CHANNELS);
    for (size_t token = 0; token < tokens; token++) {
        for (size_t channel = 0; channel < CHANNELS; channel++) {
            const double angle = (double)token * pow(1e4, -(double)channel / CHANNELS);
            const double path[3] = {30 * cos(angle), 150, token < tokens / 3 ? -40 : 0.02 * (double)token};
            floats[token * CHANNELS + channel] = (float)(path[channel % 3] + random_gaussian());
        }
    }
    kva_moment_sweep sweep = {.elements = floats, .tokens = tokens, .channels = CHANNELS, .token_stride = CHANNELS};
    if (is_half) {
        uint16_t *halves = EXACT(uint16_t, tokens * CHANNELS);
        tables->reference->float_to_half(floats, halves, tokens * CHANNELS);
        sweep.elements = halves;
        sweep.is_half = 1;
    }
    describe_case("drift, %s, %zu tokens", is_half ? "float16" : "float32", tokens);
    sweep.channel_moments = start(CHANNELS);
    // As statistics do: one of the first elements.
    for (size_t j = 0; j < CHANNELS; j++) { sweep.channel_moments[j].shift = (float)element(&sweep, j); }
    tables->fast->moment_sweep(&sweep);
    for (size_t j = 0; j < CHANNELS; j++) {
        double mean = 0, central[5] = {0};
        for (size_t i = 0; i < tokens; i++) { mean += element(&sweep, i * CHANNELS + j) / (double)tokens; }
        for (size_t i = 0; i < tokens; i++) {
            const double d = element(&sweep, i * CHANNELS + j) - mean;
            central[2] += d * d, central[3] += d * d * d, central[4] += d * d * d * d;
        }
        const kva_moments *m = sweep.channel_moments + j;
        const double n = (double)m->count, d = m->power1 / n;
        const double deviation = sqrt(central[2] / n);
        expect_within(m->shift + d, mean, 1e-6 * deviation + 1e-12 * fabs(mean), j);
        expect_within(m->power2 - n * d * d, central[2], 1e-6 * central[2], j);
        expect_within(m->power3 - 3 * d * m->power2 + 2 * n * d * d * d, central[3],
                      1e-6 * (fabs(central[3]) + n * deviation * deviation * deviation), j);
        expect_within(m->power4 - 4 * d * m->power3 + 6 * d * d * m->power2 - 3 * n * d * d * d * d, central[4],
                      1e-6 * central[4], j);
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
    static const size_t drifts[] = {64, 300, 1000, 4096};
    for (size_t i = 0; i < sizeof drifts / sizeof drifts[0]; i++) {
        check_drift(tables, 0, drifts[i]);
        check_drift(tables, 1, drifts[i]);
    }
}
