#include "reference.h"
#include "scalars.h"

#include "../shared/cache_blocks.h"

void kva_reference_encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target) {
    encode_blocks(x, blocks, type, target);
}

static float load_half(const uint8_t *source) {
    uint16_t half;
    memcpy(&half, source, sizeof half);
    return kva_half_to_float(half);
}

void kva_decode_iq4_nl(const uint8_t *source, size_t blocks, float *y) {
    for (size_t block = 0; block < blocks; block++, source += 18, y += SIZE) {
        const float scale = load_half(source);
        for (int i = 0; i < HALF; i++) {
            y[i] = scale * iq4_nl_levels[source[2 + i] & 15];
            y[HALF + i] = scale * iq4_nl_levels[source[2 + i] >> 4];
        }
    }
}
