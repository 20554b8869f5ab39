#if defined(__aarch64__)

#include "../reference/affine_group.h"
#include "../reference/row_codes.h"
#include "neon_inline.h"

// Four or eight codes come as one word, of which each lane takes its own bits by a shift. With float16 metadata
// scale·code is exact in float32, so that multiply-add rounds as the reference does. Float32 metadata and groups that
// begin within a byte go through the reference.

enum { CHANNELS_AT_ONCE = 4 };

static int fits(const kva_affine_shape *shape) {
    const int begins_bytes = shape->format.group_size * shape->format.bits % 8 == 0 || shape->groups_per_row < 2;
    return begins_bytes && !shape->format.metadata_is_float;
}

KVA_INLINE size_t codes_of_word(unsigned bits) { return bits == 8 ? 4 : 8; }

/// The codes from a whole byte on: no byte behind them is read.
KVA_INLINE uint32_t word_at(const uint8_t *row, size_t index, unsigned bits) {
    uint32_t word = 0;
    memcpy(&word, row + index * bits / 8, codes_of_word(bits) * bits / 8);
    return word;
}

/// The code that stands for zero before the minimum is added.
KVA_INLINE float middle_of(const kva_affine_format *format) {
    return format->is_symmetric ? (float)(1u << (format->bits - 1)) : 0;
}

/// What is added to scale·(code − middle): −0 leaves every number as it is.
KVA_INLINE float minimum_of(const kva_affine_format *format, const uint16_t *minima, size_t index) {
    return format->is_symmetric ? -0.0f : kva_half_to_float(minima[index]);
}

KVA_INLINE float32x4_t decode(uint32x4_t words, int32x4_t shifts, unsigned bits, float middle, float32x4_t scale,
                              float32x4_t minimum) {
    const uint32x4_t codes = vandq_u32(vshlq_u32(words, shifts), vdupq_n_u32((1u << bits) - 1));
    return vfmaq_f32(minimum, scale, vsubq_f32(vcvtq_f32_u32(codes), vdupq_n_f32(middle)));
}

KVA_INLINE size_t group_length(size_t length, size_t group_size, size_t group) {
    const size_t rest = length - group * group_size;
    return rest < group_size ? rest : group_size;
}

// MARK: - Groups of channels: a row is a token

KVA_INLINE void decode_row(const kva_affine_shape *shape, unsigned bits, size_t token, const uint8_t *codes,
                           const uint16_t *scales, const uint16_t *minima, float *x) {
    const int32_t b = (int32_t)bits;
    const int32_t low[4] = {0, -b, -2 * b, -3 * b}, high[4] = {-4 * b, -5 * b, -6 * b, -7 * b};
    const size_t step = codes_of_word(bits), size = shape->format.group_size;
    const float middle = middle_of(&shape->format);
    const uint8_t *row = codes + token * shape->row_bytes;
    x += token * shape->token_stride;
    for (size_t group = 0; group < shape->groups_per_row; group++) {
        const size_t index = token * shape->groups_per_row + group;
        const float scale = kva_half_to_float(scales[index]), minimum = minimum_of(&shape->format, minima, index);
        const float32x4_t scaled = vdupq_n_f32(scale), offset = vdupq_n_f32(minimum);
        size_t i = group * size;
        const size_t end = i + group_length(shape->channels, size, group);
        for (; i + step <= end; i += step) {
            const uint32x4_t word = vdupq_n_u32(word_at(row, i, bits));
            vst1q_f32(x + i, decode(word, vld1q_s32(low), bits, middle, scaled, offset));
            if (bits < 8) { vst1q_f32(x + i + 4, decode(word, vld1q_s32(high), bits, middle, scaled, offset)); }
        }
        for (; i < end; i++) { x[i] = scale * ((float)kva_row_code(row, i, bits) - middle) + minimum; }
    }
}

void kva_neon_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const void *scales, const void *minima, float *x) {
    if (!fits(shape)) {
        kva_reference_dequantize_channel_groups(shape, first_token, token_count, codes, scales, minima, x);
        return;
    }
    for (size_t token = first_token; token < first_token + token_count; token++) {
        switch (shape->format.bits) {
            case 1: decode_row(shape, 1, token, codes, scales, minima, x); break;
            case 2: decode_row(shape, 2, token, codes, scales, minima, x); break;
            case 3: decode_row(shape, 3, token, codes, scales, minima, x); break;
            case 4: decode_row(shape, 4, token, codes, scales, minima, x); break;
            default: decode_row(shape, 8, token, codes, scales, minima, x); break;
        }
    }
}

// MARK: - Groups of tokens: a row is a channel

/// Four channels, one in each lane.
KVA_INLINE void decode_channels(const kva_affine_shape *shape, unsigned bits, size_t channel, const uint8_t *codes,
                                const uint16_t *scales, const uint16_t *minima, float *x) {
    const size_t stride = shape->token_stride, step = codes_of_word(bits), size = shape->format.group_size;
    const float middle = middle_of(&shape->format);
    const uint8_t *rows = codes + channel * shape->row_bytes;
    x += channel;
    for (size_t group = 0; group < shape->groups_per_row; group++) {
        float scale[CHANNELS_AT_ONCE], minimum[CHANNELS_AT_ONCE];
        for (size_t lane = 0; lane < CHANNELS_AT_ONCE; lane++) {
            const size_t index = (channel + lane) * shape->groups_per_row + group;
            scale[lane] = kva_half_to_float(scales[index]);
            minimum[lane] = minimum_of(&shape->format, minima, index);
        }
        size_t i = group * size;
        const size_t end = i + group_length(shape->tokens, size, group);
        for (; i + step <= end; i += step) {
            uint32_t word[CHANNELS_AT_ONCE];
            for (size_t lane = 0; lane < CHANNELS_AT_ONCE; lane++) {
                word[lane] = word_at(rows + lane * shape->row_bytes, i, bits);
            }
            for (size_t t = 0; t < step; t++) {
                const int32x4_t shift = vdupq_n_s32(-(int32_t)(bits * t));
                const float32x4_t scaled = vld1q_f32(scale), offset = vld1q_f32(minimum);
                vst1q_f32(x + (i + t) * stride, decode(vld1q_u32(word), shift, bits, middle, scaled, offset));
            }
        }
        for (; i < end; i++) {
            for (size_t lane = 0; lane < CHANNELS_AT_ONCE; lane++) {
                const unsigned code = kva_row_code(rows + lane * shape->row_bytes, i, bits);
                x[i * stride + lane] = scale[lane] * ((float)code - middle) + minimum[lane];
            }
        }
    }
}

void kva_neon_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                      const uint8_t *codes, const void *scales, const void *minima, float *x) {
    const size_t end = first_channel + channel_count;
    size_t channel = first_channel;
    for (; fits(shape) && channel + CHANNELS_AT_ONCE <= end; channel += CHANNELS_AT_ONCE) {
        switch (shape->format.bits) {
            case 1: decode_channels(shape, 1, channel, codes, scales, minima, x); break;
            case 2: decode_channels(shape, 2, channel, codes, scales, minima, x); break;
            case 3: decode_channels(shape, 3, channel, codes, scales, minima, x); break;
            case 4: decode_channels(shape, 4, channel, codes, scales, minima, x); break;
            default: decode_channels(shape, 8, channel, codes, scales, minima, x); break;
        }
    }
    if (channel < end) {
        kva_reference_dequantize_token_groups(shape, channel, end - channel, codes, scales, minima, x);
    }
}

#endif
