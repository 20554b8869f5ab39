#if defined(__aarch64__)

#include "../reference/scalars.h"
#include "lanes.h"

#include "../shared/full_attention.h"

void kva_neon_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    attention_scores(keys, queries, scores);
}

void kva_neon_attention_values(const kva_attention_side *values, const float *weights, float *output) {
    attention_values(values, weights, output);
}

#endif
