// Cache types of ggml. Included once by each instruction set, which turns the loops over 32 elements into vectors of its own;
// none may fuse multiplications with additions.
//
// Arithmetic in the order of ggml's quantize_row_*_ref, so that bytes agree. A scale is stored as float16; codes are made
// with what it was before. Loops have no branches.

#include "../reference/iq4_levels.h"

enum { SIZE = 32, HALF = SIZE / 2 };

static void store_half(uint8_t *target, float x) {
    const uint16_t half = kva_float_to_half(x);
    memcpy(target, &half, sizeof half);
}

/// Zero if all 32 are finite, else NaN.
static float poison_of(const float *x) {
    float sums[4] = {0, 0, 0, 0};
    for (int i = 0; i < SIZE; i += 4) {
        for (int j = 0; j < 4; j++) { sums[j] += x[i + j] * 0.0f; }
    }
    return sums[0] + sums[1] + sums[2] + sums[3];
}

static float magnitude(float x) { return kva_float(kva_bits(x) & 0x7FFFFFFF); }

/// The largest |x|: magnitudes have the order of their bits.
static float largest_magnitude(const float *x) {
    uint32_t most[4] = {0, 0, 0, 0};
    for (int i = 0; i < SIZE; i += 4) {
        for (int j = 0; j < 4; j++) {
            const uint32_t bits = kva_bits(x[i + j]) & 0x7FFFFFFF;
            most[j] = bits > most[j] ? bits : most[j];
        }
    }
    for (int j = 1; j < 4; j++) { most[0] = most[j] > most[0] ? most[j] : most[0]; }
    return kva_float(most[0]);
}

/// The first element of largest magnitude, with its sign.
static float largest_signed(const float *x) {
    const float most = largest_magnitude(x);
    for (int i = 0; i < SIZE; i++) {
        if (magnitude(x[i]) == most) { return most == 0 ? 0 : x[i]; }
    }
    return 0;
}

static void range_of(const float *x, float *low, float *high) {
    float least[4], most[4];
    for (int j = 0; j < 4; j++) { least[j] = most[j] = x[j]; }
    for (int i = 4; i < SIZE; i += 4) {
        for (int j = 0; j < 4; j++) {
            least[j] = x[i + j] < least[j] ? x[i + j] : least[j];
            most[j] = x[i + j] > most[j] ? x[i + j] : most[j];
        }
    }
    *low = least[0];
    *high = most[0];
    for (int j = 1; j < 4; j++) {
        *low = least[j] < *low ? least[j] : *low;
        *high = most[j] > *high ? most[j] : *high;
    }
}

/// Towards zero; what no integer can hold gives the least one, as x86 has it. The inverse of a subnormal scale may be
/// infinite.
static int32_t truncated(float x) { return x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN; }

/// Codes ⌊(x − offset)·inverse + bias⌋, at most `top`; what is truncated is never negative.
static void codes_of(const float *x, float offset, float inverse, float bias, int top, int32_t *codes) {
    for (int i = 0; i < SIZE; i++) {
        const int32_t code = truncated((x[i] - offset) * inverse + bias);
        codes[i] = code > top ? top : code;
    }
}

static void store_nibbles(const int32_t *codes, uint8_t *target) {
    for (int i = 0; i < HALF; i++) { target[i] = (uint8_t)((codes[i] & 15) | (codes[HALF + i] & 15) << 4); }
}

static void store_fifth_bits(const int32_t *codes, uint8_t *target) {
    uint32_t bits = 0;
    for (int i = 0; i < SIZE; i++) { bits |= (uint32_t)(codes[i] >> 4 & 1) << i; }
    memcpy(target, &bits, sizeof bits);
}

static float inverse_of(float x) { return x != 0 ? 1.0f / x : 0.0f; }

