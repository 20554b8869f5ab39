#if defined(__aarch64__)

#include "neon_inline.h"

// Four or eight codes come as one word, of which each lane takes its own bits by a shift. scale·code is exact in
// float32, so that multiply-add rounds as the reference does. Groups that begin within a byte, and what is left
// of a group behind whole words, go through the reference.

enum { CHANNELS_AT_ONCE = 4 };

KVA_INLINE size_t codes_of_word(unsigned bits) { return bits == 8 ? 4 : 8; }

/// The codes from a whole byte on: no byte behind them is read.
KVA_INLINE uint32_t word_at(const uint8_t *row, size_t position, unsigned bits) {
    uint32_t word = 0;
    memcpy(&word, row + position / 8, codes_of_word(bits) * bits / 8);
    return word;
}

KVA_INLINE float32x4_t decode(uint32x4_t words, int32x4_t shifts, unsigned bits, float32x4_t scale,
                              float32x4_t minimum) {
    const uint32x4_t codes = vandq_u32(vshlq_u32(words, shifts), vdupq_n_u32((1u << bits) - 1));
    return vfmaq_f32(minimum, scale, vcvtq_f32_u32(codes));
}

KVA_INLINE size_t group_length(size_t length, size_t group_size, size_t group) {
    const size_t rest = length - group * group_size;
    return rest < group_size ? rest : group_size;
}

KVA_INLINE float32x4_t widened(uint16_t half) { return kva_widen_halves(vdup_n_u16(half)); }

// MARK: - Groups of channels: a row is a token

KVA_INLINE void decode_row(const kva_affine_shape *shape, unsigned bits, const uint8_t *row, const uint16_t *scales,
                           const uint16_t *minima, float *x) {
    const int32_t b = (int32_t)bits;
    const int32_t low[4] = {0, -b, -2 * b, -3 * b}, high[4] = {-4 * b, -5 * b, -6 * b, -7 * b};
    for (size_t group = 0; group < shape->groups_per_row; group++) {
        const size_t first = group * shape->group_size;
        const size_t count = group_length(shape->channels, shape->group_size, group);
        const float32x4_t scale = widened(scales[group]), minimum = widened(minima[group]);
        size_t i = 0;
        for (; i + codes_of_word(bits) <= count; i += codes_of_word(bits)) {
            const uint32x4_t word = vdupq_n_u32(word_at(row, (first + i) * bits, bits));
            vst1q_f32(x + first + i, decode(word, vld1q_s32(low), bits, scale, minimum));
            if (bits < 8) { vst1q_f32(x + first + i + 4, decode(word, vld1q_s32(high), bits, scale, minimum)); }
        }
        if (i < count) {
            kva_reference_dequantize_group(row, (first + i) * bits, bits, scales[group], minima[group], x + first + i,
                                           1, count - i);
        }
    }
}

void kva_neon_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                        const uint8_t *codes, const uint16_t *scales, const uint16_t *minima,
                                        float *x) {
    if (shape->group_size * shape->bits % 8 != 0 && shape->groups_per_row > 1) {
        kva_reference_dequantize_channel_groups(shape, first_token, token_count, codes, scales, minima, x);
        return;
    }
    for (size_t token = first_token; token < first_token + token_count; token++) {
        const uint8_t *row = codes + token * shape->row_bytes;
        const size_t group = token * shape->groups_per_row;
        const uint16_t *scale = scales + group, *minimum = minima + group;
        float *target = x + token * shape->token_stride;
        switch (shape->bits) {
            case 1: decode_row(shape, 1, row, scale, minimum, target); break;
            case 2: decode_row(shape, 2, row, scale, minimum, target); break;
            case 3: decode_row(shape, 3, row, scale, minimum, target); break;
            case 4: decode_row(shape, 4, row, scale, minimum, target); break;
            default: decode_row(shape, 8, row, scale, minimum, target); break;
        }
    }
}

// MARK: - Groups of tokens: a row is a channel

/// Four channels, one in each lane.
KVA_INLINE void decode_channels(const kva_affine_shape *shape, unsigned bits, const uint8_t *rows,
                                const uint16_t *scales, const uint16_t *minima, float *x) {
    const size_t stride = shape->token_stride, groups = shape->groups_per_row;
    for (size_t group = 0; group < groups; group++) {
        const size_t first = group * shape->group_size;
        const size_t count = group_length(shape->tokens, shape->group_size, group);
        uint16_t scale[CHANNELS_AT_ONCE], minimum[CHANNELS_AT_ONCE];
        for (size_t lane = 0; lane < CHANNELS_AT_ONCE; lane++) {
            scale[lane] = scales[lane * groups + group];
            minimum[lane] = minima[lane * groups + group];
        }
        const float32x4_t factor = kva_widen_halves(vld1_u16(scale)), offset = kva_widen_halves(vld1_u16(minimum));
        size_t i = 0;
        for (; i + codes_of_word(bits) <= count; i += codes_of_word(bits)) {
            uint32_t word[CHANNELS_AT_ONCE];
            for (size_t lane = 0; lane < CHANNELS_AT_ONCE; lane++) {
                word[lane] = word_at(rows + lane * shape->row_bytes, (first + i) * bits, bits);
            }
            const uint32x4_t words = vld1q_u32(word);
            for (size_t t = 0; t < codes_of_word(bits); t++) {
                const int32x4_t shift = vdupq_n_s32(-(int32_t)(bits * t));
                vst1q_f32(x + (first + i + t) * stride, decode(words, shift, bits, factor, offset));
            }
        }
        for (size_t lane = 0; lane < CHANNELS_AT_ONCE && i < count; lane++) {
            kva_reference_dequantize_group(rows + lane * shape->row_bytes, (first + i) * bits, bits, scale[lane],
                                           minimum[lane], x + (first + i) * stride + lane, stride, count - i);
        }
    }
}

void kva_neon_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                      const uint8_t *codes, const uint16_t *scales, const uint16_t *minima, float *x) {
    const size_t end = first_channel + channel_count;
    size_t channel = first_channel;
    if (shape->group_size * shape->bits % 8 == 0 || shape->groups_per_row < 2) {
        for (; channel + CHANNELS_AT_ONCE <= end; channel += CHANNELS_AT_ONCE) {
            const uint8_t *rows = codes + channel * shape->row_bytes;
            const size_t group = channel * shape->groups_per_row;
            const uint16_t *scale = scales + group, *minimum = minima + group;
            switch (shape->bits) {
                case 1: decode_channels(shape, 1, rows, scale, minimum, x + channel); break;
                case 2: decode_channels(shape, 2, rows, scale, minimum, x + channel); break;
                case 3: decode_channels(shape, 3, rows, scale, minimum, x + channel); break;
                case 4: decode_channels(shape, 4, rows, scale, minimum, x + channel); break;
                default: decode_channels(shape, 8, rows, scale, minimum, x + channel); break;
            }
        }
    }
    if (channel < end) {
        kva_reference_dequantize_token_groups(shape, channel, end - channel, codes, scales, minima, x);
    }
}

#endif
