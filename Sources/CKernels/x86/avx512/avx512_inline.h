#ifndef KVATLAS_AVX512_INLINE_H
#define KVATLAS_AVX512_INLINE_H

// Small pieces that several AVX-512 kernels share.

#include "../avx2/avx2_inline.h"
#include "avx512.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

/// Ones in the first `count` (0…16) lanes.
KVA_INLINE __mmask16 kva_first_16(size_t count) { return (__mmask16)((1u << count) - 1); }

#pragma clang attribute pop

#endif
