#if defined(__x86_64__)

#include <math.h>

#include "avx2_inline.h"
#include "../../reference/reference.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

enum { LANES = 16, MOST_TOKENS = 32767 };

/// float16 magnitudes are compared as integers, whose order is theirs: at least the threshold's bits rounded up.
static int16_t bits_at_least(float threshold) {
    const __m128i bits = _mm_cvtps_ph(_mm_set_ss(threshold), _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    return (int16_t)_mm_extract_epi16(bits, 0);
}

/// 16 channels of at most 32,767 tokens, whose counts fit 16 bits.
static void count_16(const kva_magnitude_count *count, const uint16_t *first, uint32_t *counts) {
    const __m256i magnitude = _mm256_set1_epi16(INT16_MAX), infinity = _mm256_set1_epi16(0x7c00);
    __m256i below[KVA_MAGNITUDES], sums[KVA_MAGNITUDES];
    for (size_t k = 0; k < KVA_MAGNITUDES; k++) {
        below[k] = _mm256_set1_epi16((int16_t)(bits_at_least(count->thresholds[k]) - 1));
        sums[k] = _mm256_setzero_si256();
    }
    for (size_t token = 0; token < count->tokens; token++) {
        const __m256i bits = _mm256_loadu_si256((const __m256i *)(first + token * count->token_stride));
        const __m256i x = _mm256_and_si256(bits, magnitude), finite = _mm256_cmpgt_epi16(infinity, x);
        for (size_t k = 0; k < KVA_MAGNITUDES; k++) {
            // A mask is −1 where it holds.
            sums[k] = _mm256_sub_epi16(sums[k], _mm256_and_si256(finite, _mm256_cmpgt_epi16(x, below[k])));
        }
    }
    for (size_t k = 0; k < KVA_MAGNITUDES; k++) {
        uint16_t lanes[LANES];
        _mm256_storeu_si256((__m256i *)lanes, sums[k]);
        for (size_t j = 0; j < LANES; j++) { counts[j * KVA_MAGNITUDES + k] += lanes[j]; }
    }
}

void kva_avx2_count_magnitudes(const kva_magnitude_count *count) {
    size_t channel = 0;
    if (count->is_half && count->tokens <= MOST_TOKENS) {
        for (; channel + LANES <= count->channels; channel += LANES) {
            count_16(count, (const uint16_t *)count->elements + channel, count->counts + channel * KVA_MAGNITUDES);
        }
    }
    if (channel == count->channels) { return; }
    kva_magnitude_count rest = *count;
    rest.elements = (const char *)count->elements + channel * (count->is_half ? 2 : 4);
    rest.channels = count->channels - channel;
    rest.counts = count->counts + channel * KVA_MAGNITUDES;
    kva_reference_count_magnitudes(&rest);
}

#pragma clang attribute pop

#endif
