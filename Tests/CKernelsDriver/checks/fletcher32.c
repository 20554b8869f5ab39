#include "../driver.h"

CHECK(fletcher32) {
    FOR_LENGTHS(count) {
        const uint8_t *bytes = (const uint8_t *)sample(GAUSSIAN, count);
        for (size_t cut = 0; cut <= count * 4 && cut <= 40; cut += 2) {
            describe_case("%zu bytes, cut after %zu", count * 4, cut);
            kva_fletcher32 got = {0, 0}, expected = {0, 0};
            tables->fast->fletcher32(&got, bytes, cut);
            tables->fast->fletcher32(&got, bytes + cut, count * 4 - cut);
            tables->reference->fletcher32(&expected, bytes, count * 4);
            expect_same_bytes(&got, &expected, sizeof got);
        }
        end_case();
    }
}
