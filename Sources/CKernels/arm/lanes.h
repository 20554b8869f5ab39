#ifndef KVATLAS_NEON_LANES_H
#define KVATLAS_NEON_LANES_H

// The vector operations from which shared/full_attention.h and shared/packed_attention.h are built, four lanes wide.

#include "neon_inline.h"

enum { LANES = 4, REGISTERS = 32 };
typedef float32x4_t floats;
typedef int16x8_t integers;

KVA_INLINE floats zero_floats(void) { return vdupq_n_f32(0); }
KVA_INLINE floats all(float x) { return vdupq_n_f32(x); }
KVA_INLINE floats load(const float *x) { return vld1q_f32(x); }
KVA_INLINE floats load_halves(const uint16_t *x) { return kva_widen_halves(vld1_u16(x)); }
KVA_INLINE void store(float *x, floats y) { vst1q_f32(x, y); }
KVA_INLINE void store_integers(void *x, integers y) { vst1q_s16(x, y); }
KVA_INLINE integers load_integers(const void *x) { return vld1q_s16(x); }
/// The larger of `a` and the magnitudes of float16 numbers at `x`, as bits; NaN is the largest.
KVA_INLINE integers larger_half_magnitude(integers a, const uint16_t *x) {
    return vmaxq_s16(a, vandq_s16(load_integers(x), vdupq_n_s16(0x7FFF)));
}
KVA_INLINE void store_halves(float *x, integers y) {
    store(x, kva_widen_halves(vreinterpret_u16_s16(vget_low_s16(y))));
    store(x + LANES, kva_widen_halves(vreinterpret_u16_s16(vget_high_s16(y))));
}
KVA_INLINE floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
KVA_INLINE floats multiply_add(floats a, floats b, floats c) { return vfmaq_f32(c, a, b); }
/// `a` where b is NaN: the scale of one group must not hide the others'.
KVA_INLINE floats larger_magnitude(floats a, floats b) { return vmaxnmq_f32(a, vabsq_f32(b)); }
KVA_INLINE void store_four_sums(float *x, floats a, floats b, floats c, floats d) {
    vst1q_f32(x, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}
KVA_INLINE float sum_of(floats x) { return vaddvq_f32(x); }
KVA_INLINE float largest_of(floats x) { return vmaxvq_f32(x); }
/// x / y, or zero where y is smaller than `least`.
KVA_INLINE floats quotient_or_zero(float x, floats y, float least) {
    const uint32x4_t quotient = vreinterpretq_u32_f32(vdivq_f32(all(x), y));
    return vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(y, all(least)), quotient));
}
/// Not zero if any lane is NaN or infinite.
KVA_INLINE unsigned not_finite(floats x) {
    const uint32x4_t magnitude = vreinterpretq_u32_f32(vabsq_f32(x));
    return vmaxvq_u32(vcgeq_u32(magnitude, vdupq_n_u32(0x7F800000)));
}

KVA_INLINE integers no_integers(void) { return vdupq_n_s16(0); }
/// Rounds two vectors to 16-bit integers, in order.
KVA_INLINE integers words(floats low, floats high) {
    return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(low)), vqmovn_s32(vcvtnq_s32_f32(high)));
}

/// a·b / 2^15, rounded.
KVA_INLINE integers word_products(integers a, integers b) { return vqrdmulhq_s16(a, b); }

/// Two balanced digits of each 16-bit integer: four low ones, then the same four's high ones.
KVA_INLINE integers two_digits(integers x) {
    static const uint8_t order[16] = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
    const uint16x8_t half = vdupq_n_u16(0x80);
    const uint16x8_t balanced = veorq_u16(vaddq_u16(vreinterpretq_u16_s16(x), half), half);
    return vreinterpretq_s16_u8(vqtbl1q_u8(vreinterpretq_u8_u16(balanced), vld1q_u8(order)));
}

KVA_INLINE integers add_words(integers a, integers b) { return vaddq_s16(a, b); }
/// The high ones of `two_digits`, as words.
KVA_INLINE integers upper_digits(integers x) { return vrshrq_n_s16(x, 8); }
/// Writes 32 of them.
KVA_INLINE void store_upper_digits(uint8_t *x, const integers digits[4]) {
    vst1q_s8((int8_t *)x, vcombine_s8(vqmovn_s16(digits[0]), vqmovn_s16(digits[1])));
    vst1q_s8((int8_t *)x + 16, vcombine_s8(vqmovn_s16(digits[2]), vqmovn_s16(digits[3])));
}
KVA_INLINE floats sums_of_digits(integers sum) { return vcvtq_f32_s32(vpaddlq_s16(sum)); }

/// Three balanced digits of each float, an integer below 2^23: four lowest ones, then the same four's next ones, …
KVA_INLINE integers three_digits(floats x) {
    static const uint8_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint32x4_t half = vdupq_n_u32(0x808080);
    const uint32x4_t balanced = veorq_u32(vaddq_u32(vreinterpretq_u32_s32(vcvtnq_s32_f32(x)), half), half);
    return vreinterpretq_s16_u8(vqtbl1q_u8(vreinterpretq_u8_u32(balanced), vld1q_u8(order)));
}

#endif
