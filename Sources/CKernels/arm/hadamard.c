#if defined(__aarch64__)

#include "neon_inline.h"

/// The two steps between four neighbours.
KVA_INLINE float32x4_t transform_4(float32x4_t x) {
    // (a + b, a − b, c + d, c − d), then the same two apart.
    const float32x4_t even = vtrn1q_f32(x, x), odd = vtrn2q_f32(x, x);
    const float32x4_t pairs = vtrn1q_f32(vaddq_f32(even, odd), vsubq_f32(even, odd));
    const float32x2_t low = vget_low_f32(pairs), high = vget_high_f32(pairs);
    return vcombine_f32(vadd_f32(low, high), vsub_f32(low, high));
}

void kva_neon_walsh_hadamard(float *x, size_t rows, size_t length) {
    if (length < 4) {
        kva_reference_walsh_hadamard(x, rows, length);
        return;
    }
    const float factor = kva_hadamard_factor(length);
    for (size_t row = 0; row < rows; row++, x += length) {
        for (size_t i = 0; i < length; i += 4) { vst1q_f32(x + i, transform_4(vld1q_f32(x + i))); }
        for (size_t stride = 4; stride < length; stride *= 2) {
            for (size_t first = 0; first < length; first += 2 * stride) {
                for (size_t i = first; i < first + stride; i += 4) {
                    const float32x4_t a = vld1q_f32(x + i), b = vld1q_f32(x + i + stride);
                    vst1q_f32(x + i, vaddq_f32(a, b));
                    vst1q_f32(x + i + stride, vsubq_f32(a, b));
                }
            }
        }
        for (size_t i = 0; i < length; i += 4) { vst1q_f32(x + i, vmulq_n_f32(vld1q_f32(x + i), factor)); }
    }
}

#endif
