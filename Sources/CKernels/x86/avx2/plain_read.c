#if defined(__x86_64__)

#include <immintrin.h>

#include "avx2.h"
#include "../../reference/reference.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

uint64_t kva_avx2_plain_read(const uint8_t *bytes, size_t count) {
    // Sums that do not wait for each other, so that loads alone set the pace.
    __m256i sums[8];
    for (size_t j = 0; j < 8; j++) { sums[j] = _mm256_setzero_si256(); }
    size_t i = 0;
    for (; i + 256 <= count; i += 256) {
        for (size_t j = 0; j < 8; j++) {
            sums[j] = _mm256_add_epi64(sums[j], _mm256_loadu_si256((const __m256i *)(bytes + i + 32 * j)));
        }
    }
    for (size_t j = 1; j < 8; j++) { sums[0] = _mm256_add_epi64(sums[0], sums[j]); }
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes, sums[0]);
    uint64_t total = kva_reference_plain_read(bytes + i, count - i);
    for (size_t j = 0; j < 4; j++) { total += lanes[j]; }
    return total;
}

#pragma clang attribute pop

#endif
