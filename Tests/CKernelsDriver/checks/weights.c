#include "../driver.h"

/// Elements of the types without blocks, else blocks.
static size_t widths_of(kva_type type) { return kva_block_size_of(type).elements == 1 ? 34 : 10; }

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
        const size_t place = type == KVA_Q6_K ? 208 : type == KVA_Q2_K ? 80 : type == KVA_Q3_K ? 108 : 0;
        memcpy(block + place, &bits, sizeof bits);
        if (type == KVA_Q4_1 || type == KVA_Q5_1 || type == KVA_Q2_K || type == KVA_Q4_K || type == KVA_Q5_K) {
            memcpy(block + place + 2, &bits, sizeof bits);
        }
    }
}

CHECK(prepare_vector) {
    FOR_KINDS(kind) {
        FOR_LENGTHS(count) {
            const size_t bytes = kva_prepared_bytes(count), digits = (count + 255) / 256 * 256 * 3;
            const float *x = sample(kind, count);
            uint8_t *got = exact_bytes(bytes), *expected = exact_bytes(bytes);
            describe_case("%s, %zu", sample_name(kind), count);
            tables->fast->prepare_vector(x, got, count);
            tables->reference->prepare_vector(x, expected, count);
            expect_same_bytes(got, expected, digits);
            expect_identical((const float *)(const void *)(got + digits),
                             (const float *)(const void *)(expected + digits),
                             (bytes - digits) / sizeof(float));
            end_case();
        }
    }
}

/// Of a row's product with a vector. Blocks meet a copy of 32 elements in fixed point, which errs by 1.005·2^-21 of the
/// largest or 2^-127; the float32 sums of codes and offsets are apart, each at most twice as large as the largest
/// weight.
static double product_budget(const float *row, const float *x, size_t columns, int has_blocks) {
    double fixed_point = 0, size = 0;
    for (size_t first = 0; first < columns; first += 32) {
        double heaviest = 0, weight = 0, largest = 0, all = 0;
        for (size_t i = first; i < columns && i < first + 32; i++) {
            heaviest = fmax(heaviest, fabs((double)row[i]));
            weight += fabs((double)row[i]);
            largest = fmax(largest, fabs((double)x[i]));
            all += fabs((double)x[i]);
        }
        fixed_point += weight * fmax(1.005 * 0x1p-21 * largest, 0x1p-127);
        size += 4 * heaviest * all;
    }
    return (has_blocks ? fixed_point : 0) + ((double)columns / 32 + 8) * UNIT * size + 0x1p-126;
}

static void check_products(const tables_under_test *tables, kva_type type, size_t width, size_t tokens,
                           sample_kind kind) {
    enum { ROWS = 5 };
    const kva_block_size size = kva_block_size_of(type);
    const size_t columns = width * size.elements, bytes = kva_prepared_bytes(columns), stride = ROWS + 2;
    uint8_t *weights = random_blocks(type, ROWS * columns, width % 2), *prepared = exact_bytes(tokens * bytes);
    make_scales_ordinary(type, weights, ROWS * columns);
    const float *vectors = sample(kind, tokens * columns);
    float *row = EXACT(float, columns), *got = EXACT(float, (tokens - 1) * stride + ROWS);
    const float *untouched = EXACT(float, stride - ROWS);
    describe_case("type %d, %zu columns, %zu tokens, %s", (int)type, columns, tokens, sample_name(kind));
    for (size_t token = 0; token < tokens; token++) {
        tables->fast->prepare_vector(vectors + token * columns, prepared + token * bytes, columns);
    }
    const kva_gemv work = {
        .weights = weights, .row_bytes = width * size.bytes, .rows = ROWS, .columns = columns, .tokens = tokens,
        .vectors = vectors, .prepared = prepared, .result = got, .result_stride = stride,
    };
    tables->fast->gemv(type, &work);
    for (size_t index = 0; index < ROWS; index++) {
        tables->reference->dequantize(type, weights + index * work.row_bytes, row, columns);
        for (size_t token = 0; token < tokens; token++) {
            const float *x = vectors + token * columns;
            double exact = 0;
            for (size_t i = 0; i < columns; i++) { exact += (double)row[i] * x[i]; }
            const float result = got[token * stride + index];
            if (!isfinite(exact) && size.elements > 1) {
                expect(!isfinite(result), "what is not finite is hidden");
            } else {
                expect_within(result, exact, product_budget(row, x, columns, size.elements > 1),
                              token * stride + index);
            }
        }
    }
    for (size_t token = 0; token + 1 < tokens; token++) {
        expect_same_bytes(got + token * stride + ROWS, untouched, (stride - ROWS) * sizeof got[0]);
    }
    end_case();
}

CHECK(gemv) {
    size_t turn = 0;
    for (kva_type type = KVA_F32; type < KVA_TYPE_COUNT; type++) {
        for (size_t width = 1; width < widths_of(type); width++, turn++) {
            FOR_KINDS(kind) { check_products(tables, type, width, 1 + turn % 3, kind); }
        }
        for (size_t tokens = 1; tokens < 19; tokens++) { check_products(tables, type, 3, tokens, GAUSSIAN); }
    }
}
