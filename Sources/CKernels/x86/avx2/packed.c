#if defined(__x86_64__)

#include "../../reference/panel.h"
#include "../../reference/reference.h"
#include "../../reference/scalars.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "../../shared/packed_factors.h"
#include "../../shared/packed_attention.h"

// MARK: - Products of a panel

// maddubs sums two byte products in 16 bits, and so do the eight quads of a unit before they are widened: codes
// times what they are shifted by are at most 15, digits at least −128, and 8 · 2 · 15 · 128 < 2^15.

/// Codes of the upper lanes stay where they are, times 2^width, where that fits; else they are shifted down.
KVA_INLINE unsigned kept_shift(unsigned width) { return width < 4 ? width : 0; }

/// Sums of a panel: [factor, that is, query and digit][lanes 0…7, 8…15 and 16 more of each].
typedef struct {
    __m256i of[3 * QUERIES_AT_ONCE][4];
} panel_sums;

/// The lanes in hand: bytes of a chunk and upper or lower fields of a byte, as ranges.
typedef struct {
    size_t first_side, end_side, first_half, end_half;
} lane_range;

/// Adds one digit of the codes of `reduced` (16 or 32) elements, whose factors begin at `digits_at`.
KVA_INLINE void add_plane(const uint8_t *plane, unsigned width, int weight, size_t reduced, unsigned digits,
                          size_t queries, lane_range lanes, size_t ahead, const uint8_t *digits_at, size_t row_bytes,
                          panel_sums *sums) {
    const size_t quads = 4 / width;
    const unsigned kept = kept_shift(width);
    const __m256i masks[2] = {_mm256_set1_epi8((char)((1 << width) - 1)),
                              _mm256_set1_epi8((char)(((1 << width) - 1) << kept))};
    __m256i words[3 * QUERIES_AT_ONCE][4];
    for (size_t i = 0; i < queries * digits; i++) {
        for (size_t place = 0; place < 4; place++) { words[i][place] = _mm256_setzero_si256(); }
    }
#pragma clang loop unroll(disable)
    for (size_t chunk = 0; chunk < reduced / (4 * quads); chunk++) {
        if (lanes.first_side == 0 && lanes.first_half == 0) { kva_prefetch(plane + 64 * chunk, ahead, 64); }
        __m256i raw[2];
        for (size_t side = lanes.first_side; side < lanes.end_side; side++) {
            raw[side] = _mm256_loadu_si256((const __m256i *)(const void *)(plane + 64 * chunk + 32 * side));
        }
#pragma clang loop unroll(full)
        for (size_t quad = 0; quad < quads; quad++) {
            __m256i codes[4];
            for (size_t side = lanes.first_side; side < lanes.end_side; side++) {
                for (size_t half = lanes.first_half; half < lanes.end_half; half++) {
                    const int shift = (int)(2 * quad * width + (half == 1 ? width - kept : 0));
                    const __m256i moved = shift == 0 ? raw[side] : _mm256_srli_epi16(raw[side], shift);
                    codes[2 * side + half] = _mm256_and_si256(moved, masks[half]);
                }
            }
#pragma clang loop unroll(full)
            for (size_t i = 0; i < queries * digits; i++) {
                int32_t four;
                const size_t at = i / digits * row_bytes + digit_place(digits, chunk * quads + quad, i % digits);
                memcpy(&four, digits_at + at, 4);
                const __m256i factors = _mm256_set1_epi32(four);
                for (size_t side = lanes.first_side; side < lanes.end_side; side++) {
                    for (size_t half = lanes.first_half; half < lanes.end_half; half++) {
                        const size_t place = 2 * side + half;
                        const __m256i products = _mm256_maddubs_epi16(codes[place], factors);
                        words[i][place] = _mm256_add_epi16(words[i][place], products);
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < queries * digits; i++) {
        for (size_t side = lanes.first_side; side < lanes.end_side; side++) {
            for (size_t half = lanes.first_half; half < lanes.end_half; half++) {
                const size_t place = 2 * side + half;
                const __m256i factor = _mm256_set1_epi16((short)(half == 0 ? weight << kept : weight));
                sums->of[i][place] = _mm256_add_epi32(sums->of[i][place], _mm256_madd_epi16(words[i][place], factor));
            }
        }
    }
}

/// Adds both digits of the codes of `reduced` elements from `element` on; returns where the next factors begin.
KVA_INLINE const uint8_t *add_element_codes(const panel_work *work, const uint8_t *plane, size_t element, unsigned bits,
                                            size_t reduced, unsigned digits, size_t queries, lane_range lanes,
                                            const uint8_t *digits_at, size_t row_bytes, panel_sums *sums) {
    const unsigned first = kva_first_digit_bits(bits), second = bits - first;
    add_plane(plane + kva_panel_bytes(element, first), first, 1, reduced, digits, queries, lanes, work->ahead,
              digits_at, row_bytes, sums);
    if (second > 0) {
        const uint8_t *next = plane + kva_panel_bytes(work->reduced, first) + kva_panel_bytes(element, second);
        // The sums are 2^kept times what they should be.
        const int weight = 1 << (first + kept_shift(first) - kept_shift(second));
        add_plane(next, second, weight, reduced, digits, queries, lanes, work->ahead, digits_at, row_bytes, sums);
    }
    return digits_at + reduced * factor_bytes(digits);
}

/// The products of some lanes of all panels.
KVA_INLINE void lanes_of(unsigned bits, unsigned digits, size_t queries, lane_range lanes, const panel_work *given) {
    // A copy, which no store can be thought to change.
    panel_work work = *given;
    const unsigned kept = kept_shift(kva_first_digit_bits(bits));
    const size_t row_bytes = work.work->row_bytes;
    panel_sums sums;
    for (size_t i = 0; i < queries * digits; i++) {
        for (size_t place = 0; place < 4; place++) { sums.of[i][place] = _mm256_setzero_si256(); }
    }
    const uint8_t *digits_at = work.work->digits;
    for (size_t panel = 0; panel < work.panels; panel++, work.ahead -= work.ahead_step) {
        const uint8_t *plane = work.panel + panel * work.stride;
        size_t element = 0;
        for (; element + UNIT <= work.reduced; element += UNIT) {
            digits_at = add_element_codes(&work, plane, element, bits, UNIT, digits, queries, lanes, digits_at,
                                          row_bytes, &sums);
        }
        if (element < work.reduced) {
            digits_at = add_element_codes(&work, plane, element, bits, UNIT / 2, digits, queries, lanes, digits_at,
                                          row_bytes, &sums);
        }
    }
    for (size_t query = 0; query < queries; query++) {
        const __m256 step = _mm256_set1_ps(work.work->step[query] / (float)(1 << kept));
        const __m256 offset = _mm256_set1_ps(work.work->offset[query]);
        for (size_t side = lanes.first_side; side < lanes.end_side; side++) {
            for (size_t half = lanes.first_half; half < lanes.end_half; half++) {
                __m256 total = _mm256_setzero_ps();
                for (unsigned d = digits; d-- > 0;) {
                    const __m256 sum = _mm256_cvtepi32_ps(sums.of[query * digits + d][2 * side + half]);
                    total = d + 1 == digits ? sum : _mm256_fmadd_ps(total, _mm256_set1_ps(256), sum);
                }
                float *place = work.result + query * work.result_stride + 16 * half + 8 * side;
                const __m256 sum = _mm256_fmadd_ps(total, step, offset);
                _mm256_storeu_ps(place, work.adds ? _mm256_add_ps(sum, _mm256_loadu_ps(place)) : sum);
            }
        }
    }
}

/// As many lanes at a time as have room for their sums in eight registers.
KVA_INLINE void products_of(unsigned bits, unsigned digits, size_t queries, const panel_work *work) {
    if (queries * digits <= 2) {
        lanes_of(bits, digits, queries, (lane_range){0, 2, 0, 2}, work);
    } else if (queries * digits <= 4) {
        lanes_of(bits, digits, queries, (lane_range){0, 1, 0, 2}, work);
        lanes_of(bits, digits, queries, (lane_range){1, 2, 0, 2}, work);
    } else {
        lanes_of(bits, digits, queries, (lane_range){0, 1, 0, 1}, work);
        lanes_of(bits, digits, queries, (lane_range){1, 2, 0, 1}, work);
        lanes_of(bits, digits, queries, (lane_range){0, 1, 1, 2}, work);
        lanes_of(bits, digits, queries, (lane_range){1, 2, 1, 2}, work);
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
