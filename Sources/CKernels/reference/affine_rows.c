#include "affine_group.h"
#include "row_codes.h"

// Uniform quantization into rows, the KIVI reference's layout.

typedef struct {
    size_t first_row, rows, length;
    /// Elements between rows, and between neighbours of one row, in the unpacked slab.
    size_t row_stride, stride;
} row_walk;

static inline size_t group_length(size_t length, size_t group_size, size_t group) {
    const size_t rest = length - group * group_size;
    return rest < group_size ? rest : group_size;
}

static void quantize(const void *x, const kva_affine_shape *shape, row_walk walk, uint8_t *codes, void *scales,
                     void *minima) {
    const kva_affine_format *format = &shape->format;
    for (size_t row = walk.first_row; row < walk.first_row + walk.rows; row++) {
        uint8_t *target = codes + row * shape->row_bytes;
        memset(target, 0, shape->row_bytes);
        for (size_t g = 0; g < shape->groups_per_row; g++) {
            const size_t first = g * format->group_size, index = row * shape->groups_per_row + g;
            const size_t place = row * walk.row_stride + first * walk.stride;
            const size_t count = group_length(walk.length, format->group_size, g);
            const kva_affine_group group = kva_affine_group_of(x, place, walk.stride, count, format);
            kva_affine_put(scales, index, group.scale, format);
            if (!format->is_symmetric) { kva_affine_put(minima, index, group.minimum, format); }
            for (size_t i = 0; i < count; i++) {
                const float value = kva_affine_element(x, place + i * walk.stride, format);
                kva_row_set(target, first + i, format->bits, kva_affine_code(value, &group, format));
            }
        }
    }
}

static void dequantize(const kva_affine_shape *shape, row_walk walk, const uint8_t *codes, const void *scales,
                       const void *minima, float *x) {
    const kva_affine_format *format = &shape->format;
    for (size_t row = walk.first_row; row < walk.first_row + walk.rows; row++) {
        for (size_t g = 0; g < shape->groups_per_row; g++) {
            const size_t first = g * format->group_size, index = row * shape->groups_per_row + g;
            const kva_affine_group group = {
                kva_affine_get(scales, index, format),
                format->is_symmetric ? 0 : kva_affine_get(minima, index, format),
            };
            for (size_t i = 0; i < group_length(walk.length, format->group_size, g); i++) {
                const unsigned code = kva_row_code(codes + row * shape->row_bytes, first + i, format->bits);
                x[row * walk.row_stride + (first + i) * walk.stride] = kva_affine_decoded(code, &group, format);
            }
        }
    }
}

void kva_reference_quantize_token_groups(const void *x, const kva_affine_shape *shape, size_t first_channel,
                                         size_t channel_count, uint8_t *codes, void *scales, void *minima) {
    const row_walk walk = {first_channel, channel_count, shape->tokens, 1, shape->token_stride};
    quantize(x, shape, walk, codes, scales, minima);
}

void kva_reference_quantize_channel_groups(const void *x, const kva_affine_shape *shape, size_t first_token,
                                           size_t token_count, uint8_t *codes, void *scales, void *minima) {
    const row_walk walk = {first_token, token_count, shape->channels, shape->token_stride, 1};
    quantize(x, shape, walk, codes, scales, minima);
}

void kva_reference_dequantize_token_groups(const kva_affine_shape *shape, size_t first_channel, size_t channel_count,
                                           const uint8_t *codes, const void *scales, const void *minima, float *x) {
    const row_walk walk = {first_channel, channel_count, shape->tokens, 1, shape->token_stride};
    dequantize(shape, walk, codes, scales, minima, x);
}

void kva_reference_dequantize_channel_groups(const kva_affine_shape *shape, size_t first_token, size_t token_count,
                                             const uint8_t *codes, const void *scales, const void *minima, float *x) {
    const row_walk walk = {first_token, token_count, shape->channels, shape->token_stride, 1};
    dequantize(shape, walk, codes, scales, minima, x);
}
