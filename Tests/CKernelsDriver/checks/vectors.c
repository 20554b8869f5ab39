#include "../driver.h"

// Budgets: n terms summed in at least L lanes round n/L + log2 L + 1 times each, here n/32 + 8 for L = 32.
// What underflows adds at most half of float32's smallest number for each operation.

CHECK(dot) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count), *y = sample(GAUSSIAN, count);
            double terms = 0;
            for (size_t i = 0; i < count; i++) { terms += fabs((double)x[i] * y[i]); }
            describe_case("%s, %zu", sample_name(kind), count);
            const double bound = ((double)count / 32 + 8) * UNIT * terms + ((double)count + 1) * TINY;
            expect_within(tables->fast->dot(x, y, count), tables->reference->dot(x, y, count), bound, 0);
            end_case();
        }
    }
}

CHECK(scaled_accumulate) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count), *start = sample(GAUSSIAN, count);
            float *got = exact_copy(start, count * sizeof got[0]), *expected = exact_copy(start, count * sizeof got[0]);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->scaled_accumulate(0.3f, x, got, count);
            tables->reference->scaled_accumulate(0.3f, x, expected, count);
            for (size_t i = 0; i < count; i++) {
                // The reference rounds to double first, which once in 2^29 elements shows.
                if (got[i] == fmaf(0.3f, x[i], start[i])) { expected[i] = got[i]; }
            }
            expect_identical(got, expected, count);
            end_case();
        }
    }
}

CHECK(add) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count), *start = sample(GAUSSIAN, count);
            float *got = exact_copy(start, count * sizeof got[0]), *expected = exact_copy(start, count * sizeof got[0]);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->add(x, got, count);
            tables->reference->add(x, expected, count);
            expect_identical(got, expected, count);
            end_case();
        }
    }
}

CHECK(scale) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            float *got = sample(kind, count), *expected = exact_copy(got, count * sizeof got[0]);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->scale(-1.7f, got, count);
            tables->reference->scale(-1.7f, expected, count);
            expect_identical(got, expected, count);
            end_case();
        }
    }
}

CHECK(maximum) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count);
            describe_case("%s, %zu", sample_name(kind), count);
            // Not the same bits: either zero is the largest of both.
            expect_within(tables->fast->maximum(x, count), tables->reference->maximum(x, count), 0, 0);
            end_case();
        }
    }
}

CHECK(absolute_maximum) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count);
            describe_case("%s, %zu", sample_name(kind), count);
            const float expected = tables->reference->absolute_maximum(x, count);
            expect_within(tables->fast->absolute_maximum(x, count), expected, 0, 0);
            end_case();
        }
    }
}

CHECK(exponential_sum) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            float *got = sample(kind, count);
            if (kind == CONSTANT) {
                // From where the exponential counts as zero to where it overflows.
                for (size_t i = 0; i < count; i++) { got[i] = (float)i * (175.5f / (float)count) - 87; }
            }
            float *expected = exact_copy(got, count * sizeof got[0]);
            const float shift = kind == CONSTANT ? 0 : (float)random_gaussian();
            describe_case("%s, %zu", sample_name(kind), count);
            const float sum = tables->fast->exponential_sum(got, count, shift);
            const float plain = tables->reference->exponential_sum(expected, count, shift);
            // Two units in the last place of each element and the reference's rounding; additions in 16 lanes.
            const double each = 0x1p-22 + UNIT;
            for (size_t i = 0; i < count; i++) { expect_within(got[i], expected[i], expected[i] * each, i); }
            expect_within(sum, plain, plain * (each + ((double)count / 16 + 8) * UNIT), count);
            end_case();
        }
    }
}

CHECK(rms_norm) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const float *x = sample(kind, count), *weight = sample(GAUSSIAN, count);
            float *got = EXACT(float, count), *expected = EXACT(float, count);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->rms_norm(x, weight, 1e-5f, got, count);
            tables->reference->rms_norm(x, weight, 1e-5f, expected, count);
            for (size_t i = 0; i < count; i++) {
                // The factor's error is half of that of the sum of squares; three roundings of either side follow.
                const double bound = fabs((double)expected[i]) * ((double)count / 32 + 12) * UNIT + 1024 * TINY;
                expect_within(got[i], expected[i], bound, i);
            }
            end_case();
        }
    }
}

CHECK(silu_multiply) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            float *gate = sample(kind, count);
            const float *up = sample(GAUSSIAN, count);
            if (kind == CONSTANT) {
                for (size_t i = 0; i < count; i++) { gate[i] = (float)i - 90; }
            }
            float *got = EXACT(float, count), *expected = EXACT(float, count);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->silu_multiply(gate, up, got, count);
            tables->reference->silu_multiply(gate, up, expected, count);
            for (size_t i = 0; i < count; i++) {
                // Beyond −86.9 the exponential itself leaves float32's normal range.
                expect_within(got[i], expected[i], fabs((double)expected[i]) * 0x1p-21 + 1e-35, i);
            }
            end_case();
        }
    }
}

typedef void rotation(float *x, const float *c, const float *s, size_t half);

static void check_rotation(rotation *fast, rotation *plain) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(half) {
            float *got = sample(kind, 2 * half), *expected = exact_copy(got, 2 * half * sizeof got[0]);
            float *cosines = sample(GAUSSIAN, half), *sines = sample(GAUSSIAN, half);
            describe_case("%s, %zu", sample_name(kind), half);
            fast(got, cosines, sines, half);
            plain(expected, cosines, sines, half);
            expect_identical(got, expected, 2 * half);
            end_case();
        }
    }
}

CHECK(rotate_halves) { check_rotation(tables->fast->rotate_halves, tables->reference->rotate_halves); }
CHECK(rotate_adjacent) { check_rotation(tables->fast->rotate_adjacent, tables->reference->rotate_adjacent); }

CHECK(walsh_hadamard) {
    FOR_KINDS(kind) {
        for (size_t length = 1; length <= 2048; length *= 2) {
            for (size_t rows = 0; rows < 4; rows++) {
                float *got = sample(kind, rows * length), *expected = exact_copy(got, rows * length * sizeof got[0]);
                describe_case("%s, %zu rows of %zu", sample_name(kind), rows, length);
                tables->fast->walsh_hadamard(got, rows, length);
                tables->reference->walsh_hadamard(expected, rows, length);
                expect_identical(got, expected, rows * length);
                end_case();
            }
        }
    }
}
