#include "../driver.h"

/// Elements of the types without blocks, else blocks.
static size_t widths_of(kva_type type) { return kva_block_size_of(type).elements == 1 ? 34 : 6; }

/// Random blocks. Their bytes end `spare` before the buffer does, so that they begin at odd addresses too.
static uint8_t *random_blocks(kva_type type, size_t count, size_t spare) {
    const kva_block_size size = kva_block_size_of(type);
    const size_t bytes = count / size.elements * size.bytes;
    uint8_t *blocks = exact_bytes(bytes + spare);
    for (size_t i = 0; i < bytes; i++) { blocks[i] = (uint8_t)random_bits(); }
    return blocks;
}

CHECK(dequantize) {
    for (kva_type type = KVA_F32; type < KVA_TYPE_COUNT; type++) {
        for (size_t width = 0; width < widths_of(type); width++) {
            for (size_t spare = 0; spare < 4; spare++) {
                const size_t count = width * kva_block_size_of(type).elements;
                const uint8_t *blocks = random_blocks(type, count, spare);
                float *got = EXACT(float, count), *expected = EXACT(float, count);
                describe_case("type %d, %zu elements, %zu bytes off", (int)type, count, spare);
                tables->fast->dequantize(type, blocks, got, count);
                tables->reference->dequantize(type, blocks, expected, count);
                expect_identical(got, expected, count);
                end_case();
            }
        }
    }
}

/// Gives each block scales of ordinary size: those of random bytes may be NaN.
static void make_scales_ordinary(kva_type type, uint8_t *blocks, size_t count) {
    const kva_block_size size = kva_block_size_of(type);
    for (size_t i = 0; i < count / size.elements; i++) {
        uint8_t *block = blocks + i * size.bytes;
        if (type == KVA_F32) {
            const float x = (float)random_gaussian();
            memcpy(block, &x, sizeof x);
            continue;
        }
        const float scale = (float)(random_gaussian() * (size.elements == 1 ? 1 : 0.02));
        uint16_t bits;
        if (type == KVA_BF16) {
            kva_kernels_for(KVA_ISA_REFERENCE)->float_to_bfloat(&scale, &bits, 1);
        } else {
            kva_kernels_for(KVA_ISA_REFERENCE)->float_to_half(&scale, &bits, 1);
        }
        memcpy(block + (type == KVA_Q6_K ? 208 : 0), &bits, sizeof bits);
        if (type == KVA_Q4_1 || type == KVA_Q5_1 || type == KVA_Q4_K || type == KVA_Q5_K) {
            memcpy(block + 2, &bits, sizeof bits);
        }
    }
}

CHECKED_WITH(prepare_vector)
CHECK(gemv) {
    enum { ROWS = 5 };
    for (kva_type type = KVA_F32; type < KVA_TYPE_COUNT; type++) {
        for (size_t width = 1; width < widths_of(type); width++) {
            const size_t columns = width * kva_block_size_of(type).elements, padded = (columns + 31) / 32 * 32;
            uint8_t *weights = random_blocks(type, ROWS * columns, width % 2);
            make_scales_ordinary(type, weights, ROWS * columns);
            const float *vector = sample(GAUSSIAN, columns);
            float *prepared = EXACT(float, padded), *sums = EXACT(float, padded / 32), *row = EXACT(float, columns);
            float *got = EXACT(float, ROWS), *expected = EXACT(float, ROWS);
            kva_gemv work = {weights, kva_block_size_of(type).bytes * width, ROWS, columns, vector, prepared, sums,
                             got};
            tables->fast->prepare_vector(vector, prepared, sums, columns);
            tables->fast->gemv(type, &work);
            work.result = expected;
            tables->reference->prepare_vector(vector, prepared, sums, columns);
            tables->reference->gemv(type, &work);
            for (size_t index = 0; index < ROWS; index++) {
                tables->reference->dequantize(type, weights + index * work.row_bytes, row, columns);
                // Codes and offsets are summed apart, each at most twice as large as the block's largest weight.
                double terms = 0;
                for (size_t first = 0; first < columns; first += 32) {
                    double largest = 0, factors = 0;
                    for (size_t i = first; i < columns && i < first + 32; i++) {
                        largest = fmax(largest, fabs((double)row[i]));
                        factors += fabs((double)vector[i]);
                    }
                    terms += 4 * largest * factors;
                }
                describe_case("type %d, %zu columns", (int)type, columns);
                expect_within(got[index], expected[index], ((double)columns / 32 + 8) * UNIT * terms, index);
            }
            end_case();
        }
    }
}
