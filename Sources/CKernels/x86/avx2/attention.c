#if defined(__x86_64__)

#include "../../reference/scalars.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "../../shared/full_attention.h"

void kva_avx2_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    attention_scores(keys, queries, scores);
}

void kva_avx2_attention_values(const kva_attention_side *values, const float *weights, float *output) {
    attention_values(values, weights, output);
}

#pragma clang attribute pop

#endif
