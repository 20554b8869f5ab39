#include "neon.h"

#if defined(__aarch64__)

const kva_kernels kva_neon_kernels = {
    .isa = KVA_ISA_NEON,
    .plain_read = kva_reference_plain_read,
    .half_to_float = kva_reference_half_to_float,
    .float_to_half = kva_reference_float_to_half,
    .bfloat_to_float = kva_reference_bfloat_to_float,
    .float_to_bfloat = kva_reference_float_to_bfloat,
    .dot = kva_reference_dot,
    .scaled_accumulate = kva_reference_scaled_accumulate,
    .add = kva_reference_add,
    .scale = kva_reference_scale,
    .maximum = kva_reference_maximum,
    .exponential_sum = kva_reference_exponential_sum,
    .rms_norm = kva_reference_rms_norm,
    .silu_multiply = kva_reference_silu_multiply,
    .rotate_halves = kva_reference_rotate_halves,
    .dequantize = kva_reference_dequantize,
    .prepare_vector = kva_reference_prepare_vector,
    .gemv = kva_reference_gemv,
    .quantize_token_groups = kva_reference_quantize_token_groups,
    .quantize_channel_groups = kva_reference_quantize_channel_groups,
    .dequantize_token_groups = kva_reference_dequantize_token_groups,
    .dequantize_channel_groups = kva_reference_dequantize_channel_groups,
    .moment_sweep = kva_reference_moment_sweep,
    .attention_scores = kva_reference_attention_scores,
    .attention_values = kva_reference_attention_values,
    .packed_scores = kva_reference_packed_scores,
    .packed_values = kva_reference_packed_values,
};

#endif
