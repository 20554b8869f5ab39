#ifndef KVATLAS_CKERNELS_BLOCKS_H
#define KVATLAS_CKERNELS_BLOCKS_H

// Cache types of ggml: blocks of 32 elements, byte for byte as its reference quantizes them. They are types of weights
// too, and read back as those are.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum {
    KVA_BLOCK_Q8_0 = 0,
    KVA_BLOCK_Q5_1,
    KVA_BLOCK_Q5_0,
    KVA_BLOCK_Q4_1,
    KVA_BLOCK_Q4_0,
    KVA_BLOCK_IQ4_NL
} kva_block_type;

#pragma clang assume_nonnull end

#endif
