#ifndef KVATLAS_AVX2_BLOCKS_H
#define KVATLAS_AVX2_BLOCKS_H

// Unpacking of GGUF blocks for dequantization; scales for products as well.
//
// Codes of 32 neighbours come as 32 signed bytes in their natural order. A byte
// shuffle then puts each fourth of them at the top of a 32-bit lane, which is a
// signed integer of code · 2^24: one conversion makes it a float, and the scale
// carries the factor 2^-24, which is exact.

#include "../../reference/iq4_levels.h"
#include "../../reference/scalars.h"
#include "avx2_inline.h"

#define KVA_BYTE_FACTOR 0x1p-24f

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// Elements 4·part … 4·part + 3 in the low half and 16 + 4·part … in the high half, times 2^24.
KVA_INLINE __m256 kva_codes_to_floats(__m256i codes, int part) {
    const __m256i places = _mm256_setr_epi8(-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3,  //
                                            -1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3);
    // A negative place stays negative (−1 + 12 would not): add to the top byte of each lane only.
    const __m256i shifted = _mm256_add_epi32(places, _mm256_set1_epi32(part * 4 << 24));
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(codes, shifted));
}

/// Low nibbles of 16 bytes, then their high nibbles.
KVA_INLINE __m256i kva_nibbles(const uint8_t *bytes) {
    const __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
    return _mm256_and_si256(_mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 0, 4, 4)), _mm256_set1_epi8(15));
}

/// 16 in byte i where bit i of `bits` is set.
KVA_INLINE __m256i kva_fifth_bits(uint32_t bits) {
    const __m256i spread = _mm256_shuffle_epi8(
        _mm256_set1_epi32((int)bits), _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                                       2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
    const __m256i select = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, select), select);
    return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

KVA_INLINE float kva_block_half(const uint8_t *bytes) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(kva_load16(bytes))));
}

/// The eight 6-bit scales, in the first eight bytes, and minima of Q4_K and Q5_K.
KVA_INLINE __m128i kva_k_scale_bytes(const uint8_t *block) {
    const uint32_t first = kva_load32(block + 4), second = kva_load32(block + 8), third = kva_load32(block + 12);
    const uint32_t low = 0x3F3F3F3F, nibble = 0x0F0F0F0F, top = 0x30303030;
    const uint64_t scales = (first & low) | (uint64_t)((third & nibble) | (first >> 2 & top)) << 32;
    const uint64_t minima = (second & low) | (uint64_t)((third >> 4 & nibble) | (second >> 2 & top)) << 32;
    return _mm_set_epi64x((int64_t)minima, (int64_t)scales);
}

/// The same as pairs of scale and minimum, in the order of a prepared vector's.
KVA_INLINE __m128i kva_k_scale_pairs(const uint8_t *block) {
    return _mm_shuffle_epi8(kva_k_scale_bytes(block),
                            _mm_setr_epi8(0, 8, 2, 10, 1, 9, 3, 11, 4, 12, 6, 14, 5, 13, 7, 15));
}

/// Scales times d and minima times dmin.
KVA_INLINE void kva_unpack_k_scales(const uint8_t *block, __m256 *scales, __m256 *minima) {
    const __m128i bytes = kva_k_scale_bytes(block);
    const __m256 d = _mm256_set1_ps(kva_block_half(block)), m = _mm256_set1_ps(kva_block_half(block + 2));
    *scales = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)));
    *minima = _mm256_mul_ps(m, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))));
}

/// Codes of sub-block `part` (0…7) of Q4_K; with `high` (which may be null) of Q5_K.
KVA_INLINE __m256i kva_k_codes(const uint8_t *nibbles, const uint8_t *high, int part) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(nibbles + part / 2 * 32));
    if (part % 2) { bytes = _mm256_srli_epi16(bytes, 4); }
    __m256i codes = _mm256_and_si256(bytes, _mm256_set1_epi8(15));
    if (high) {
        const __m256i bits = _mm256_loadu_si256((const __m256i *)high);
        const __m256i moved = part < 4 ? _mm256_slli_epi16(bits, 4 - part) : _mm256_srli_epi16(bits, part - 4);
        codes = _mm256_or_si256(codes, _mm256_and_si256(moved, _mm256_set1_epi8(16)));
    }
    return codes;
}

/// The levels of IQ4 that nibbles stand for.
KVA_INLINE __m256i kva_iq4_values(__m256i nibbles) {
    const __m256i levels = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)kva_iq4_levels));
    return _mm256_shuffle_epi8(levels, nibbles);
}

/// The eight scales of IQ4_XS times d.
KVA_INLINE __m256 kva_iq4_xs_scales(const uint8_t *block) {
    const __m128i bytes = _mm_cvtsi32_si128((int)kva_load32(block + 4));
    const __m128i nibbles =
        _mm_and_si128(_mm_unpacklo_epi8(bytes, _mm_srli_epi16(bytes, 4)), _mm_set1_epi8(15));
    const __m256i tops = _mm256_srlv_epi32(_mm256_set1_epi32((int)((uint32_t)kva_load16(block + 2) << 4)),
                                           _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
    const __m256i codes =
        _mm256_or_si256(_mm256_cvtepu8_epi32(nibbles), _mm256_and_si256(tops, _mm256_set1_epi32(48)));
    return _mm256_mul_ps(_mm256_set1_ps(kva_block_half(block)),
                         _mm256_cvtepi32_ps(_mm256_sub_epi32(codes, _mm256_set1_epi32(32))));
}

/// `low` in the lower four lanes, `high` in the upper four.
KVA_INLINE __m256 kva_two_halves(const float *pair) {
    return _mm256_set_m128(_mm_broadcast_ss(pair + 1), _mm_broadcast_ss(pair));
}

/// Codes, scale and offset of one 32-element block of the plain block types; value = scale·code + offset.
KVA_INLINE __m256i kva_plain_codes(kva_type type, const uint8_t *block, float *scale, float *offset) {
    *scale = kva_block_half(block);
    *offset = 0;
    switch (type) {
        case KVA_Q4_0: return _mm256_sub_epi8(kva_nibbles(block + 2), _mm256_set1_epi8(8));
        case KVA_IQ4_NL: return kva_iq4_values(kva_nibbles(block + 2));
        case KVA_Q4_1: *offset = kva_block_half(block + 2); return kva_nibbles(block + 4);
        case KVA_Q5_0:
            return _mm256_sub_epi8(_mm256_or_si256(kva_nibbles(block + 6), kva_fifth_bits(kva_load32(block + 2))),
                                   _mm256_set1_epi8(16));
        case KVA_Q5_1:
            *offset = kva_block_half(block + 2);
            return _mm256_or_si256(kva_nibbles(block + 8), kva_fifth_bits(kva_load32(block + 4)));
        default: return _mm256_loadu_si256((const __m256i *)(block + 2));
    }
}

#pragma clang attribute pop

#endif
