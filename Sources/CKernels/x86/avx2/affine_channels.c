#if defined(__x86_64__)

#include "affine.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Groups of channels: the neighbours of one token lie in the lanes. Groups that
// are whole numbers of 8 elements, so that 8 codes fill whole bytes, run here; others, and a
// shorter last group, in the reference.

/// Codes of 32 elements as bytes in order.
KVA_INLINE __m256i codes_32(const kva_affine *affine, const uint16_t *x) {
    const __m256i a = kva_affine_codes(affine, kva_load_halves(x));
    const __m256i b = kva_affine_codes(affine, kva_load_halves(x + 8));
    const __m256i c = kva_affine_codes(affine, kva_load_halves(x + 16));
    const __m256i d = kva_affine_codes(affine, kva_load_halves(x + 24));
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// 32 codes of 2 bits as 8 bytes.
KVA_INLINE void store_2_bits(__m256i codes, uint8_t *target) {
    const __m256i pairs = _mm256_maddubs_epi16(codes, _mm256_set1_epi16(0x0401));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00100001));
    const __m256i bytes = _mm256_shuffle_epi8(
        fours, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const uint32_t low = (uint32_t)_mm256_extract_epi32(bytes, 0), high = (uint32_t)_mm256_extract_epi32(bytes, 4);
    memcpy(target, &low, 4);
    memcpy(target + 4, &high, 4);
}

/// 32 codes of 4 bits as 16 bytes.
KVA_INLINE void store_4_bits(__m256i codes, uint8_t *target) {
    const __m256i pairs = _mm256_maddubs_epi16(codes, _mm256_set1_epi16(0x1001));
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    _mm_storeu_si128((__m128i *)target, bytes);
}

/// 8 codes as `bits` bytes.
KVA_INLINE void store_8_codes(__m256i codes, unsigned bits, uint8_t *target) {
    if (bits == 8) {
        const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
        const uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
        memcpy(target, &bytes, sizeof bytes);
        return;
    }
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i moved = _mm256_sllv_epi32(codes, _mm256_mullo_epi32(lane, _mm256_set1_epi32((int)bits)));
    __m128i word = _mm_or_si128(_mm256_castsi256_si128(moved), _mm256_extracti128_si256(moved, 1));
    word = _mm_or_si128(word, _mm_unpackhi_epi64(word, word));
    word = _mm_or_si128(word, _mm_srli_epi64(word, 32));
    const uint32_t bytes = (uint32_t)_mm_cvtsi128_si32(word);
    memcpy(target, &bytes, bits);
}

/// One group of a multiple of 8 elements.
KVA_INLINE void quantize_group(const uint16_t *x, size_t count, unsigned bits, uint8_t *target, uint16_t *scale_bits,
                               uint16_t *minimum_bits) {
    __m256 minimum = _mm256_set1_ps(INFINITY), maximum = _mm256_set1_ps(-INFINITY), poison = _mm256_setzero_ps();
    for (size_t i = 0; i < count; i += 8) {
        const __m256 values = kva_load_halves(x + i);
        minimum = _mm256_min_ps(values, minimum);
        maximum = _mm256_max_ps(values, maximum);
        poison = _mm256_fmadd_ps(values, _mm256_setzero_ps(), poison);
    }
    const kva_affine affine =
        kva_affine_from(_mm256_set1_ps(kva_horizontal_minimum(minimum)), _mm256_set1_ps(kva_horizontal_maximum(maximum)),
                        _mm256_set1_ps(kva_horizontal_sum(poison)), bits);
    *scale_bits = (uint16_t)_mm_extract_epi16(affine.scale_bits, 0);
    *minimum_bits = (uint16_t)_mm_extract_epi16(affine.minimum_bits, 0);
    size_t i = 0;
    if (bits == 2 || bits == 4) {
        for (; i + 32 <= count; i += 32) {
            if (bits == 2) {
                store_2_bits(codes_32(&affine, x + i), target + i / 4);
            } else {
                store_4_bits(codes_32(&affine, x + i), target + i / 2);
            }
        }
    }
    for (; i < count; i += 8) {
        store_8_codes(kva_affine_codes(&affine, kva_load_halves(x + i)), bits, target + i / 8 * bits);
    }
}

