#include <math.h>

#include "reference.h"
#include "iq4_levels.h"
#include "prepared.h"
#include "scalars.h"

// Block types as ggml stores them; arithmetic in the order of the `gguf`
// package's dequantization, with which the results agree bit for bit.

kva_block_size kva_block_size_of(kva_type type) {
    switch (type) {
        case KVA_F32: return (kva_block_size){4, 1};
        case KVA_F16:
        case KVA_BF16: return (kva_block_size){2, 1};
        case KVA_Q4_0: return (kva_block_size){18, 32};
        case KVA_Q4_1: return (kva_block_size){20, 32};
        case KVA_Q5_0: return (kva_block_size){22, 32};
        case KVA_Q5_1: return (kva_block_size){24, 32};
        case KVA_Q8_0: return (kva_block_size){34, 32};
        case KVA_IQ4_NL: return (kva_block_size){18, 32};
        case KVA_Q2_K: return (kva_block_size){84, 256};
        case KVA_Q3_K: return (kva_block_size){110, 256};
        case KVA_Q4_K: return (kva_block_size){144, 256};
        case KVA_Q5_K: return (kva_block_size){176, 256};
        case KVA_Q6_K: return (kva_block_size){210, 256};
        case KVA_IQ4_XS: return (kva_block_size){136, 256};
        case KVA_TYPE_COUNT: break;
    }
    return (kva_block_size){0, 1};
}

static inline float half_at(const uint8_t *bytes) { return kva_half_to_float(kva_load16(bytes)); }

/// Nibbles of 16 bytes, low ones first, with a fifth bit from `high` where there is one.
static void dequantize_32(const uint8_t *nibbles, uint32_t high, int bias, float d, float m, int adds, float *y) {
    for (unsigned i = 0; i < 32; i++) {
        const unsigned nibble = i < 16 ? nibbles[i] & 15 : nibbles[i - 16] >> 4;
        const int code = (int)(nibble | (high >> i & 1) << 4) - bias;
        y[i] = adds ? d * (float)code + m : d * (float)code;
    }
}

static void dequantize_q8_0(const uint8_t *block, float *y) {
    const float d = half_at(block);
    for (unsigned i = 0; i < 32; i++) { y[i] = d * (float)(int8_t)block[2 + i]; }
}

/// Nibbles of 16 bytes as ggml's levels, low ones first.
static void dequantize_levels(const uint8_t *nibbles, float scale, float *y) {
    for (unsigned i = 0; i < 32; i++) {
        y[i] = scale * kva_iq4_levels[i < 16 ? nibbles[i] & 15 : nibbles[i - 16] >> 4];
    }
}

/// Each 32 elements have a 6-bit scale: four bits of it in bytes of their own, two in one 16-bit word.
static void dequantize_iq4_xs(const uint8_t *block, float *y) {
    const float d = half_at(block);
    const unsigned high = kva_load16(block + 2);
    for (unsigned j = 0; j < 8; j++) {
        const unsigned low = block[4 + j / 2] >> (j % 2 * 4) & 15;
        const int scale = (int)(low | (high >> (2 * j) & 3) << 4) - 32;
        dequantize_levels(block + 8 + 16 * j, d * (float)scale, y + 32 * j);
    }
}

/// Each 16 elements have a scale and a minimum of four bits in one byte.
static void dequantize_q2_k(const uint8_t *block, float *y) {
    const uint8_t *scales = block, *codes = block + 16;
    const float d = half_at(block + 80), minimum = half_at(block + 82);
    for (unsigned i = 0; i < 256; i++) {
        const unsigned half = i / 128, part = i % 128 / 32, lane = i % 32;
        const unsigned code = codes[32 * half + lane] >> (2 * part) & 3;
        y[i] = d * (float)(scales[i / 16] & 15) * (float)code - minimum * (float)(scales[i / 16] >> 4);
    }
}

/// Each 16 elements have a 6-bit scale: low nibbles of eight bytes, high nibbles of the same, two bits of four bytes.
static void dequantize_q3_k(const uint8_t *block, float *y) {
    const uint8_t *thirds = block, *codes = block + 32, *packed = block + 96;
    const float d = half_at(block + 108);
    for (unsigned i = 0; i < 256; i++) {
        const unsigned half = i / 128, part = i % 128 / 32, lane = i % 32, group = i / 16;
        const unsigned low = packed[group % 8] >> (group / 8 * 4) & 15, high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
        const int scale = (int)(low | high << 4) - 32;
        const unsigned third = thirds[lane] >> (4 * half + part) & 1;
        const int code = (int)((codes[32 * half + lane] >> (2 * part) & 3) | third << 2) - 4;
        y[i] = d * (float)scale * (float)code;
    }
}

/// The 6-bit scales and minima of the eight sub-blocks of Q4_K and Q5_K.
static void unpack_scales(const uint8_t *packed, uint8_t scales[8], uint8_t minima[8]) {
    for (unsigned i = 0; i < 4; i++) {
        scales[i] = packed[i] & 63;
        minima[i] = packed[4 + i] & 63;
        scales[4 + i] = (uint8_t)((packed[8 + i] & 15) | (packed[i] >> 2 & 48));
        minima[4 + i] = (uint8_t)(packed[8 + i] >> 4 | (packed[4 + i] >> 2 & 48));
    }
}

