#ifndef KVATLAS_AVX512_H
#define KVATLAS_AVX512_H

// AVX-512 (F, BW, VL, DQ, VNNI: Cascade Lake, Zen 4 and later) where twice the width or
// four byte products in one instruction pay; the rest of its table are AVX2's functions.

#include "../avx2/avx2.h"

#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_avx512_kernels;

uint64_t kva_avx512_plain_read(const uint8_t *bytes, size_t count);

#pragma clang assume_nonnull end

#endif

#endif
