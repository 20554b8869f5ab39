#if defined(__x86_64__)

#include "avx512_inline.h"

// float16 to float32 is AVX2's: it is bound by stores, so that 512 bits gain nothing.

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

KVA_INLINE __m512 widen_bfloats(__m256i words) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
}

KVA_INLINE __m256i narrow_to_bfloats(__m512 floats) {
    const __m512i bits = _mm512_castps_si512(floats);
    const __mmask16 is_nan = _mm512_cmp_ps_mask(floats, floats, _CMP_UNORD_Q);
    const __m512i lowest = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(lowest, _mm512_set1_epi32(0x7FFF)));
    const __m512i words = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x00400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(words, 16));
}

KVA_INLINE __m256i narrow_to_halves(__m512 floats) { return _mm512_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT); }

/// `convert` of whole vectors, then of a masked rest.
#define KVA_NARROW(convert)                                                                                   \
    size_t i = 0;                                                                                             \
    for (; i + 16 <= count; i += 16) {                                                                        \
        _mm256_storeu_si256((__m256i *)(target + i), convert(_mm512_loadu_ps(source + i)));                   \
    }                                                                                                         \
    const __mmask16 rest = kva_first_16(count - i);                                                           \
    _mm256_mask_storeu_epi16(target + i, rest, convert(_mm512_maskz_loadu_ps(rest, source + i)));

void kva_avx512_float_to_half(const float *source, uint16_t *target, size_t count) { KVA_NARROW(narrow_to_halves) }

void kva_avx512_bfloat_to_float(const uint16_t *source, float *target, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        _mm512_storeu_ps(target + i, widen_bfloats(_mm256_loadu_si256((const __m256i *)(source + i))));
    }
    const __mmask16 rest = kva_first_16(count - i);
    _mm512_mask_storeu_ps(target + i, rest, widen_bfloats(_mm256_maskz_loadu_epi16(rest, source + i)));
}

void kva_avx512_float_to_bfloat(const float *source, uint16_t *target, size_t count) { KVA_NARROW(narrow_to_bfloats) }

#pragma clang attribute pop

#endif
