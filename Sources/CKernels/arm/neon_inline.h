#ifndef KVATLAS_NEON_INLINE_H
#define KVATLAS_NEON_INLINE_H

// Small pieces that several NEON kernels share.

#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "neon.h"

#define KVA_INLINE static inline __attribute__((always_inline, unused))

/// The first `count` (0…4) elements, zeros behind them. Tails go through memory, so that every element meets the
/// same instruction.
KVA_INLINE float32x4_t kva_load_some(const float *x, size_t count) {
    float lanes[4] = {0, 0, 0, 0};
    memcpy(lanes, x, count * sizeof lanes[0]);
    return vld1q_f32(lanes);
}

KVA_INLINE void kva_store_some(float *x, float32x4_t vector, size_t count) {
    float lanes[4];
    vst1q_f32(lanes, vector);
    memcpy(x, lanes, count * sizeof lanes[0]);
}

KVA_INLINE float32x4_t kva_widen_halves(uint16x4_t halves) { return vcvt_f32_f16(vreinterpret_f16_u16(halves)); }

/// Four float16, or float32 as they are, from element `index` on.
KVA_INLINE float32x4_t kva_load_elements(const void *elements, size_t index, int is_half) {
    return is_half ? kva_widen_halves(vld1_u16((const uint16_t *)elements + index))
                   : vld1q_f32((const float *)elements + index);
}

/// Asks for what will be read soon, perhaps beyond the end.
KVA_INLINE void kva_prefetch(const void *start, size_t distance, size_t bytes) {
    const uintptr_t first = (uintptr_t)start + distance;
    for (size_t i = 0; i < bytes; i += 64) { __builtin_prefetch((const void *)(first + i)); }
}

/// exp(x) to 2 units in the last place; 0 below −86.9, where n would leave the normal range; NaN stays NaN.
///
/// exp(x) = 2^n · exp(r) with |r| ≤ ln 2 / 2; the polynomial is that of Cephes' `expf` (Moshier, 1989).
KVA_INLINE float32x4_t kva_exponential(float32x4_t x) {
    const uint32x4_t too_small = vcltq_f32(x, vdupq_n_f32(-86.9f));
    x = vminq_f32(vdupq_n_f32(89), x);
    const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
    float32x4_t r = vfmsq_n_f32(x, n, 0.693359375f);
    r = vfmsq_n_f32(r, n, -2.12194440e-4f);
    float32x4_t p = vdupq_n_f32(1.9875691500e-4f);
    p = vfmaq_f32(vdupq_n_f32(1.3981999507e-3f), p, r);
    p = vfmaq_f32(vdupq_n_f32(8.3334519073e-3f), p, r);
    p = vfmaq_f32(vdupq_n_f32(4.1665795894e-2f), p, r);
    p = vfmaq_f32(vdupq_n_f32(1.6666665459e-1f), p, r);
    p = vfmaq_f32(vdupq_n_f32(5.0000001201e-1f), p, r);
    p = vfmaq_f32(vaddq_f32(r, vdupq_n_f32(1)), p, vmulq_f32(r, r));
    // 2^n as 2 · 2^(n − 1), since n reaches 128 just below the overflow.
    const uint32x4_t exponent = vaddq_u32(vreinterpretq_u32_s32(vcvtq_s32_f32(n)), vdupq_n_u32(126));
    const float32x4_t power = vreinterpretq_f32_u32(vshlq_n_u32(exponent, 23));
    const float32x4_t result = vmulq_f32(vaddq_f32(p, p), power);
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(result), too_small));
}

/// The larger of each pair; `running` where `x` is NaN.
KVA_INLINE float32x4_t kva_running_maximum(float32x4_t x, float32x4_t running) {
    return vbslq_f32(vcgtq_f32(x, running), x, running);
}

#endif
