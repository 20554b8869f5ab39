#include "../driver.h"

typedef void widening(const uint16_t *source, float *target, size_t count);
typedef void narrowing(const float *source, uint16_t *target, size_t count);

static void check_widening(widening *fast, widening *plain) {
    FOR_LENGTHS(count) {
        uint16_t *words = EXACT(uint16_t, count);
        for (size_t i = 0; i < count; i++) { words[i] = (uint16_t)random_bits(); }
        float *got = EXACT(float, count), *expected = EXACT(float, count);
        describe_case("%zu random words", count);
        fast(words, got, count);
        plain(words, expected, count);
        expect_same_bytes(got, expected, count * sizeof got[0]);
        end_case();
    }
    // In pieces, since the exact buffers are not made for megabytes.
    for (size_t first = 0; first < 0x10000; first += 0x1000) {
        uint16_t *words = EXACT(uint16_t, 0x1000);
        for (size_t i = 0; i < 0x1000; i++) { words[i] = (uint16_t)(first + i); }
        float *got = EXACT(float, 0x1000), *expected = EXACT(float, 0x1000);
        describe_case("words from %zu on", first);
        fast(words, got, 0x1000);
        plain(words, expected, 0x1000);
        expect_same_bytes(got, expected, 0x1000 * sizeof got[0]);
        end_case();
    }
}

static void check_narrowing(narrowing *fast, narrowing *plain) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count);
            uint16_t *got = EXACT(uint16_t, count), *expected = EXACT(uint16_t, count);
            describe_case("%s, %zu", sample_name(kind), count);
            fast(x, got, count);
            plain(x, expected, count);
            expect_same_bytes(got, expected, count * sizeof got[0]);
            end_case();
        }
    }
    // Any pattern of bits, and those around the places where rounding turns.
    static const uint32_t around[6] = {0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF};
    for (uint32_t round = 0; round < 64; round++) {
        uint32_t *bits = EXACT(uint32_t, 1024);
        for (size_t i = 0; i < 1024; i++) {
            bits[i] = (uint32_t)random_bits();
            if (round % 2) { bits[i] = (bits[i] & 0xFFFFE000) + around[i % 6]; }
        }
        uint16_t *got = EXACT(uint16_t, 1024), *expected = EXACT(uint16_t, 1024);
        describe_case("random bits, round %u", round);
        fast((const float *)bits, got, 1024);
        plain((const float *)bits, expected, 1024);
        expect_same_bytes(got, expected, 1024 * sizeof got[0]);
        end_case();
    }
}

CHECK(half_to_float) { check_widening(tables->fast->half_to_float, tables->reference->half_to_float); }
CHECK(bfloat_to_float) { check_widening(tables->fast->bfloat_to_float, tables->reference->bfloat_to_float); }
CHECK(float_to_half) { check_narrowing(tables->fast->float_to_half, tables->reference->float_to_half); }
CHECK(float_to_bfloat) { check_narrowing(tables->fast->float_to_bfloat, tables->reference->float_to_bfloat); }
