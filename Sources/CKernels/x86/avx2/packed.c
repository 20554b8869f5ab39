#if defined(__x86_64__)

#include "../../reference/panel.h"
#include "../../reference/reference.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "../../shared/packed_factors.h"
#include "../../shared/packed_attention.h"

// MARK: - Products of a panel

// maddubs sums two byte products in 16 bits, and so do the eight quads of a unit before they are widened:
// codes are at most 15 and digits at least −128, and 8 · 2 · 15 · 128 < 2^15.

/// Adds one digit of the codes of `reduced` (16 or 32) elements, whose factors begin at `element`, of half the
/// lanes of a panel: 0…7 and 16…23, or 8…15 and 24…31.
KVA_INLINE void add_plane(const uint8_t *plane, unsigned width, int weight, size_t reduced, unsigned digits, size_t queries,
                          size_t ahead, const factors *work, size_t element, __m256i sums[QUERIES_AT_ONCE][3][2]) {
    const size_t quads = 4 / width, bytes = digits == 3 ? 4 : 2;
    __m256i words[QUERIES_AT_ONCE][3][2];
    for (size_t query = 0; query < queries; query++) {
        for (unsigned d = 0; d < digits; d++) { words[query][d][0] = words[query][d][1] = _mm256_setzero_si256(); }
    }
    for (size_t chunk = 0; chunk < reduced / (4 * quads); chunk++) {
        if (ahead > 0) { kva_prefetch(plane + 64 * chunk, ahead, 64); }
        const __m256i raw = _mm256_loadu_si256((const __m256i *)(const void *)(plane + 64 * chunk));
        const __m256i mask = _mm256_set1_epi8((char)((1 << width) - 1));
        for (size_t quad = 0; quad < quads; quad++) {
            const int shift = (int)(2 * quad * width);
            const __m256i lower = _mm256_and_si256(shift == 0 ? raw : _mm256_srli_epi16(raw, shift), mask);
            const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(raw, shift + (int)width), mask);
            for (size_t query = 0; query < queries; query++) {
                // One digit is the upper one of two.
                for (unsigned d = 0; d < digits; d++) {
                    const size_t place = 4 * bytes * (chunk * quads + quad) + 4 * (digits == 1 ? 1 : d);
                    int32_t four;
                    memcpy(&four, work->digits + query * work->row_bytes + bytes * element + place, 4);
                    const __m256i factors = _mm256_set1_epi32(four);
                    words[query][d][0] = _mm256_add_epi16(words[query][d][0], _mm256_maddubs_epi16(lower, factors));
                    words[query][d][1] = _mm256_add_epi16(words[query][d][1], _mm256_maddubs_epi16(upper, factors));
                }
            }
        }
    }
    for (size_t query = 0; query < queries; query++) {
        for (unsigned d = 0; d < digits; d++) {
            for (size_t half = 0; half < 2; half++) {
                const __m256i wide = _mm256_madd_epi16(words[query][d][half], _mm256_set1_epi16((short)weight));
                sums[query][d][half] = _mm256_add_epi32(sums[query][d][half], wide);
            }
        }
    }
}

KVA_INLINE void products_of(unsigned bits, unsigned digits, size_t queries, const panel_work *given) {
    // A copy, which no store can be thought to change.
    const panel_work work = *given;
    const unsigned first = kva_first_digit_bits(bits), second = bits - first;
    for (size_t side = 0; side < 2; side++) {
        __m256i sums[QUERIES_AT_ONCE][3][2];
        for (size_t query = 0; query < queries; query++) {
            for (unsigned d = 0; d < digits; d++) { sums[query][d][0] = sums[query][d][1] = _mm256_setzero_si256(); }
        }
        for (size_t panel = 0; panel < work.panels; panel++) {
            const uint8_t *plane = work.panel + panel * work.stride + 32 * side, *next = plane + kva_panel_bytes(work.reduced, first);
            for (size_t element = 0; element < work.reduced; element += UNIT) {
                const size_t count = work.reduced - element < UNIT ? UNIT / 2 : UNIT, place = panel * work.reduced + element;
                const size_t ahead = side == 0 ? work.ahead : 0;
                add_plane(plane + kva_panel_bytes(element, first), first, 1, count, digits, queries, ahead, work.work, place, sums);
                if (second > 0) {
                    add_plane(next + kva_panel_bytes(element, second), second, 1 << first, count, digits, queries, ahead,
                              work.work, place, sums);
                }
            }
        }
        for (size_t query = 0; query < queries; query++) {
            for (size_t half = 0; half < 2; half++) {
                __m256 total = _mm256_setzero_ps();
                for (unsigned d = digits; d-- > 0;) {
                    total = _mm256_fmadd_ps(total, _mm256_set1_ps(256), _mm256_cvtepi32_ps(sums[query][d][half]));
                }
                float *place = work.result + query * work.result_stride + 16 * half + 8 * side;
                const __m256 step = _mm256_set1_ps(work.work->step[query]);
                const __m256 sum = _mm256_fmadd_ps(total, step, _mm256_set1_ps(work.work->offset[query]));
                _mm256_storeu_ps(place, work.adds ? _mm256_add_ps(sum, _mm256_loadu_ps(place)) : sum);
            }
        }
    }
}

#include "../../shared/packed_products.h"

// MARK: - Table

void kva_avx2_packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    packed_scores(keys, queries, scores);
}

void kva_avx2_packed_values(const kva_packed_side *values, const float *weights, float *output) {
    packed_values(values, weights, output);
}

#pragma clang attribute pop

#endif
