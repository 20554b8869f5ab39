#ifndef KVATLAS_AVX2_AFFINE_H
#define KVATLAS_AVX2_AFFINE_H

// The arithmetic that both directions of affine quantization share; see reference/affine.c.

#include "../../reference/reference.h"
#include "../../reference/scalars.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// What eight groups, one in each lane, are quantized with; or one group in all lanes.
typedef struct {
    __m256 minimum, scale, top;
    /// Zero where codes are zero whatever the element: the scale is zero or the group is not finite.
    __m256i codes_mask;
    __m128i scale_bits, minimum_bits;
} kva_affine;

/// From the extremes of each group; `poison` is NaN where a group holds NaN or infinity.
KVA_INLINE kva_affine kva_affine_from(__m256 minimum, __m256 maximum, __m256 poison, unsigned bits) {
    kva_affine result;
    result.top = _mm256_set1_ps((float)((1u << bits) - 1));
    // Zeros get the sign +, as in the reference.
    minimum = _mm256_add_ps(minimum, _mm256_setzero_ps());
    maximum = _mm256_add_ps(maximum, _mm256_setzero_ps());
    const __m256 range = kva_round_to_half(_mm256_sub_ps(maximum, minimum));
    const __m256 finite = _mm256_cmp_ps(_mm256_fmadd_ps(range, _mm256_setzero_ps(), poison), _mm256_setzero_ps(), _CMP_EQ_OQ);
    const __m128i scale_bits = _mm256_cvtps_ph(_mm256_div_ps(range, result.top), _MM_FROUND_TO_NEAREST_INT);
    const __m128i minimum_bits = _mm256_cvtps_ph(minimum, _MM_FROUND_TO_NEAREST_INT);
    result.minimum = minimum;
    result.scale = _mm256_cvtph_ps(scale_bits);
    const __m256 spread = _mm256_cmp_ps(result.scale, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    result.codes_mask = _mm256_castps_si256(_mm256_and_ps(finite, spread));
    const __m256i mask = _mm256_castps_si256(finite);
    const __m128i finite_words = _mm_packs_epi32(_mm256_castsi256_si128(mask), _mm256_extracti128_si256(mask, 1));
    result.scale_bits = _mm_and_si128(scale_bits, finite_words);
    result.minimum_bits = _mm_blendv_epi8(_mm_set1_epi16(0x7E00), minimum_bits, finite_words);
    return result;
}

/// Codes of eight elements.
KVA_INLINE __m256i kva_affine_codes(const kva_affine *affine, __m256 x) {
    const __m256 difference = kva_round_to_half(_mm256_sub_ps(x, affine->minimum));
    __m256 quotient = kva_round_to_half(_mm256_div_ps(difference, affine->scale));
    quotient = _mm256_min_ps(_mm256_max_ps(quotient, _mm256_setzero_ps()), affine->top);
    return _mm256_and_si256(_mm256_cvtps_epi32(quotient), affine->codes_mask);
}

KVA_INLINE size_t kva_group_length(size_t length, size_t group_size, size_t group) {
    const size_t rest = length - group * group_size;
    return rest < group_size ? rest : group_size;
}

#pragma clang attribute pop

#endif
