#if defined(__x86_64__)

#include "products.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL: blocks of 32 elements, taken by fours. All but Q8_0 fit two loads, from which
// one shuffle of words each picks the nibbles, the scales and the fifth bits.

typedef short words_32 __attribute__((vector_size(64)));

/// What differs between the types, known to the compiler.
typedef struct {
    /// Of a block, and where its fifth bits (0: none) and its nibbles begin; words of two bytes.
    int words, fifth_bits, nibbles;
    /// Subtracted from codes; with 0 the second word of a block is an offset.
    int bias;
    /// Nibbles stand for signed bytes.
    int has_levels;
} plain_type;

/// The blocks of one step in two overlapping loads of 32 words, the second of which ends with the fourth block.
typedef struct {
    __m512i first, second;
} four_blocks;

KVA_INLINE four_blocks load_blocks(plain_type type, const uint8_t *blocks, size_t count) {
    const int words = type.words;
    const uint8_t *second = blocks + 8 * words - 64;
    if (count >= 4) { return (four_blocks){_mm512_loadu_si512(blocks), _mm512_loadu_si512(second)}; }
    const uint64_t present = (1ull << (int)count * words) - 1;
    return (four_blocks){_mm512_maskz_loadu_epi16((__mmask32)present, blocks),
                         _mm512_maskz_loadu_epi16((__mmask32)(present >> (4 * words - 32)), second)};
}

/// Index of a word of a block for `_mm512_permutex2var_epi16` of the two loads.
KVA_INLINE short word_at(plain_type type, int block, int word) {
    const int place = block * type.words + word;
    return (short)(place < 32 ? place : place - 4 * type.words + 64);
}

// The indices are initializers, since those become constants and a loop that fills a vector does not.
#define EIGHT_WORDS(type, block, first)                                                                        \
    word_at(type, block, first), word_at(type, block, (first) + 1), word_at(type, block, (first) + 2),         \
        word_at(type, block, (first) + 3), word_at(type, block, (first) + 4), word_at(type, block, (first) + 5), \
        word_at(type, block, (first) + 6), word_at(type, block, (first) + 7)

KVA_INLINE __m512i pick(four_blocks blocks, words_32 places) {
    return _mm512_permutex2var_epi16(blocks.first, (__m512i)places, blocks.second);
}

/// Scale and offset, for types without one the scale twice, of blocks 0, 2, 1, 3.
KVA_INLINE __m256 scales_of(plain_type type, four_blocks blocks) {
    const int offset = type.bias || type.has_levels ? 0 : 1;
    const words_32 places = {word_at(type, 0, 0), word_at(type, 0, offset), word_at(type, 2, 0),
                             word_at(type, 2, offset), word_at(type, 1, 0), word_at(type, 1, offset),
                             word_at(type, 3, 0), word_at(type, 3, offset)};
    return _mm256_cvtph_ps(_mm512_castsi512_si128(pick(blocks, places)));
}

KVA_INLINE void codes_of(plain_type type, four_blocks blocks, __m512i *a, __m512i *b) {
    const words_32 places = {EIGHT_WORDS(type, 0, type.nibbles), EIGHT_WORDS(type, 1, type.nibbles),
                             EIGHT_WORDS(type, 2, type.nibbles), EIGHT_WORDS(type, 3, type.nibbles)};
    const __m512i nibbles = pick(blocks, places);
    *a = _mm512_and_si512(nibbles, _mm512_set1_epi8(15));
    *b = _mm512_and_si512(_mm512_srli_epi16(nibbles, 4), _mm512_set1_epi8(15));
    if (type.has_levels) {
        const __m512i levels = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)kva_iq4_levels));
        *a = _mm512_shuffle_epi8(levels, *a);
        *b = _mm512_shuffle_epi8(levels, *b);
    }
    if (type.fifth_bits) {
        const int low = type.fifth_bits, high = low + 1;
        const words_32 bits = {word_at(type, 0, low),  word_at(type, 1, low),  word_at(type, 2, low),
                               word_at(type, 3, low),  word_at(type, 0, high), word_at(type, 1, high),
                               word_at(type, 2, high), word_at(type, 3, high)};
        const __m128i masks = _mm512_castsi512_si128(pick(blocks, bits));
        const __m512i sixteen = _mm512_set1_epi8(16);
        *a = _mm512_mask_add_epi8(*a, _cvtu64_mask64((uint64_t)_mm_cvtsi128_si64(masks)), *a, sixteen);
        *b = _mm512_mask_add_epi8(*b, _cvtu64_mask64((uint64_t)_mm_extract_epi64(masks, 1)), *b, sixteen);
    }
}

