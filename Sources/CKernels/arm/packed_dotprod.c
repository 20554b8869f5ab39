#if defined(__aarch64__)

#include "../reference/panel.h"
#include "../reference/scalars.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

KVA_INLINE int32x4_t add_four_products(int32x4_t sum, int8x16_t codes, int8x16_t digits) {
    return vdotq_s32(sum, codes, digits);
}

#include "packed_products.h"

void kva_neon_dotprod_packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    packed_scores(keys, queries, scores);
}

void kva_neon_dotprod_packed_values(const kva_packed_side *values, const float *weights, float *output) {
    packed_values(values, weights, output);
}

#pragma clang attribute pop

#endif