KVA_INLINE void quantize_rows(const uint16_t *x, const kva_affine_shape *shape, unsigned bits, size_t first_token,
                              size_t token_count, uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    for (size_t token = first_token; token < first_token + token_count; token++) {
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = token * shape->groups_per_row + group;
            const size_t count = kva_group_length(shape->channels, shape->group_size, group);
            const uint16_t *source = x + token * shape->token_stride + first;
            uint8_t *target = codes + token * shape->row_bytes + first * bits / 8;
            if (count % 8 == 0) {
                quantize_group(source, count, bits, target, &scales[index], &minima[index]);
            } else {
                memset(target, 0, (count * bits + 7) / 8);
                kva_reference_quantize_group(source, 1, count, bits, target, 0, &scales[index], &minima[index]);
            }
        }
    }
}

/// Whether every group begins on a whole byte, and so does every eighth element of it.
static int groups_are_aligned(const kva_affine_shape *shape) {
    return shape->groups_per_row < 2 || shape->group_size % 8 == 0;
}

void kva_avx2_quantize_channel_groups(const uint16_t *x, const kva_affine_shape *shape, size_t first_token,
                                      size_t token_count, uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    if (!groups_are_aligned(shape)) {
        kva_reference_quantize_channel_groups(x, shape, first_token, token_count, codes, scales, minima);
        return;
    }
    switch (shape->bits) {
        case 1: quantize_rows(x, shape, 1, first_token, token_count, codes, scales, minima); break;
        case 2: quantize_rows(x, shape, 2, first_token, token_count, codes, scales, minima); break;
        case 3: quantize_rows(x, shape, 3, first_token, token_count, codes, scales, minima); break;
        case 4: quantize_rows(x, shape, 4, first_token, token_count, codes, scales, minima); break;
        default: quantize_rows(x, shape, 8, first_token, token_count, codes, scales, minima); break;
    }
}

/// 8 codes from `bits` bytes.
KVA_INLINE __m256i load_8_codes(const uint8_t *source, unsigned bits) {
    if (bits == 8) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)source)); }
    uint32_t word = 0;
    memcpy(&word, source, bits);
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i places = _mm256_mullo_epi32(lane, _mm256_set1_epi32((int)bits));
    const __m256i moved = _mm256_srlv_epi32(_mm256_set1_epi32((int)word), places);
    return _mm256_and_si256(moved, _mm256_set1_epi32((int)((1u << bits) - 1)));
}

KVA_INLINE void dequantize_rows(const kva_affine_shape *shape, unsigned bits, size_t first_token, size_t token_count,
                                const uint8_t *codes, const uint16_t *scales, const uint16_t *minima, float *x) {
    for (size_t token = first_token; token < first_token + token_count; token++) {
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = token * shape->groups_per_row + group;
            const size_t count = kva_group_length(shape->channels, shape->group_size, group), whole = count / 8 * 8;
            const uint8_t *source = codes + token * shape->row_bytes + first * bits / 8;
            float *target = x + token * shape->token_stride + first;
            const __m256 scale = _mm256_cvtph_ps(_mm_set1_epi16((short)scales[index]));
            const __m256 minimum = _mm256_cvtph_ps(_mm_set1_epi16((short)minima[index]));
            for (size_t i = 0; i < whole; i += 8) {
                const __m256 code = _mm256_cvtepi32_ps(load_8_codes(source + i / 8 * bits, bits));
                _mm256_storeu_ps(target + i, _mm256_fmadd_ps(scale, code, minimum));
            }
            kva_reference_dequantize_group(source, whole * bits, bits, scales[index], minima[index], target + whole, 1,
                                           count - whole);
        }
    }
}

void kva_avx2_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const uint16_t *scales, const uint16_t *minima, float *x) {
    if (!groups_are_aligned(shape)) {
        kva_reference_dequantize_channel_groups(shape, first_token, token_count, codes, scales, minima, x);
        return;
    }
    switch (shape->bits) {
        case 1: dequantize_rows(shape, 1, first_token, token_count, codes, scales, minima, x); break;
        case 2: dequantize_rows(shape, 2, first_token, token_count, codes, scales, minima, x); break;
        case 3: dequantize_rows(shape, 3, first_token, token_count, codes, scales, minima, x); break;
        case 4: dequantize_rows(shape, 4, first_token, token_count, codes, scales, minima, x); break;
        default: dequantize_rows(shape, 8, first_token, token_count, codes, scales, minima, x); break;
    }
}

#pragma clang attribute pop

#endif
