#ifndef KVATLAS_AVX512_H
#define KVATLAS_AVX512_H

// AVX-512 (F, BW, VL, DQ, VNNI: Cascade Lake, Zen 4 and later) where twice the width or
// four byte products in one instruction pay; the rest of its table are AVX2's functions.

#include "../avx2/avx2.h"

#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_avx512_kernels;

void kva_avx512_dequantize(kva_type type, const uint8_t *source, float *target, size_t count);
void kva_avx512_gemv(kva_type type, const kva_gemv *work);
/// Types with blocks of 32 and of 256 elements, for one, two or four vectors.
void kva_avx512_gemv_plain(kva_type type, const kva_gemv *work);
void kva_avx512_gemv_k(kva_type type, const kva_gemv *work);

#pragma clang assume_nonnull end

#endif

#endif
