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
void kva_avx512_gemv_halves(kva_type type, const kva_gemv *work);

void kva_avx512_attention_scores(const kva_attention_side *keys, const float *queries, float *scores);
void kva_avx512_attention_values(const kva_attention_side *values, const float *weights, float *output);

void kva_avx512_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_avx512_packed_values(const kva_packed_side *values, const float *weights, float *output);

void kva_avx512_float_to_half(const float *source, uint16_t *target, size_t count);
void kva_avx512_bfloat_to_float(const uint16_t *source, float *target, size_t count);
void kva_avx512_float_to_bfloat(const float *source, uint16_t *target, size_t count);

float kva_avx512_exponential_sum(float *x, size_t count, float shift);
void kva_avx512_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count);
void kva_avx512_silu_multiply(const float *gate, const float *up, float *y, size_t count);
void kva_avx512_walsh_hadamard(float *x, size_t rows, size_t length);

void kva_avx512_moment_sweep(const kva_moment_sweep *sweep);
/// A sweep's sums and histogram of channels; it must ask for the sums.
void kva_avx512_moment_sweep_channels(const kva_moment_sweep *sweep);
/// A sweep's sums of tokens; it must ask for them.
void kva_avx512_moment_sweep_tokens(const kva_moment_sweep *sweep);

void kva_avx512_quantize_token_groups(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                      size_t channel_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_avx512_quantize_channel_groups(const void *x, const kva_affine_shape *shape, size_t first_token,
                                        size_t token_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_avx512_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                        const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                        float *x);
void kva_avx512_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                          const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                          float *x);
void kva_avx512_quantize_key_tiles(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                   uint8_t *codes, void *metadata);
void kva_avx512_quantize_value_tiles(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                     uint8_t *codes, void *metadata);
void kva_avx512_dequantize_key_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                     const uint8_t *codes, const void *metadata, float *x);
void kva_avx512_dequantize_value_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                       const uint8_t *codes, const void *metadata, float *x);

uint64_t kva_avx512_plain_read(const uint8_t *bytes, size_t count);

#pragma clang assume_nonnull end

#endif

#endif
