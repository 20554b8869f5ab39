#if defined(__aarch64__)

#include "neon_inline.h"

// Tails go through a small buffer, so that every element meets the same instruction.

void kva_neon_half_to_float(const uint16_t *source, float *target, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (size_t j = 0; j < 16; j += 8) {
            const uint16x8_t halves = vld1q_u16(source + i + j);
            vst1q_f32(target + i + j, kva_widen_halves(vget_low_u16(halves)));
            vst1q_f32(target + i + j + 4, kva_widen_halves(vget_high_u16(halves)));
        }
    }
    for (; i + 4 <= count; i += 4) { vst1q_f32(target + i, kva_widen_halves(vld1_u16(source + i))); }
    if (i < count) {
        uint16_t rest[4] = {0};
        memcpy(rest, source + i, (count - i) * sizeof rest[0]);
        kva_store_some(target + i, kva_widen_halves(vld1_u16(rest)), count - i);
    }
}

KVA_INLINE uint16x4_t narrow_to_halves(float32x4_t floats) { return vreinterpret_u16_f16(vcvt_f16_f32(floats)); }

void kva_neon_float_to_half(const float *source, uint16_t *target, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (size_t j = 0; j < 16; j += 8) {
            const uint16x4_t low = narrow_to_halves(vld1q_f32(source + i + j));
            vst1q_u16(target + i + j, vcombine_u16(low, narrow_to_halves(vld1q_f32(source + i + j + 4))));
        }
    }
    for (; i + 4 <= count; i += 4) { vst1_u16(target + i, narrow_to_halves(vld1q_f32(source + i))); }
    if (i < count) {
        uint16_t rest[4];
        vst1_u16(rest, narrow_to_halves(kva_load_some(source + i, count - i)));
        memcpy(target + i, rest, (count - i) * sizeof rest[0]);
    }
}

KVA_INLINE float32x4_t widen_bfloats(uint16x4_t words) { return vreinterpretq_f32_u32(vshll_n_u16(words, 16)); }

void kva_neon_bfloat_to_float(const uint16_t *source, float *target, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) { vst1q_f32(target + i, widen_bfloats(vld1_u16(source + i))); }
    if (i < count) {
        uint16_t rest[4] = {0};
        memcpy(rest, source + i, (count - i) * sizeof rest[0]);
        kva_store_some(target + i, widen_bfloats(vld1_u16(rest)), count - i);
    }
}

KVA_INLINE uint16x4_t narrow_to_bfloats(float32x4_t floats) {
    const uint32x4_t bits = vreinterpretq_u32_f32(floats), is_number = vceqq_f32(floats, floats);
    const uint32x4_t lowest = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(lowest, vdupq_n_u32(0x7FFF)));
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x00400000));
    return vshrn_n_u32(vbslq_u32(is_number, rounded, quiet), 16);
}

void kva_neon_float_to_bfloat(const float *source, uint16_t *target, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) { vst1_u16(target + i, narrow_to_bfloats(vld1q_f32(source + i))); }
    if (i < count) {
        uint16_t rest[4];
        vst1_u16(rest, narrow_to_bfloats(kva_load_some(source + i, count - i)));
        memcpy(target + i, rest, (count - i) * sizeof rest[0]);
    }
}

#endif
