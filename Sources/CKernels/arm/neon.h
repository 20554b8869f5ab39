#ifndef KVATLAS_NEON_H
#define KVATLAS_NEON_H

// NEON, which every 64-bit ARM processor has; what is not written for it runs in the reference.

#include "../reference/reference.h"

#if defined(__aarch64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_neon_kernels;
/// For processors with the dot product instruction (ARMv8.2's FEAT_DotProd).
extern const kva_kernels kva_neon_dotprod_kernels;

void kva_neon_half_to_float(const uint16_t *source, float *target, size_t count);
void kva_neon_float_to_half(const float *source, uint16_t *target, size_t count);
void kva_neon_bfloat_to_float(const uint16_t *source, float *target, size_t count);
void kva_neon_float_to_bfloat(const float *source, uint16_t *target, size_t count);

float kva_neon_dot(const float *x, const float *y, size_t count);
void kva_neon_scaled_accumulate(float a, const float *x, float *y, size_t count);
void kva_neon_add(const float *x, float *y, size_t count);
void kva_neon_scale(float a, float *x, size_t count);
float kva_neon_maximum(const float *x, size_t count);
float kva_neon_absolute_maximum(const float *x, size_t count);
float kva_neon_exponential_sum(float *x, size_t count, float shift);
void kva_neon_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count);
void kva_neon_silu_multiply(const float *gate, const float *up, float *y, size_t count);
void kva_neon_rotate_halves(float *x, const float *c, const float *s, size_t half);
void kva_neon_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs);
void kva_neon_walsh_hadamard(float *x, size_t rows, size_t length);

void kva_neon_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                      const uint8_t *codes, const void *scales, const void *_Nullable minima, float *x);
void kva_neon_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                        float *x);

void kva_neon_moment_sweep(const kva_moment_sweep *sweep);

void kva_neon_attention_scores(const kva_attention_side *keys, const float *queries, float *scores);
void kva_neon_attention_values(const kva_attention_side *values, const float *weights, float *output);

void kva_neon_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_neon_packed_values(const kva_packed_side *values, const float *weights, float *output);
void kva_neon_dotprod_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_neon_dotprod_packed_values(const kva_packed_side *values, const float *weights, float *output);

#pragma clang assume_nonnull end

#endif

#endif