KVA_INLINE void gemv_nibbles(plain_type type, size_t tokens, const kva_gemv *work) {
    const size_t blocks = work->columns / 32, bytes = 2 * (size_t)type.words;
    kva_prepared_places x[4];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m512 totals[4];
        __m256 pairs[4];
        for (size_t t = 0; t < tokens; t++) {
            totals[t] = _mm512_setzero_ps();
            pairs[t] = _mm256_setzero_ps();
        }
        for (size_t i = 0; i < blocks; i += 4, source += 4 * bytes) {
            const four_blocks here = load_blocks(type, source, blocks - i);
            kva_prefetch(source, KVA_PREFETCH_DISTANCE, 4 * bytes);
            const __m256 scales = scales_of(type, here);
            __m512i a, b;
            codes_of(type, here, &a, &b);
            for (size_t t = 0; t < tokens; t++) {
                const int8_t *digits = x[t].digits + 96 * i;
                const __m512 products = _mm512_cvtepi32_ps(
                    type.has_levels ? kva_signed_product_128(a, b, digits) : kva_product_128(a, b, digits));
                const __m256 pair = _mm256_mul_ps(scales, _mm256_loadu_ps(x[t].pairs + 2 * i));
                pairs[t] = _mm256_add_ps(pairs[t], pair);
                const __m512 factors = _mm512_permutexvar_ps(kva_spread_scales(), _mm512_castps256_ps512(pair));
                totals[t] = _mm512_fmadd_ps(products, factors, totals[t]);
            }
        }
        const float factor = type.has_levels ? 0 : type.bias ? (float)-type.bias : 1;
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] =
                kva_finish(totals[t], _mm512_zextps256_ps512(pairs[t]), factor);
        }
    }
}

// MARK: - Q8_0

KVA_INLINE __m256i bytes_32(const uint8_t *block) { return _mm256_loadu_si256((const __m256i *)(block + 2)); }

/// Codes of `count` (at least 1) blocks of four, the absent ones 0.
KVA_INLINE void q8_0_codes(const uint8_t *blocks, size_t count, __m512i *a, __m512i *b) {
    const __m256i none = _mm256_setzero_si256();
    const __m512i low = _mm512_inserti64x4(_mm512_castsi256_si512(bytes_32(blocks)),
                                           count > 1 ? bytes_32(blocks + 34) : none, 1);
    const __m512i high = _mm512_inserti64x4(_mm512_castsi256_si512(count > 2 ? bytes_32(blocks + 68) : none),
                                            count > 3 ? bytes_32(blocks + 102) : none, 1);
    *a = _mm512_shuffle_i64x2(low, high, 0x88);
    *b = _mm512_shuffle_i64x2(low, high, 0xDD);
}

/// Scales of blocks 0, 2, 1, 3, each twice.
KVA_INLINE __m256 q8_0_scales(const uint8_t *blocks, size_t count) {
    uint64_t halves = kva_load16(blocks);
    if (count > 2) { halves |= (uint64_t)kva_load16(blocks + 68) << 16; }
    if (count > 1) { halves |= (uint64_t)kva_load16(blocks + 34) << 32; }
    if (count > 3) { halves |= (uint64_t)kva_load16(blocks + 102) << 48; }
    const __m128i each = _mm_cvtsi64_si128((int64_t)halves);
    return _mm256_cvtph_ps(_mm_unpacklo_epi16(each, each));
}

KVA_INLINE void gemv_q8_0(size_t tokens, const kva_gemv *work) {
    const size_t blocks = work->columns / 32;
    kva_prepared_places x[4];
    for (size_t t = 0; t < tokens; t++) { x[t] = kva_places_of_token(work->prepared, work->columns, t); }
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m512 totals[4];
        for (size_t t = 0; t < tokens; t++) { totals[t] = _mm512_setzero_ps(); }
        for (size_t i = 0; i < blocks; i += 4, source += 136) {
            __m512i a, b;
            __m256 scales;
            kva_prefetch(source, KVA_PREFETCH_DISTANCE, 136);
            if (blocks - i >= 4) {
                q8_0_codes(source, 4, &a, &b);
                scales = q8_0_scales(source, 4);
            } else {
                q8_0_codes(source, blocks - i, &a, &b);
                scales = q8_0_scales(source, blocks - i);
            }
            for (size_t t = 0; t < tokens; t++) {
                const __m512 products = _mm512_cvtepi32_ps(kva_signed_product_128(a, b, x[t].digits + 96 * i));
                const __m256 pair = _mm256_mul_ps(scales, _mm256_loadu_ps(x[t].pairs + 2 * i));
                const __m512 factors = _mm512_permutexvar_ps(kva_spread_scales(), _mm512_castps256_ps512(pair));
                totals[t] = _mm512_fmadd_ps(products, factors, totals[t]);
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_finish(totals[t], _mm512_setzero_ps(), 0);
        }
    }
}

// MARK: -

KVA_INLINE void gemv_tokens(kva_type type, size_t tokens, const kva_gemv *work) {
    switch (type) {
        case KVA_Q4_0: gemv_nibbles((plain_type){9, 0, 1, 8, 0}, tokens, work); break;
        case KVA_Q4_1: gemv_nibbles((plain_type){10, 0, 2, 0, 0}, tokens, work); break;
        case KVA_Q5_0: gemv_nibbles((plain_type){11, 1, 3, 16, 0}, tokens, work); break;
        case KVA_Q5_1: gemv_nibbles((plain_type){12, 2, 4, 0, 0}, tokens, work); break;
        case KVA_IQ4_NL: gemv_nibbles((plain_type){9, 0, 1, 0, 1}, tokens, work); break;
        default: gemv_q8_0(tokens, work);
    }
}

void kva_avx512_gemv_plain(kva_type type, const kva_gemv *work) {
    switch (work->tokens) {
        case 1: gemv_tokens(type, 1, work); break;
        case 2: gemv_tokens(type, 2, work); break;
        default: gemv_tokens(type, 4, work);
    }
}

#pragma clang attribute pop

#endif
