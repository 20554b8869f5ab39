#include "../driver.h"

CHECK(encode_blocks) {
    static const size_t bytes[] = {34, 24, 22, 20, 18, 18};
    for (int type = 0; type < 6; type++) {
        FOR_KINDS(kind) {
            for (size_t blocks = 0; blocks < 6; blocks++) {
                const float *x = sample(kind, 32 * blocks);
                uint8_t *got = exact_bytes(blocks * bytes[type]), *expected = exact_bytes(blocks * bytes[type]);
                describe_case("%s, type %d, %zu blocks", sample_name(kind), type, blocks);
                tables->fast->encode_blocks(x, blocks, (kva_block_type)type, got);
                tables->reference->encode_blocks(x, blocks, (kva_block_type)type, expected);
                expect_same_bytes(got, expected, blocks * bytes[type]);
                end_case();
            }
        }
    }
}
