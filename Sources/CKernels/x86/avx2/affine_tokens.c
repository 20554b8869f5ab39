#if defined(__x86_64__)

#include "affine.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Groups of tokens: eight neighbouring channels lie in the lanes, so that extremes,
// scales and the packing of words need no work across lanes.

/// Codes that share one word, and the bytes of that word.
KVA_INLINE size_t codes_per_word(unsigned bits) { return bits == 3 ? 8 : 32 / bits; }
KVA_INLINE size_t bytes_per_word(unsigned bits) { return bits == 3 ? 3 : 4; }

/// Whether every group begins on a word.
static int groups_are_aligned(const kva_affine_shape *shape) {
    return shape->groups_per_row < 2 || shape->group_size % codes_per_word(shape->bits) == 0;
}

KVA_INLINE void quantize_8_channels(const uint16_t *x, const kva_affine_shape *shape, unsigned bits, size_t channel,
                                    uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    for (size_t group = 0; group < shape->groups_per_row; group++) {
        const size_t count = kva_group_length(shape->tokens, shape->group_size, group);
        const uint16_t *source = x + group * shape->group_size * shape->token_stride + channel;
        __m256 minimum = _mm256_set1_ps(INFINITY), maximum = _mm256_set1_ps(-INFINITY), poison = _mm256_setzero_ps();
        for (size_t token = 0; token < count; token++) {
            const __m256 values = kva_load_halves(source + token * shape->token_stride);
            minimum = _mm256_min_ps(values, minimum);
            maximum = _mm256_max_ps(values, maximum);
            poison = _mm256_fmadd_ps(values, _mm256_setzero_ps(), poison);
        }
        const kva_affine affine = kva_affine_from(minimum, maximum, poison, bits);
        uint16_t scale_bits[8], minimum_bits[8];
        _mm_storeu_si128((__m128i *)scale_bits, affine.scale_bits);
        _mm_storeu_si128((__m128i *)minimum_bits, affine.minimum_bits);
        for (size_t j = 0; j < 8; j++) {
            scales[(channel + j) * shape->groups_per_row + group] = scale_bits[j];
            minima[(channel + j) * shape->groups_per_row + group] = minimum_bits[j];
        }
        uint8_t *target = codes + channel * shape->row_bytes + group * shape->group_size * bits / 8;
        for (size_t first = 0; first < count; first += codes_per_word(bits)) {
            const size_t rest = count - first, here = rest < codes_per_word(bits) ? rest : codes_per_word(bits);
            __m256i word = _mm256_setzero_si256();
            for (size_t j = 0; j < here; j++) {
                const __m256 values = kva_load_halves(source + (first + j) * shape->token_stride);
                const __m256i code = kva_affine_codes(&affine, values);
                word = _mm256_or_si256(word, _mm256_sll_epi32(code, _mm_cvtsi32_si128((int)(bits * j))));
            }
            uint32_t words[8];
            _mm256_storeu_si256((__m256i *)words, word);
            uint8_t *place = target + first / codes_per_word(bits) * bytes_per_word(bits);
            if (here == codes_per_word(bits)) {
                for (size_t j = 0; j < 8; j++) { memcpy(place + j * shape->row_bytes, &words[j], bytes_per_word(bits)); }
            } else {
                for (size_t j = 0; j < 8; j++) { memcpy(place + j * shape->row_bytes, &words[j], (here * bits + 7) / 8); }
            }
        }
    }
}

void kva_avx2_quantize_token_groups(const uint16_t *x, const kva_affine_shape *shape, size_t first_channel,
                                    size_t channel_count, uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    const size_t whole = groups_are_aligned(shape) ? channel_count / 8 * 8 : 0;
    for (size_t channel = first_channel; channel < first_channel + whole; channel += 8) {
        switch (shape->bits) {
            case 1: quantize_8_channels(x, shape, 1, channel, codes, scales, minima); break;
            case 2: quantize_8_channels(x, shape, 2, channel, codes, scales, minima); break;
            case 3: quantize_8_channels(x, shape, 3, channel, codes, scales, minima); break;
            case 4: quantize_8_channels(x, shape, 4, channel, codes, scales, minima); break;
            default: quantize_8_channels(x, shape, 8, channel, codes, scales, minima); break;
        }
    }
    kva_reference_quantize_token_groups(x, shape, first_channel + whole, channel_count - whole, codes, scales, minima);
}

KVA_INLINE void dequantize_8_channels(const kva_affine_shape *shape, unsigned bits, size_t channel, const uint8_t *codes,
                                      const uint16_t *scales, const uint16_t *minima, float *x) {
    for (size_t group = 0; group < shape->groups_per_row; group++) {
        const size_t count = kva_group_length(shape->tokens, shape->group_size, group);
        uint16_t scale_bits[8], minimum_bits[8];
        for (size_t j = 0; j < 8; j++) {
            scale_bits[j] = scales[(channel + j) * shape->groups_per_row + group];
            minimum_bits[j] = minima[(channel + j) * shape->groups_per_row + group];
        }
        const __m256 scale = kva_load_halves(scale_bits), minimum = kva_load_halves(minimum_bits);
        const uint8_t *source = codes + channel * shape->row_bytes + group * shape->group_size * bits / 8;
        float *target = x + group * shape->group_size * shape->token_stride + channel;
        const __m256i mask = _mm256_set1_epi32((int)((1u << bits) - 1));
        for (size_t first = 0; first < count; first += codes_per_word(bits)) {
            const size_t rest = count - first, here = rest < codes_per_word(bits) ? rest : codes_per_word(bits);
            const uint8_t *place = source + first / codes_per_word(bits) * bytes_per_word(bits);
            uint32_t words[8] = {0};
            if (here == codes_per_word(bits)) {
                for (size_t j = 0; j < 8; j++) { memcpy(&words[j], place + j * shape->row_bytes, bytes_per_word(bits)); }
            } else {
                for (size_t j = 0; j < 8; j++) { memcpy(&words[j], place + j * shape->row_bytes, (here * bits + 7) / 8); }
            }
            __m256i word = _mm256_loadu_si256((const __m256i *)words);
            for (size_t j = 0; j < here; j++) {
                const __m256 code = _mm256_cvtepi32_ps(_mm256_and_si256(word, mask));
                _mm256_storeu_ps(target + (first + j) * shape->token_stride, _mm256_fmadd_ps(scale, code, minimum));
                word = _mm256_srli_epi32(word, (int)bits);
            }
        }
    }
}

void kva_avx2_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                      const uint8_t *codes, const uint16_t *scales, const uint16_t *minima, float *x) {
    const size_t whole = groups_are_aligned(shape) ? channel_count / 8 * 8 : 0;
    for (size_t channel = first_channel; channel < first_channel + whole; channel += 8) {
        switch (shape->bits) {
            case 1: dequantize_8_channels(shape, 1, channel, codes, scales, minima, x); break;
            case 2: dequantize_8_channels(shape, 2, channel, codes, scales, minima, x); break;
            case 3: dequantize_8_channels(shape, 3, channel, codes, scales, minima, x); break;
            case 4: dequantize_8_channels(shape, 4, channel, codes, scales, minima, x); break;
            default: dequantize_8_channels(shape, 8, channel, codes, scales, minima, x); break;
        }
    }
    kva_reference_dequantize_token_groups(shape, first_channel + whole, channel_count - whole, codes, scales, minima, x);
}

#pragma clang attribute pop

#endif
