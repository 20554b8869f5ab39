#if defined(__x86_64__)

#include "../../reference/prepared.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

KVA_INLINE uint32_t largest_magnitude(const float *x) {
    const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        // As integers, so that NaN is larger than all numbers.
        const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(x + 8 * i));
        most = _mm256_max_epu32(most, _mm256_and_si256(bits, mask));
    }
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(four, _mm_shuffle_epi32(four, 0xB1)));
}

/// The bottom digit of a whole number, −64…63; what remains of the number, divided by 128, in its place.
KVA_INLINE __m256i split_digit(__m256i *number) {
    const __m256i shifted = _mm256_add_epi32(*number, _mm256_set1_epi32(64));
    *number = _mm256_srai_epi32(shifted, 7);
    return _mm256_sub_epi32(_mm256_and_si256(shifted, _mm256_set1_epi32(127)), _mm256_set1_epi32(64));
}

KVA_INLINE void store_16(__m256i first, __m256i second, int8_t *target) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xD8);
    _mm_storeu_si128((__m128i *)target,
                     _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
}

KVA_INLINE int32_t sum_16(__m256i first, __m256i second) {
    const __m256i eight = _mm256_add_epi32(first, second);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

KVA_INLINE void prepare_32(const float *x, int8_t *digits, float *pair, float *half_sums) {
    const float scale = kva_scale_of_magnitude(largest_magnitude(x));
    const int finite = !isnan(scale);
    const __m256 inverse = _mm256_set1_ps(1 / scale);
    const __m256i kept = _mm256_set1_epi32(finite ? -1 : 0);
    int32_t sum = 0;
    for (size_t half = 0; half < 2; half++) {
        __m256i number[2], digit[2];
        for (size_t i = 0; i < 2; i++) {
            const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + 16 * half + 8 * i), inverse);
            number[i] = _mm256_and_si256(_mm256_cvtps_epi32(scaled), kept);
        }
        const int32_t half_sum = sum_16(number[0], number[1]);
        half_sums[half] = (float)half_sum * scale;
        sum += half_sum;
        for (size_t place = 2; place > 0; place--) {
            for (size_t i = 0; i < 2; i++) { digit[i] = split_digit(&number[i]); }
            store_16(digit[0], digit[1], digits + 64 * half + 128 * place);
        }
        store_16(number[0], number[1], digits + 64 * half);
    }
    pair[0] = scale;
    pair[1] = (float)sum * scale;
}

void kva_avx2_prepare_vector(const float *vector, uint8_t *prepared, size_t count) {
    const kva_prepared_places places = kva_places_of(prepared, count);
    for (size_t block = 0; block < kva_padded_columns(count) / 32; block++) {
        const size_t first = 32 * block;
        float last[32] = {0};
        const float *x = vector + first;
        if (first + 32 > count) {
            if (first < count) { memcpy(last, x, (count - first) * sizeof(float)); }
            x = last;
        }
        prepare_32(x, places.digits + block / 4 * 384 + block % 4 * 16, places.pairs + kva_pair_place(block),
                   places.half_sums + 2 * block);
    }
}

#pragma clang attribute pop

#endif