/// Q4_K, and Q5_K when `high` (32 bytes, bit j of byte i for element i of sub-block j) is given.
static void dequantize_k(const uint8_t *block, const uint8_t *high, const uint8_t *nibbles, float *y) {
    const float d = half_at(block), minimum = half_at(block + 2);
    uint8_t scales[8], minima[8];
    unpack_scales(block + 4, scales, minima);
    for (unsigned j = 0; j < 8; j++) {
        const float scale = d * scales[j], offset = minimum * minima[j];
        for (unsigned i = 0; i < 32; i++) {
            unsigned code = nibbles[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
            if (high) { code |= (high[i] >> j & 1u) << 4; }
            y[32 * j + i] = scale * (float)code - offset;
        }
    }
}

static void dequantize_q6_k(const uint8_t *block, float *y) {
    const uint8_t *low = block, *high = block + 128, *scales = block + 192;
    const float d = half_at(block + 208);
    for (unsigned i = 0; i < 256; i++) {
        const unsigned half = i / 128, part = i % 128 / 32, lane = i % 32;
        const unsigned nibble = low[64 * half + 32 * (part % 2) + lane] >> (part / 2 * 4) & 15;
        const unsigned top = high[32 * half + lane] >> (2 * part) & 3;
        y[i] = d * (float)(int8_t)scales[i / 16] * (float)((int)(nibble | top << 4) - 32);
    }
}

static void dequantize_block(kva_type type, const uint8_t *block, float *y) {
    switch (type) {
        case KVA_Q4_0: dequantize_32(block + 2, 0, 8, half_at(block), 0, 0, y); break;
        case KVA_Q4_1: dequantize_32(block + 4, 0, 0, half_at(block), half_at(block + 2), 1, y); break;
        case KVA_Q5_0: dequantize_32(block + 6, kva_load32(block + 2), 16, half_at(block), 0, 0, y); break;
        case KVA_Q5_1:
            dequantize_32(block + 8, kva_load32(block + 4), 0, half_at(block), half_at(block + 2), 1, y);
            break;
        case KVA_Q8_0: dequantize_q8_0(block, y); break;
        case KVA_IQ4_NL: dequantize_levels(block + 2, half_at(block), y); break;
        case KVA_Q2_K: dequantize_q2_k(block, y); break;
        case KVA_Q3_K: dequantize_q3_k(block, y); break;
        case KVA_Q4_K: dequantize_k(block, 0, block + 16, y); break;
        case KVA_Q5_K: dequantize_k(block, block + 16, block + 48, y); break;
        case KVA_Q6_K: dequantize_q6_k(block, y); break;
        case KVA_IQ4_XS: dequantize_iq4_xs(block, y); break;
        default: break;
    }
}

void kva_reference_dequantize(kva_type type, const uint8_t *source, float *target, size_t count) {
    const kva_block_size size = kva_block_size_of(type);
    switch (type) {
        case KVA_F32: memcpy(target, source, count * sizeof(float)); return;
        // Bytes of a mapped file need not be aligned: load through memcpy.
        case KVA_F16:
            for (size_t i = 0; i < count; i++) { target[i] = half_at(source + 2 * i); }
            return;
        case KVA_BF16:
            for (size_t i = 0; i < count; i++) { target[i] = kva_bfloat_to_float(kva_load16(source + 2 * i)); }
            return;
        default:
            for (size_t i = 0; i < count / size.elements; i++) {
                dequantize_block(type, source + i * size.bytes, target + i * size.elements);
            }
    }
}

size_t kva_prepared_bytes(size_t count) { return kva_padded_columns(count) / 2 * 7; }

/// `digits` is where the first of the 32 digits d2 lies, `pair` and `half_sums` where theirs do.
static void prepare_32(const float x[32], int8_t *digits, float *pair, float *half_sums) {
    const float scale = kva_vector_scale(x, 32);
    int32_t sums[2] = {0, 0};
    for (unsigned i = 0; i < 32; i++) {
        // The scale is a power of two, and so is its inverse.
        const int32_t fixed = isnan(scale) ? 0 : (int32_t)rintf(x[i] * (1 / scale));
        const int32_t d0 = ((fixed + 64) & 127) - 64, rest = (fixed - d0) / 128;
        const int32_t d1 = ((rest + 64) & 127) - 64;
        int8_t *place = digits + i / 16 * 64 + i % 16;
        place[0] = (int8_t)((rest - d1) / 128);
        place[128] = (int8_t)d1;
        place[256] = (int8_t)d0;
        sums[i / 16] += fixed;
    }
    pair[0] = scale;
    pair[1] = (float)(sums[0] + sums[1]) * scale;
    for (unsigned i = 0; i < 2; i++) { half_sums[i] = (float)sums[i] * scale; }
}

void kva_reference_prepare_vector(const float *vector, uint8_t *prepared, size_t count) {
    const kva_prepared_places places = kva_places_of(prepared, count);
    for (size_t block = 0; block < kva_padded_columns(count) / 32; block++) {
        float x[32] = {0};
        for (size_t i = 0; i < 32 && 32 * block + i < count; i++) { x[i] = vector[32 * block + i]; }
        prepare_32(x, places.digits + block / 4 * 384 + block % 4 * 16, places.pairs + kva_pair_place(block),
                   places.half_sums + 2 * block);
    }
}

static double product_of_row(kva_type type, const uint8_t *row, const float *vector, size_t columns) {
    const kva_block_size size = kva_block_size_of(type);
    float block[256];
    const size_t step = size.elements == 1 ? 256 : size.elements;
    double sum = 0;
    for (size_t first = 0; first < columns; first += step) {
        const size_t count = columns - first < step ? columns - first : step;
        kva_reference_dequantize(type, row + first / size.elements * size.bytes, block, count);
        for (size_t i = 0; i < count; i++) { sum += (double)block[i] * vector[first + i]; }
    }
    return sum;
}

void kva_reference_gemv(kva_type type, const kva_gemv *work) {
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *weights = work->weights + row * work->row_bytes;
        for (size_t token = 0; token < work->tokens; token++) {
            work->result[token * work->result_stride + row] =
                (float)product_of_row(type, weights, work->vectors + token * work->columns, work->columns);
        }
    }
}
