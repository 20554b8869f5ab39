#if defined(__x86_64__)

#include "../../reference/scalars.h"
#include "avx2.h"

// Not "fma": a fused sum would have other bits than ggml's.
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

#include "../../shared/cache_blocks.h"

void kva_avx2_encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target) {
    encode_blocks(x, blocks, type, target);
}

#pragma clang attribute pop

#endif
