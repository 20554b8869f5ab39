#if defined(__aarch64__)

#include "neon_inline.h"

/// Runs `statement` for whole vectors at `i` with `load`/`store`, then for the `rest` that is left.
#define KVA_FOR_VECTORS(count, statement)                                     \
    do {                                                                      \
        size_t i = 0;                                                         \
        for (; i + 4 <= (count); i += 4) {                                    \
            statement(vld1q_f32, vst1q_f32)                                   \
        }                                                                     \
        if (i < (count)) {                                                    \
            const size_t rest = (count) - i;                                  \
            statement(load_rest, store_rest)                                  \
        }                                                                     \
    } while (0)
#define load_rest(address) kva_load_some(address, rest)
#define store_rest(address, vector) kva_store_some(address, vector, rest)

enum { DOT_SUMS = 8, EXPONENTIAL_SUMS = 4 };

float kva_neon_dot(const float *x, const float *y, size_t count) {
    // Two multiply-adds a cycle of four cycles each keep eight sums busy.
    float32x4_t sums[DOT_SUMS];
    for (size_t j = 0; j < DOT_SUMS; j++) { sums[j] = vdupq_n_f32(0); }
    size_t i = 0;
    for (; i + 4 * DOT_SUMS <= count; i += 4 * DOT_SUMS) {
        for (size_t j = 0; j < DOT_SUMS; j++) {
            sums[j] = vfmaq_f32(sums[j], vld1q_f32(x + i + 4 * j), vld1q_f32(y + i + 4 * j));
        }
    }
    for (; i < count; i += 4) {
        const size_t rest = count - i < 4 ? count - i : 4;
        sums[0] = vfmaq_f32(sums[0], kva_load_some(x + i, rest), kva_load_some(y + i, rest));
    }
    for (size_t step = DOT_SUMS / 2; step > 0; step /= 2) {
        for (size_t j = 0; j < step; j++) { sums[j] = vaddq_f32(sums[j], sums[j + step]); }
    }
    return vaddvq_f32(sums[0]);
}

void kva_neon_scaled_accumulate(float a, const float *x, float *y, size_t count) {
#define STEP(load, store) store(y + i, vfmaq_n_f32(load(y + i), load(x + i), a));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_neon_add(const float *x, float *y, size_t count) {
#define STEP(load, store) store(y + i, vaddq_f32(load(x + i), load(y + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_neon_scale(float a, float *x, size_t count) {
#define STEP(load, store) store(x + i, vmulq_n_f32(load(x + i), a));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

float kva_neon_maximum(const float *x, size_t count) {
    float32x4_t first = vdupq_n_f32(-INFINITY), second = first;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        first = kva_running_maximum(vld1q_f32(x + i), first);
        second = kva_running_maximum(vld1q_f32(x + i + 4), second);
    }
    float largest = vmaxvq_f32(vmaxq_f32(first, second));
    for (; i < count; i++) { largest = x[i] > largest ? x[i] : largest; }
    return largest;
}

float kva_neon_absolute_maximum(const float *x, size_t count) {
    float32x4_t first = vdupq_n_f32(0), second = first;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        first = kva_running_maximum(vabsq_f32(vld1q_f32(x + i)), first);
        second = kva_running_maximum(vabsq_f32(vld1q_f32(x + i + 4)), second);
    }
    float largest = vmaxvq_f32(vmaxq_f32(first, second));
    for (; i < count; i++) { largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest; }
    return largest;
}

float kva_neon_exponential_sum(float *x, size_t count, float shift) {
    const float32x4_t shifts = vdupq_n_f32(shift);
    float32x4_t sums[EXPONENTIAL_SUMS];
    for (size_t j = 0; j < EXPONENTIAL_SUMS; j++) { sums[j] = vdupq_n_f32(0); }
    size_t i = 0;
    for (; i + 4 * EXPONENTIAL_SUMS <= count; i += 4 * EXPONENTIAL_SUMS) {
        for (size_t j = 0; j < EXPONENTIAL_SUMS; j++) {
            const float32x4_t power = kva_exponential(vsubq_f32(vld1q_f32(x + i + 4 * j), shifts));
            vst1q_f32(x + i + 4 * j, power);
            sums[j] = vaddq_f32(sums[j], power);
        }
    }
    for (; i < count; i += 4) {
        const size_t rest = count - i < 4 ? count - i : 4;
        const float32x4_t power = kva_exponential(vsubq_f32(kva_load_some(x + i, rest), shifts));
        kva_store_some(x + i, power, rest);
        // Read back, so that lanes behind the tail count as zero.
        sums[0] = vaddq_f32(sums[0], kva_load_some(x + i, rest));
    }
    return vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
}

void kva_neon_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count) {
    const double squares = kva_neon_dot(x, x, count);
    const float factor = (float)(1 / sqrt(squares / (double)count + epsilon));
#define STEP(load, store) store(y + i, vmulq_f32(vmulq_n_f32(load(x + i), factor), load(weight + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

KVA_INLINE float32x4_t silu(float32x4_t gate) {
    return vdivq_f32(gate, vaddq_f32(vdupq_n_f32(1), kva_exponential(vnegq_f32(gate))));
}

void kva_neon_silu_multiply(const float *gate, const float *up, float *y, size_t count) {
#define STEP(load, store) store(y + i, vmulq_f32(silu(load(gate + i)), load(up + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_neon_rotate_halves(float *x, const float *c, const float *s, size_t half) {
    // Products round before they are combined, as in the reference.
#define STEP(load, store)                                                                                   \
    const float32x4_t first = load(x + i), second = load(x + half + i), cosine = load(c + i), sine = load(s + i); \
    store(x + i, vsubq_f32(vmulq_f32(first, cosine), vmulq_f32(second, sine)));                              \
    store(x + half + i, vaddq_f32(vmulq_f32(second, cosine), vmulq_f32(first, sine)));
    KVA_FOR_VECTORS(half, STEP);
#undef STEP
}

void kva_neon_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs) {
    size_t i = 0;
    for (; i + 4 <= pairs; i += 4) {
        float32x4x2_t pair = vld2q_f32(x + 2 * i);
        const float32x4_t cosine = vld1q_f32(c + i), sine = vld1q_f32(s + i);
        const float32x4_t first = vsubq_f32(vmulq_f32(pair.val[0], cosine), vmulq_f32(pair.val[1], sine));
        pair.val[1] = vaddq_f32(vmulq_f32(pair.val[1], cosine), vmulq_f32(pair.val[0], sine));
        pair.val[0] = first;
        vst2q_f32(x + 2 * i, pair);
    }
    kva_reference_rotate_adjacent(x + 2 * i, c + i, s + i, pairs - i);
}

#endif
