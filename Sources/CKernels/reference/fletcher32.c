#include "reference.h"

/// The remainder modulo 65,535 that end-around carries leave: 0 of 0 alone, else from 1 to 65,535.
static inline uint32_t fold(uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

void kva_reference_fletcher32(kva_fletcher32 *sums, const uint8_t *bytes, size_t count) {
    uint32_t first = sums->first, second = sums->second;
    while (count > 1) {
        // As many words as can be added before 32 bits overflow: 360 · 361 / 2 · 65,535 + 361 · 65,535 < 2^32.
        size_t words = count / 2 < 360 ? count / 2 : 360;
        count -= 2 * words;
        for (; words > 0; words--, bytes += 2) {
            first += (uint32_t)bytes[0] << 8 | bytes[1];
            second += first;
        }
        first = fold(first);
        second = fold(second);
    }
    if (count == 1) {
        first = fold(first + ((uint32_t)bytes[0] << 8));
        second = fold(second + first);
    }
    *sums = (kva_fletcher32){first, second};
}
