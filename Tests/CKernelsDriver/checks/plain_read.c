#include "../driver.h"

CHECK(plain_read) {
    FOR_LENGTHS(count) {
        const float *x = sample(GAUSSIAN, count);
        describe_case("%zu bytes", count * sizeof x[0]);
        uint64_t got = tables->fast->plain_read((const uint8_t *)x, count * sizeof x[0]);
        uint64_t expected = tables->reference->plain_read((const uint8_t *)x, count * sizeof x[0]);
        expect_same_bytes(&got, &expected, sizeof got);
        end_case();
    }
}
