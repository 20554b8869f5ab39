#ifndef KVATLAS_AVX512_H
#define KVATLAS_AVX512_H

// AVX-512 (F, BW, VL, DQ, VNNI: Cascade Lake, Zen 4 and later) where twice the width or
// four byte products in one instruction pay; the rest of its table are AVX2's functions.

#include "../avx2/avx2.h"

#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_avx512_kernels;

void kva_avx512_attention_scores(const kva_attention_side *keys, const float *queries, float *scores);
void kva_avx512_attention_values(const kva_attention_side *values, const float *weights, float *output);

void kva_avx512_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_avx512_packed_values(const kva_packed_side *values, const float *weights, float *output);

#pragma clang assume_nonnull end

#endif

#endif
