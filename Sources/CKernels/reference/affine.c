#include <math.h>

#include "reference.h"
#include "scalars.h"

// Asymmetric round-to-nearest in emulated float16 arithmetic, step for step as
// KIVI's `triton_quantize_and_pack_along_last_dim` does it: each result is
// rounded to float16 before the next operation.

static inline float to_half_and_back(float x) { return kva_half_to_float(kva_float_to_half(x)); }

/// A group with a NaN or infinity, or whose range overflows float16, gets
/// minimum NaN and scale 0, so that it decodes wholly to NaN.
void kva_reference_quantize_group(const uint16_t *x, size_t stride, size_t count, unsigned bits, uint8_t *row,
                                  size_t bit_offset, uint16_t *scale_bits, uint16_t *minimum_bits) {
    float smallest = INFINITY, largest = -INFINITY;
    int finite = 1;
    for (size_t i = 0; i < count; i++) {
        const float value = kva_half_to_float(x[i * stride]);
        finite &= isfinite(value) != 0;
        smallest = value < smallest ? value : smallest;
        largest = value > largest ? value : largest;
    }
    const float top = (float)((1u << bits) - 1);
    // Zeros get the sign +, whichever of them the group holds, so that the order of comparison cannot show.
    smallest += 0.0f;
    largest += 0.0f;
    const float range = to_half_and_back(largest - smallest);
    if (!finite || !isfinite(range)) {
        *scale_bits = 0;
        *minimum_bits = 0x7E00;
        return;
    }
    *minimum_bits = kva_float_to_half(smallest);
    *scale_bits = kva_float_to_half(range / top);
    const float scale = kva_half_to_float(*scale_bits);
    if (scale == 0) { return; }
    for (size_t i = 0; i < count; i++) {
        const float difference = to_half_and_back(kva_half_to_float(x[i * stride]) - smallest);
        float quotient = to_half_and_back(difference / scale);
        quotient = quotient < 0 ? 0 : quotient > top ? top : quotient;
        const unsigned code = (unsigned)nearbyintf(quotient);
        const size_t position = bit_offset + i * bits;
        const unsigned placed = code << position % 8;
        row[position / 8] |= (uint8_t)placed;
        if (placed >> 8) { row[position / 8 + 1] |= (uint8_t)(placed >> 8); }
    }
}

static inline unsigned code_at(const uint8_t *row, size_t position, unsigned bits) {
    const unsigned shift = position % 8;
    unsigned pair = row[position / 8];
    if (shift + bits > 8) { pair |= (unsigned)row[position / 8 + 1] << 8; }
    return pair >> shift & ((1u << bits) - 1);
}

static inline size_t group_length(size_t length, size_t group_size, size_t group) {
    const size_t rest = length - group * group_size;
    return rest < group_size ? rest : group_size;
}

void kva_reference_quantize_token_groups(const uint16_t *x, const kva_affine_shape *shape, size_t first_channel,
                                         size_t channel_count, uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    for (size_t channel = first_channel; channel < first_channel + channel_count; channel++) {
        uint8_t *row = codes + channel * shape->row_bytes;
        memset(row, 0, shape->row_bytes);
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = channel * shape->groups_per_row + group;
            kva_reference_quantize_group(x + first * shape->token_stride + channel, shape->token_stride,
                           group_length(shape->tokens, shape->group_size, group), shape->bits, row,
                           first * shape->bits, &scales[index], &minima[index]);
        }
    }
}

void kva_reference_quantize_channel_groups(const uint16_t *x, const kva_affine_shape *shape, size_t first_token,
                                           size_t token_count, uint8_t *codes, uint16_t *scales, uint16_t *minima) {
    for (size_t token = first_token; token < first_token + token_count; token++) {
        uint8_t *row = codes + token * shape->row_bytes;
        memset(row, 0, shape->row_bytes);
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = token * shape->groups_per_row + group;
            kva_reference_quantize_group(x + token * shape->token_stride + first, 1,
                           group_length(shape->channels, shape->group_size, group), shape->bits, row,
                           first * shape->bits, &scales[index], &minima[index]);
        }
    }
}

/// scale·code is exact in float32 (11 + 8 bits), so only the addition rounds.
void kva_reference_dequantize_group(const uint8_t *row, size_t bit_offset, unsigned bits, uint16_t scale_bits,
                                    uint16_t minimum_bits, float *x, size_t stride, size_t count) {
    const float scale = kva_half_to_float(scale_bits), minimum = kva_half_to_float(minimum_bits);
    for (size_t i = 0; i < count; i++) {
        x[i * stride] = scale * (float)code_at(row, bit_offset + i * bits, bits) + minimum;
    }
}

void kva_reference_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                           const uint8_t *codes, const uint16_t *scales, const uint16_t *minima,
                                           float *x) {
    for (size_t channel = first_channel; channel < first_channel + channel_count; channel++) {
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = channel * shape->groups_per_row + group;
            kva_reference_dequantize_group(codes + channel * shape->row_bytes, first * shape->bits, shape->bits, scales[index],
                             minima[index], x + first * shape->token_stride + channel, shape->token_stride,
                             group_length(shape->tokens, shape->group_size, group));
        }
    }
}

void kva_reference_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                             const uint8_t *codes, const uint16_t *scales, const uint16_t *minima,
                                             float *x) {
    for (size_t token = first_token; token < first_token + token_count; token++) {
        for (size_t group = 0; group < shape->groups_per_row; group++) {
            const size_t first = group * shape->group_size, index = token * shape->groups_per_row + group;
            kva_reference_dequantize_group(codes + token * shape->row_bytes, first * shape->bits, shape->bits, scales[index],
                             minima[index], x + token * shape->token_stride + first, 1,
                             group_length(shape->channels, shape->group_size, group));
        }
    }
}
