#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "avx512_inline.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

// Stages follow each other as in the reference and each sum has the same two terms, so
// that results are equal in every bit.

enum { WIDTH = 16, TOGETHER = 8 };

/// The stages inside a vector: each lane's partner plus the lane, or minus it where it is the upper of the two.
KVA_INLINE __m512 stages_inside(__m512 x) {
    __m512 other = _mm512_permute_ps(x, 0xB1);
    x = _mm512_mask_sub_ps(_mm512_add_ps(other, x), 0xAAAA, other, x);
    other = _mm512_permute_ps(x, 0x4E);
    x = _mm512_mask_sub_ps(_mm512_add_ps(other, x), 0xCCCC, other, x);
    other = _mm512_shuffle_f32x4(x, x, 0xB1);
    x = _mm512_mask_sub_ps(_mm512_add_ps(other, x), 0xF0F0, other, x);
    other = _mm512_shuffle_f32x4(x, x, 0x4E);
    return _mm512_mask_sub_ps(_mm512_add_ps(other, x), 0xFF00, other, x);
}

/// All stages of `count` vectors that lie together, then the scaling.
KVA_INLINE void whole_stages(float *x, size_t count, __m512 factor) {
    __m512 v[TOGETHER];
    for (size_t j = 0; j < count; j++) { v[j] = stages_inside(_mm512_loadu_ps(x + WIDTH * j)); }
    for (size_t stride = 1; stride < count; stride *= 2) {
        for (size_t j = 0; j < count; j++) {
            if (j & stride) { continue; }
            const __m512 a = v[j], b = v[j + stride];
            v[j] = _mm512_add_ps(a, b);
            v[j + stride] = _mm512_sub_ps(a, b);
        }
    }
    for (size_t j = 0; j < count; j++) { _mm512_storeu_ps(x + WIDTH * j, _mm512_mul_ps(v[j], factor)); }
}

/// One stage between vectors, then a scaling.
KVA_INLINE void stage(float *x, size_t length, size_t stride, __m512 factor) {
    for (size_t first = 0; first < length; first += 2 * stride) {
        for (size_t i = first; i < first + stride; i += WIDTH) {
            const __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + stride);
            _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_add_ps(a, b), factor));
            _mm512_storeu_ps(x + i + stride, _mm512_mul_ps(_mm512_sub_ps(a, b), factor));
        }
    }
}

void kva_avx512_walsh_hadamard(float *x, size_t rows, size_t length) {
    if (length < WIDTH) {
        kva_avx2_walsh_hadamard(x, rows, length);
        return;
    }
    const __m512 one = _mm512_set1_ps(1), factor = _mm512_set1_ps(kva_hadamard_factor(length));
    for (size_t row = 0; row < rows; row++, x += length) {
        switch (length / WIDTH) {
            case 1: whole_stages(x, 1, factor); continue;
            case 2: whole_stages(x, 2, factor); continue;
            case 4: whole_stages(x, 4, factor); continue;
            case 8: whole_stages(x, 8, factor); continue;
            default: break;
        }
        for (size_t i = 0; i < length; i += WIDTH * TOGETHER) { whole_stages(x + i, TOGETHER, one); }
        for (size_t stride = WIDTH * TOGETHER; stride < length; stride *= 2) {
            stage(x, length, stride, 2 * stride == length ? factor : one);
        }
    }
}

#pragma clang attribute pop

#endif
