#if defined(__x86_64__)

#include "products.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL: blocks of 32 elements, taken by fours.

/// What differs between the types, known to the compiler.
typedef struct {
    /// Bytes of a block, and where its fifth bits (0: none) and its codes begin.
    size_t bytes, fifth_bits, codes;
    /// Subtracted from codes; with 0 there is an offset behind the scale.
    int bias;
    /// Codes are signed bytes; or nibbles that stand for such.
    int has_bytes, has_levels;
} plain_type;

KVA_INLINE int is_signed(plain_type type) { return type.has_bytes || type.has_levels; }

KVA_INLINE __m256i load_both(const uint8_t *first, const uint8_t *second) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)first)),
                                   _mm_loadu_si128((const __m128i *)second), 1);
}

/// 16 in the bytes of a lane whose bit is set among the 16 bits at `byte` (0 or 2) of the lane's `bits`.
KVA_INLINE __m256i fifth_bits(__m256i bits, char byte) {
    const __m256i places = _mm256_set_epi64x(0x0101010101010101, 0, 0x0101010101010101, 0);
    const __m256i spread = _mm256_shuffle_epi8(bits, _mm256_add_epi8(places, _mm256_set1_epi8(byte)));
    const __m256i select = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, select), select);
    return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

/// Codes of two blocks: their first 16 elements, their last 16.
KVA_INLINE void codes_of(plain_type type, const uint8_t *first, const uint8_t *second, __m256i *a, __m256i *b) {
    const __m256i bytes = load_both(first + type.codes, second + type.codes);
    if (type.has_bytes) {
        *a = bytes;
        *b = load_both(first + type.codes + 16, second + type.codes + 16);
        return;
    }
    *a = _mm256_and_si256(bytes, _mm256_set1_epi8(15));
    *b = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    if (type.has_levels) {
        *a = kva_iq4_values(*a);
        *b = kva_iq4_values(*b);
    }
    if (type.fifth_bits) {
        const __m256i bits = _mm256_blend_epi32(_mm256_set1_epi32((int)kva_load32(first + type.fifth_bits)),
                                                _mm256_set1_epi32((int)kva_load32(second + type.fifth_bits)), 0xF0);
        *a = _mm256_or_si256(*a, fifth_bits(bits, 0));
        *b = _mm256_or_si256(*b, fifth_bits(bits, 2));
    }
}

/// Scale and offset, for types without one the scale twice, of blocks 0, 2, 1, 3.
KVA_INLINE __m256 scales_of(plain_type type, const uint8_t *const blocks[4]) {
    if (type.bias || is_signed(type)) {
        const uint64_t halves = kva_load16(blocks[0]) | (uint64_t)kva_load16(blocks[2]) << 16 |
                                (uint64_t)kva_load16(blocks[1]) << 32 | (uint64_t)kva_load16(blocks[3]) << 48;
        const __m128i each = _mm_cvtsi64_si128((int64_t)halves);
        return _mm256_cvtph_ps(_mm_unpacklo_epi16(each, each));
    }
    return _mm256_cvtph_ps(_mm_setr_epi32((int)kva_load32(blocks[0]), (int)kva_load32(blocks[2]),
                                          (int)kva_load32(blocks[1]), (int)kva_load32(blocks[3])));
}

KVA_INLINE __m256 products_of(plain_type type, __m256i a, __m256i b, const int8_t *digits) {
    const __m256i sums = is_signed(type) ? _mm256_add_epi32(kva_signed_product_32(a, digits),
                                                            kva_signed_product_32(b, digits + 64))
                                         : kva_product_64(a, b, digits);
    return _mm256_cvtepi32_ps(sums);
}

/// Adds the products of four blocks, `first` the number of the first.
KVA_INLINE void add_blocks(plain_type type, const uint8_t *const blocks[4], size_t first, size_t tokens,
                           const kva_prepared_places x[2], __m256 totals[4], __m256 pairs[4]) {
    const __m256 scales = scales_of(type, blocks);
    __m256 pair[2];
    for (size_t t = 0; t < tokens; t++) {
        pair[t] = _mm256_mul_ps(scales, _mm256_loadu_ps(x[t].pairs + 2 * first));
        pairs[t] = _mm256_add_ps(pairs[t], pair[t]);
    }
    __m256i a, b;
    codes_of(type, blocks[0], blocks[1], &a, &b);
    for (size_t t = 0; t < tokens; t++) {
        const __m256 products = products_of(type, a, b, x[t].digits + 96 * first);
        totals[t] = _mm256_fmadd_ps(products, _mm256_permute_ps(pair[t], 0x00), totals[t]);
    }
    codes_of(type, blocks[2], blocks[3], &a, &b);
    for (size_t t = 0; t < tokens; t++) {
        const __m256 products = products_of(type, a, b, x[t].digits + 96 * first + 32);
        totals[t] = _mm256_fmadd_ps(products, _mm256_permute_ps(pair[t], 0xAA), totals[t]);
    }
}

KVA_INLINE void gemv_type(plain_type type, size_t tokens, const kva_gemv *work) {
    const size_t blocks = work->columns / 32;
    kva_prepared_places x[2];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m256 totals[2], pairs[2];
        for (size_t t = 0; t < tokens; t++) { totals[t] = pairs[t] = _mm256_setzero_ps(); }
        size_t i = 0;
        for (; i + 4 <= blocks; i += 4, source += 4 * type.bytes) {
            kva_prefetch(source, KVA_PREFETCH_DISTANCE, 4 * type.bytes);
            const uint8_t *const all[4] = {source, source + type.bytes, source + 2 * type.bytes,
                                           source + 3 * type.bytes};
            add_blocks(type, all, i, tokens, x, totals, pairs);
        }
        if (i < blocks) {
            // The first block stands in for absent ones, whose digits and sums are 0.
            const size_t second = blocks - i > 1 ? type.bytes : 0, third = blocks - i > 2 ? 2 * type.bytes : 0;
            const uint8_t *const last[4] = {source, source + second, source + third, source};
            add_blocks(type, last, i, tokens, x, totals, pairs);
        }
        const float factor = is_signed(type) ? 0 : type.bias ? (float)-type.bias : 1;
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_finish(totals[t], pairs[t], factor);
        }
    }
}

KVA_INLINE void gemv_tokens(kva_type type, size_t tokens, const kva_gemv *work) {
    switch (type) {
        case KVA_Q4_0: gemv_type((plain_type){18, 0, 2, 8, 0, 0}, tokens, work); break;
        case KVA_Q4_1: gemv_type((plain_type){20, 0, 4, 0, 0, 0}, tokens, work); break;
        case KVA_Q5_0: gemv_type((plain_type){22, 2, 6, 16, 0, 0}, tokens, work); break;
        case KVA_Q5_1: gemv_type((plain_type){24, 4, 8, 0, 0, 0}, tokens, work); break;
        case KVA_IQ4_NL: gemv_type((plain_type){18, 0, 2, 0, 0, 1}, tokens, work); break;
        default: gemv_type((plain_type){34, 0, 2, 0, 1, 0}, tokens, work);
    }
}

void kva_avx2_gemv_plain(kva_type type, const kva_gemv *work) {
    work->tokens == 1 ? gemv_tokens(type, 1, work) : gemv_tokens(type, 2, work);
}

#pragma clang attribute pop

#endif
