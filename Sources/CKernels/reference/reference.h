#ifndef KVATLAS_REFERENCE_H
#define KVATLAS_REFERENCE_H

// The plain C versions. Each table starts as a copy of `kva_reference_kernels`' functions.

#include "../include/CKernels.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_reference_kernels;

uint64_t kva_reference_plain_read(const uint8_t *bytes, size_t count);
void kva_reference_fletcher32(kva_fletcher32 *sums, const uint8_t *bytes, size_t count);

void kva_reference_half_to_float(const uint16_t *source, float *target, size_t count);
void kva_reference_float_to_half(const float *source, uint16_t *target, size_t count);
void kva_reference_bfloat_to_float(const uint16_t *source, float *target, size_t count);
void kva_reference_float_to_bfloat(const float *source, uint16_t *target, size_t count);

float kva_reference_dot(const float *x, const float *y, size_t count);
void kva_reference_scaled_accumulate(float a, const float *x, float *y, size_t count);
void kva_reference_add(const float *x, float *y, size_t count);
void kva_reference_scale(float a, float *x, size_t count);
float kva_reference_maximum(const float *x, size_t count);
float kva_reference_absolute_maximum(const float *x, size_t count);
float kva_reference_exponential_sum(float *x, size_t count, float shift);
void kva_reference_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count);
void kva_reference_silu_multiply(const float *gate, const float *up, float *y, size_t count);
void kva_reference_rotate_halves(float *x, const float *c, const float *s, size_t half);
void kva_reference_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs);
void kva_reference_walsh_hadamard(float *x, size_t rows, size_t length);
/// 1 / √length
float kva_hadamard_factor(size_t length);

void kva_reference_dequantize(kva_type type, const uint8_t *source, float *target, size_t count);
void kva_reference_encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target);
void kva_reference_prepare_vector(const float *vector, uint8_t *prepared, size_t count);
void kva_reference_gemv(kva_type type, const kva_gemv *work);

void kva_reference_quantize_token_groups(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                         size_t channel_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_reference_quantize_channel_groups(const void *x, const kva_affine_shape *shape, size_t first_token,
                                           size_t token_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_reference_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                           const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                           float *x);
void kva_reference_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                             const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                             float *x);
void kva_reference_quantize_key_tiles(const void *x, const kva_tile_shape *shape, size_t first_token,
                                      size_t token_count, uint8_t *codes, void *metadata);
void kva_reference_quantize_value_tiles(const void *x, const kva_tile_shape *shape, size_t first_token,
                                        size_t token_count, uint8_t *codes, void *metadata);
void kva_reference_dequantize_key_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const void *metadata, float *x);
void kva_reference_dequantize_value_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                          const uint8_t *codes, const void *metadata, float *x);
void kva_reference_key_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits,
                                     uint8_t *rows);
void kva_reference_key_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits,
                                     uint8_t *tiles);
void kva_reference_value_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits,
                                       uint8_t *rows);
void kva_reference_value_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits,
                                       uint8_t *tiles);

void kva_reference_moment_sweep(const kva_moment_sweep *sweep);
/// The histogram of a sweep alone; it must ask for one.
void kva_reference_count_bins(const kva_moment_sweep *sweep);
void kva_reference_count_magnitudes(const kva_magnitude_count *count);

void kva_reference_attention_scores(const kva_attention_side *keys, const float *queries, float *scores);
void kva_reference_attention_values(const kva_attention_side *values, const float *weights, float *output);

void kva_reference_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_reference_packed_values(const kva_packed_side *values, const float *weights, float *output);

#pragma clang assume_nonnull end

#endif