static void encode_q8_0(const float *x, uint8_t *target) {
    const float scale = largest_magnitude(x) / 127, inverse = inverse_of(scale);
    store_half(target, scale);
    for (int i = 0; i < SIZE; i++) {
        // roundf: a half goes away from zero. Adding almost a half keeps 0.49999997 at zero.
        const float place = x[i] * inverse, half = kva_float((kva_bits(place) & 0x80000000) | 0x3EFFFFFF);
        target[2 + i] = (uint8_t)(int8_t)truncated(place + half);
    }
}

static void encode_symmetric(const float *x, float divisor, int top, int is_five, uint8_t *target) {
    const float scale = largest_signed(x) / divisor, inverse = inverse_of(scale);
    int32_t codes[SIZE];
    codes_of(x, 0, inverse, (float)(top + 1) / 2 + 0.5f, top, codes);
    store_half(target, scale);
    if (is_five) { store_fifth_bits(codes, target + 2); }
    store_nibbles(codes, target + (is_five ? 6 : 2));
}

static void encode_asymmetric(const float *x, int top, int is_five, uint8_t *target) {
    float low, high;
    range_of(x, &low, &high);
    const float scale = (high - low) / (float)top, inverse = inverse_of(scale);
    int32_t codes[SIZE];
    codes_of(x, low, inverse, 0.5f, top, codes);
    store_half(target, scale);
    store_half(target + 2, low);
    if (is_five) { store_fifth_bits(codes, target + 4); }
    store_nibbles(codes, target + (is_five ? 8 : 4));
}

/// Nearest levels, of two as near the upper, as in ggml: how many middles between levels are not above.
static void nearest_levels(const float *x, float factor, int32_t *codes) {
    float middles[15];
    for (int level = 0; level < 15; level++) {
        middles[level] = 0.5f * (float)(kva_iq4_levels[level] + kva_iq4_levels[level + 1]);
    }
    for (int i = 0; i < SIZE; i++) { codes[i] = 0; }
    for (int level = 0; level < 15; level++) {
        for (int i = 0; i < SIZE; i++) { codes[i] += factor * x[i] >= middles[level]; }
    }
}

/// Codes by the largest element's scale, then the scale of least squares with weights x².
static void encode_iq4_nl(const float *x, uint8_t *target) {
    const float most = largest_signed(x);
    int32_t codes[SIZE] = {0};
    if (magnitude(most) < 1e-15f) {
        store_half(target, 0);
        store_nibbles(codes, target + 2);
        return;
    }
    const float inverse = 1 / (most / kva_iq4_levels[0]);
    float products = 0, squares = 0;
    nearest_levels(x, inverse, codes);
    // One after the other: another order of sums would be another scale.
    for (int i = 0; i < SIZE; i++) {
        const float level = kva_iq4_levels[codes[i]], weight = x[i] * x[i];
        products += weight * level * x[i];
        squares += weight * level * level;
    }
    store_half(target, squares > 0 ? products / squares : 0);
    store_nibbles(codes, target + 2);
}

static const size_t block_bytes[6] = {34, 24, 22, 20, 18, 18};

static void encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target) {
    for (size_t block = 0; block < blocks; block++, x += SIZE, target += block_bytes[type]) {
        const float poison = poison_of(x);
        if (poison != 0) {
            memset(target, 0, block_bytes[type]);
            store_half(target, poison);
            continue;
        }
        switch (type) {
            case KVA_BLOCK_Q8_0: encode_q8_0(x, target); break;
            case KVA_BLOCK_Q5_1: encode_asymmetric(x, 31, 1, target); break;
            case KVA_BLOCK_Q5_0: encode_symmetric(x, -16, 31, 1, target); break;
            case KVA_BLOCK_Q4_1: encode_asymmetric(x, 15, 0, target); break;
            case KVA_BLOCK_Q4_0: encode_symmetric(x, -8, 15, 0, target); break;
            case KVA_BLOCK_IQ4_NL: encode_iq4_nl(x, target); break;
        }
    }
}
