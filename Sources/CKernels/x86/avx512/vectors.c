#if defined(__x86_64__)

#include "avx512_inline.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

/// exp(x) as `kva_exponential` computes it.
KVA_INLINE __m512 exponential(__m512 x) {
    const __mmask16 is_in_range = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-86.9f), _CMP_NLT_UQ);
    x = _mm512_min_ps(_mm512_set1_ps(89), x);
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1)));
    return _mm512_maskz_scalef_ps(is_in_range, p, n);
}

float kva_avx512_exponential_sum(float *x, size_t count, float shift) {
    const __m512 shifts = _mm512_set1_ps(shift);
    __m512 first = _mm512_setzero_ps(), second = first;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const __m512 a = exponential(_mm512_sub_ps(_mm512_loadu_ps(x + i), shifts));
        const __m512 b = exponential(_mm512_sub_ps(_mm512_loadu_ps(x + i + 16), shifts));
        _mm512_storeu_ps(x + i, a);
        _mm512_storeu_ps(x + i + 16, b);
        first = _mm512_add_ps(first, a);
        second = _mm512_add_ps(second, b);
    }
    for (; i < count; i += 16) {
        const __mmask16 mask = kva_first_16(count - i < 16 ? count - i : 16);
        const __m512 a = exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), shifts));
        _mm512_mask_storeu_ps(x + i, mask, a);
        first = _mm512_mask_add_ps(first, mask, first, a);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(first, second));
}

void kva_avx512_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count) {
    __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        for (size_t j = 0; j < 2; j++) {
            const __m512 v = _mm512_loadu_ps(x + i + 16 * j);
            sums[j] = _mm512_fmadd_ps(v, v, sums[j]);
        }
    }
    for (; i < count; i += 16) {
        const __m512 v = _mm512_maskz_loadu_ps(kva_first_16(count - i < 16 ? count - i : 16), x + i);
        sums[0] = _mm512_fmadd_ps(v, v, sums[0]);
    }
    const double squares = _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
    const __m512 factor = _mm512_set1_ps((float)(1 / sqrt(squares / (double)count + epsilon)));
    for (i = 0; i < count; i += 16) {
        const __mmask16 mask = kva_first_16(count - i < 16 ? count - i : 16);
        const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
    }
}

void kva_avx512_silu_multiply(const float *gate, const float *up, float *y, size_t count) {
    const __m512 one = _mm512_set1_ps(1);
    for (size_t i = 0; i < count; i += 16) {
        const __mmask16 mask = kva_first_16(count - i < 16 ? count - i : 16);
        const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
        const __m512 denominator = _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), g)));
        const __m512 product = _mm512_mul_ps(_mm512_div_ps(g, denominator), _mm512_maskz_loadu_ps(mask, up + i));
        _mm512_mask_storeu_ps(y + i, mask, product);
    }
}

#pragma clang attribute pop

#endif
