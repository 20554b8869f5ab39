#ifndef KVATLAS_X86_WEIGHT_PREFETCH_H
#define KVATLAS_X86_WEIGHT_PREFETCH_H

#include "avx2/avx2_inline.h"

/// So far ahead of their use products ask for weights. Measured on Zen 5, rows of 360 bytes in calls of 64 KB on two
/// threads: 0.6 of the plain read rate with no prefetch, 0.9 with this one and that of the first bytes.
#define KVA_PREFETCH_DISTANCE 6144

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// The bytes that no prefetch at the distance reaches.
KVA_INLINE void kva_prefetch_first(const kva_gemv *work) {
    const size_t bytes = work->rows * work->row_bytes;
    kva_prefetch(work->weights, 0, bytes < KVA_PREFETCH_DISTANCE ? bytes : KVA_PREFETCH_DISTANCE);
}

#pragma clang attribute pop

#endif
