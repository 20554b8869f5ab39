#include "avx512.h"

#if defined(__x86_64__)

const kva_kernels kva_avx512_kernels = {
    .isa = KVA_ISA_AVX512,
    .half_to_float = kva_avx2_half_to_float,
    .float_to_half = kva_avx512_float_to_half,
    .bfloat_to_float = kva_avx512_bfloat_to_float,
    .float_to_bfloat = kva_avx512_float_to_bfloat,
    .dot = kva_avx2_dot,
    .scaled_accumulate = kva_avx2_scaled_accumulate,
    .add = kva_avx2_add,
    .scale = kva_avx2_scale,
    .maximum = kva_avx2_maximum,
    .absolute_maximum = kva_avx2_absolute_maximum,
    .exponential_sum = kva_avx512_exponential_sum,
    .rms_norm = kva_avx512_rms_norm,
    .silu_multiply = kva_avx512_silu_multiply,
    .rotate_halves = kva_avx2_rotate_halves,
    .rotate_adjacent = kva_avx2_rotate_adjacent,
    .walsh_hadamard = kva_avx512_walsh_hadamard,
    .dequantize = kva_avx512_dequantize,
    .prepare_vector = kva_avx2_prepare_vector,
    .gemv = kva_avx512_gemv,
    .quantize_token_groups = kva_avx2_quantize_token_groups,
    .quantize_channel_groups = kva_avx2_quantize_channel_groups,
    .dequantize_token_groups = kva_avx2_dequantize_token_groups,
    .dequantize_channel_groups = kva_avx2_dequantize_channel_groups,
    .moment_sweep = kva_avx512_moment_sweep,
    .attention_scores = kva_avx512_attention_scores,
    .attention_values = kva_avx512_attention_values,
    .packed_scores = kva_avx512_packed_scores,
    .packed_values = kva_avx512_packed_values,
};

#endif
