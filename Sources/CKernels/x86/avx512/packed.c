#if defined(__x86_64__)

#include "../../reference/panel.h"
#include "../../reference/reference.h"
#include "../../reference/scalars.h"
#include "avx512.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

#include "../../shared/packed_factors.h"
#include "../../shared/packed_attention.h"

// MARK: - Products of a panel

/// What the codes of lanes 16…31 are multiplied by, since they are masked where they lie.
KVA_INLINE float upper_factor(unsigned bits) { return bits == 8 ? 1 : (float)(1u << kva_first_digit_bits(bits)); }

/// Of one digit of 64 bytes the codes of reduced elements 4·quad…: of the lower sixteen lanes and of the upper.
KVA_INLINE void unpack(__m512i raw, unsigned bits, unsigned digit, unsigned quad, __m512i *lower, __m512i *upper) {
    const unsigned first = 2 * quad;
    if (bits == 8) {
        const __m512i mask = _mm512_set1_epi8(digit == 0 ? 0x0F : (char)0xF0);
        *lower = _mm512_and_si512(digit == 0 ? raw : _mm512_slli_epi16(raw, 4), mask);
        *upper = _mm512_and_si512(digit == 0 ? _mm512_srli_epi16(raw, 4) : raw, mask);
    } else if (bits == 4) {
        *lower = _mm512_and_si512(raw, _mm512_set1_epi8(0x0F));
        *upper = _mm512_and_si512(raw, _mm512_set1_epi8((char)0xF0));
    } else if (bits == 1) {
        const __m512i shifted = _mm512_srli_epi16(raw, first);
        *lower = _mm512_and_si512(shifted, _mm512_set1_epi8(1));
        *upper = _mm512_and_si512(shifted, _mm512_set1_epi8(2));
    } else if (digit == 0) {
        const __m512i shifted = quad == 0 ? raw : _mm512_srli_epi16(raw, 4);
        *lower = _mm512_and_si512(shifted, _mm512_set1_epi8(0x03));
        *upper = _mm512_and_si512(shifted, _mm512_set1_epi8(0x0C));
    } else {
        // The third bit: worth 4, and in the upper lanes 4 · 4.
        const __m512i four = first < 2 ? _mm512_slli_epi16(raw, 2 - first) : _mm512_srli_epi16(raw, first - 2);
        const __m512i sixteen = first < 3 ? _mm512_slli_epi16(raw, 3 - first) : _mm512_srli_epi16(raw, first - 3);
        *lower = _mm512_and_si512(four, _mm512_set1_epi8(4));
        *upper = _mm512_and_si512(sixteen, _mm512_set1_epi8(16));
    }
}

/// Adds one digit of the codes of a panel, whose factors begin at `element`.
KVA_INLINE void add_plane(const uint8_t *plane, unsigned bits, unsigned digit, const panel_work *work, unsigned digits,
                          size_t queries, int split, size_t element, __m512i sums[QUERIES_AT_ONCE][3][2][2]) {
    const unsigned width = digit == 0 ? kva_first_digit_bits(bits) : bits - kva_first_digit_bits(bits);
    const size_t quads = 4 / width, row_bytes = work->work->row_bytes;
    const uint8_t *factor = work->work->digits + factor_bytes(digits) * element;
    // Two chunks of four bits at a time, so that each set of sums has a fixed place.
    const size_t chunks = work->reduced / (4 * quads), together = quads == 1 ? 2 : 1;
    for (size_t first = 0; first < chunks; first += together) {
        for (size_t chunk = first; chunk < first + together; chunk++) {
            kva_prefetch(plane + 64 * chunk, work->ahead, 64);
            const __m512i raw = _mm512_loadu_si512(plane + 64 * chunk);
            for (unsigned quad = 0; quad < quads; quad++) {
                __m512i lower, upper;
                unpack(raw, bits, digit, quad, &lower, &upper);
                const size_t set = split ? (quads > 1 ? quad : chunk - first) % 2 : 0;
                for (size_t query = 0; query < queries; query++) {
                    for (unsigned d = 0; d < digits; d++) {
                        int32_t four;
                        memcpy(&four, factor + query * row_bytes + digit_place(digits, chunk * quads + quad, d), 4);
                        const __m512i factors = _mm512_set1_epi32(four);
                        sums[query][d][0][set] = _mm512_dpbusd_epi32(sums[query][d][0][set], lower, factors);
                        sums[query][d][1][set] = _mm512_dpbusd_epi32(sums[query][d][1][set], upper, factors);
                    }
                }
            }
        }
    }
}

KVA_INLINE void products_of(unsigned bits, unsigned digits, size_t queries, const panel_work *given) {
    // A copy, which no store can be thought to change.
    panel_work work = *given;
    // Few sums wait for each other: give them a second set.
    const int split = queries * digits <= 4;
    __m512i sums[QUERIES_AT_ONCE][3][2][2];
    for (size_t query = 0; query < queries; query++) {
        for (unsigned d = 0; d < digits; d++) {
            for (int half = 0; half < 2; half++) {
                for (int set = 0; set <= split; set++) { sums[query][d][half][set] = _mm512_setzero_si512(); }
            }
        }
    }
    for (size_t panel = 0; panel < work.panels; panel++, work.ahead -= work.ahead_step) {
        const uint8_t *plane = work.panel + panel * work.stride;
        add_plane(plane, bits, 0, &work, digits, queries, split, panel * work.reduced, sums);
        if (kva_first_digit_bits(bits) < bits) {
            plane += kva_panel_bytes(work.reduced, kva_first_digit_bits(bits));
            add_plane(plane, bits, 1, &work, digits, queries, split, panel * work.reduced, sums);
        }
    }
    for (size_t query = 0; query < queries; query++) {
        for (int half = 0; half < 2; half++) {
            __m512 total = _mm512_setzero_ps();
            for (unsigned d = digits; d-- > 0;) {
                __m512i sum = sums[query][d][half][0];
                if (split) { sum = _mm512_add_epi32(sum, sums[query][d][half][1]); }
                total = _mm512_fmadd_ps(total, _mm512_set1_ps(256), _mm512_cvtepi32_ps(sum));
            }
            const float step = work.work->step[query] * (half ? 1 / upper_factor(bits) : 1);
            float *place = work.result + query * work.result_stride + 16 * half;
            const __m512 sum = _mm512_fmadd_ps(total, _mm512_set1_ps(step), _mm512_set1_ps(work.work->offset[query]));
            _mm512_storeu_ps(place, work.adds ? _mm512_add_ps(sum, _mm512_loadu_ps(place)) : sum);
        }
    }
}

#include "../../shared/packed_products.h"

// MARK: - Table

void kva_avx512_packed_scores(const kva_packed_side *keys, const float *queries, float *scores) {
    packed_scores(keys, queries, scores);
}

void kva_avx512_packed_values(const kva_packed_side *values, const float *weights, float *output) {
    packed_values(values, weights, output);
}

#pragma clang attribute pop

#endif
