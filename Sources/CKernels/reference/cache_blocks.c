#include "reference.h"
#include "scalars.h"

#include "../shared/cache_blocks.h"

void kva_reference_encode_blocks(const float *x, size_t blocks, kva_block_type type, uint8_t *target) {
    encode_blocks(x, blocks, type, target);
}
