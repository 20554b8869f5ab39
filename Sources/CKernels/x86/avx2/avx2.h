#ifndef KVATLAS_AVX2_H
#define KVATLAS_AVX2_H

// The AVX2 + FMA + F16C versions. Functions carry the target as an attribute,
// so that no compiler flag is needed and the rest of the program stays portable.

#include "../../include/CKernels.h"

#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_avx2_kernels;

uint64_t kva_avx2_plain_read(const uint8_t *bytes, size_t count);
void kva_avx2_fletcher32(kva_fletcher32 *sums, const uint8_t *bytes, size_t count);

void kva_avx2_half_to_float(const uint16_t *source, float *target, size_t count);
void kva_avx2_float_to_half(const float *source, uint16_t *target, size_t count);
void kva_avx2_bfloat_to_float(const uint16_t *source, float *target, size_t count);
/// The same from bytes at any address, as tensors lie in a mapped file.
void kva_avx2_half_bytes_to_float(const uint8_t *source, float *target, size_t count);
void kva_avx2_bfloat_bytes_to_float(const uint8_t *source, float *target, size_t count);
void kva_avx2_float_to_bfloat(const float *source, uint16_t *target, size_t count);

float kva_avx2_dot(const float *x, const float *y, size_t count);
void kva_avx2_scaled_accumulate(float a, const float *x, float *y, size_t count);
void kva_avx2_add(const float *x, float *y, size_t count);
void kva_avx2_scale(float a, float *x, size_t count);
float kva_avx2_maximum(const float *x, size_t count);
float kva_avx2_absolute_maximum(const float *x, size_t count);
float kva_avx2_exponential_sum(float *x, size_t count, float shift);
void kva_avx2_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count);
void kva_avx2_silu_multiply(const float *gate, const float *up, float *y, size_t count);
void kva_avx2_rotate_halves(float *x, const float *c, const float *s, size_t half);
void kva_avx2_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs);
void kva_avx2_walsh_hadamard(float *x, size_t rows, size_t length);

void kva_avx2_dequantize(kva_type type, const uint8_t *source, float *target, size_t count);
void kva_avx2_encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target);
void kva_avx2_prepare_vector(const float *vector, uint8_t *prepared, size_t count);
void kva_avx2_gemv(kva_type type, const kva_gemv *work);
/// Types with blocks of 32 and of 256 elements, for one vector or two.
void kva_avx2_gemv_plain(kva_type type, const kva_gemv *work);
void kva_avx2_gemv_k(kva_type type, const kva_gemv *work);

void kva_avx2_quantize_token_groups(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                    size_t channel_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_avx2_quantize_channel_groups(const void *x, const kva_affine_shape *shape, size_t first_token,
                                      size_t token_count, uint8_t *codes, void *scales, void *_Nullable minima);
void kva_avx2_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                      const uint8_t *codes, const void *scales, const void *_Nullable minima, float *x);
void kva_avx2_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const void *scales, const void *_Nullable minima,
                                        float *x);
void kva_avx2_quantize_key_tiles(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                 uint8_t *codes, void *metadata);
void kva_avx2_quantize_value_tiles(const void *x, const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                   uint8_t *codes, void *metadata);
void kva_avx2_dequantize_key_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                   const uint8_t *codes, const void *metadata, float *x);
void kva_avx2_dequantize_value_tiles(const kva_tile_shape *shape, size_t first_token, size_t token_count,
                                     const uint8_t *codes, const void *metadata, float *x);
void kva_avx2_key_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows);
void kva_avx2_key_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles);
void kva_avx2_value_tiles_to_rows(const uint8_t *tiles, size_t tokens, size_t channels, unsigned bits, uint8_t *rows);
void kva_avx2_value_rows_to_tiles(const uint8_t *rows, size_t tokens, size_t channels, unsigned bits, uint8_t *tiles);

void kva_avx2_moment_sweep(const kva_moment_sweep *sweep);
/// A sweep's sums and histogram of channels; it must ask for the sums.
void kva_avx2_moment_sweep_channels(const kva_moment_sweep *sweep);
/// A sweep's sums of tokens; it must ask for them.
void kva_avx2_moment_sweep_tokens(const kva_moment_sweep *sweep);
void kva_avx2_count_magnitudes(const kva_magnitude_count *count);

void kva_avx2_attention_scores(const kva_attention_side *keys, const float *queries, float *scores);
void kva_avx2_attention_values(const kva_attention_side *values, const float *weights, float *output);

void kva_avx2_packed_scores(const kva_packed_side *keys, const float *queries, float *scores);
void kva_avx2_packed_values(const kva_packed_side *values, const float *weights, float *output);

#pragma clang assume_nonnull end

#endif

#endif
