#include "neon.h"

#if defined(__aarch64__)

/// All but packed attention is the same on every processor.
#define NEON_TABLE(scores, values)                                        \
    {                                                                     \
        .isa = KVA_ISA_NEON,                                              \
        .plain_read = kva_reference_plain_read,                           \
        .fletcher32 = kva_reference_fletcher32,                           \
        .half_to_float = kva_neon_half_to_float,                          \
        .float_to_half = kva_neon_float_to_half,                          \
        .bfloat_to_float = kva_neon_bfloat_to_float,                      \
        .float_to_bfloat = kva_neon_float_to_bfloat,                      \
        .dot = kva_neon_dot,                                              \
        .scaled_accumulate = kva_neon_scaled_accumulate,                  \
        .add = kva_neon_add,                                              \
        .scale = kva_neon_scale,                                          \
        .maximum = kva_neon_maximum,                                      \
        .absolute_maximum = kva_neon_absolute_maximum,                    \
        .exponential_sum = kva_neon_exponential_sum,                      \
        .rms_norm = kva_neon_rms_norm,                                    \
        .silu_multiply = kva_neon_silu_multiply,                          \
        .rotate_halves = kva_neon_rotate_halves,                          \
        .rotate_adjacent = kva_neon_rotate_adjacent,                      \
        .walsh_hadamard = kva_neon_walsh_hadamard,                        \
        .dequantize = kva_reference_dequantize,                           \
        .encode_blocks = kva_reference_encode_blocks,                     \
        .prepare_vector = kva_reference_prepare_vector,                   \
        .gemv = kva_reference_gemv,                                       \
        .quantize_token_groups = kva_reference_quantize_token_groups,     \
        .quantize_channel_groups = kva_reference_quantize_channel_groups, \
        .dequantize_token_groups = kva_neon_dequantize_token_groups,      \
        .dequantize_channel_groups = kva_neon_dequantize_channel_groups,  \
        .quantize_key_tiles = kva_reference_quantize_key_tiles,           \
        .quantize_value_tiles = kva_reference_quantize_value_tiles,       \
        .dequantize_key_tiles = kva_reference_dequantize_key_tiles,       \
        .dequantize_value_tiles = kva_reference_dequantize_value_tiles,   \
        .key_tiles_to_rows = kva_reference_key_tiles_to_rows,             \
        .key_rows_to_tiles = kva_reference_key_rows_to_tiles,             \
        .value_tiles_to_rows = kva_reference_value_tiles_to_rows,         \
        .value_rows_to_tiles = kva_reference_value_rows_to_tiles,         \
        .moment_sweep = kva_neon_moment_sweep,                            \
        .count_magnitudes = kva_reference_count_magnitudes,               \
        .attention_scores = kva_neon_attention_scores,                    \
        .attention_values = kva_neon_attention_values,                    \
        .packed_scores = scores,                                          \
        .packed_values = values,                                          \
    }

const kva_kernels kva_neon_kernels = NEON_TABLE(kva_neon_packed_scores, kva_neon_packed_values);
const kva_kernels kva_neon_dotprod_kernels =
    NEON_TABLE(kva_neon_dotprod_packed_scores, kva_neon_dotprod_packed_values);

#endif
