#if defined(__x86_64__)

#include <immintrin.h>

#include "avx512.h"
#include "../../reference/reference.h"

#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)

uint64_t kva_avx512_plain_read(const uint8_t *bytes, size_t count) {
    // Sums that do not wait for each other, so that loads alone set the pace.
    __m512i sums[4];
    for (size_t j = 0; j < 4; j++) { sums[j] = _mm512_setzero_si512(); }
    size_t i = 0;
    for (; i + 256 <= count; i += 256) {
        for (size_t j = 0; j < 4; j++) {
            sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(bytes + i + 64 * j));
        }
    }
    for (size_t j = 1; j < 4; j++) { sums[0] = _mm512_add_epi64(sums[0], sums[j]); }
    uint64_t lanes[8];
    _mm512_storeu_si512(lanes, sums[0]);
    uint64_t total = kva_reference_plain_read(bytes + i, count - i);
    for (size_t j = 0; j < 8; j++) { total += lanes[j]; }
    return total;
}

#pragma clang attribute pop

#endif
