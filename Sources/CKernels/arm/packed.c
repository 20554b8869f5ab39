#if defined(__aarch64__)

#include "../reference/panel.h"
#include "../reference/scalars.h"
#include "lanes.h"

/// Without the dot product instruction. Pairs fit 16 bits: codes are below 16 and digits at least −128.
KVA_INLINE int32x4_t add_four_products(int32x4_t sum, int8x16_t codes, int8x16_t digits) {
    const int16x8_t low = vmull_s8(vget_low_s8(codes), vget_low_s8(digits)), high = vmull_high_s8(codes, digits);
    return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#include "packed_products.h"

void kva_neon_packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    packed_scores(keys, queries, scores);
}

void kva_neon_packed_values(const kva_packed_side *values, const float *weights, float *output) {
    packed_values(values, weights, output);
}

#endif
