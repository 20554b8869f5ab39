#if defined(__x86_64__)

#include "../../reference/panel.h"
#include "../../reference/reference.h"
#include "avx512.h"
#include "lanes.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

#include "../../shared/packed_factors.h"
#include "../../shared/packed_attention.h"

// MARK: - Products of a panel

/// What the codes of lanes 16…31 are multiplied by, since they are masked where they lie.
KVA_INLINE float upper_factor(unsigned bits) { return bits == 8 ? 1 : (float)(1u << kva_first_digit_bits(bits)); }

/// One digit of 64 bytes: in `x[s]` that of lanes 16·(s & 1)… and the reduced elements 4·(s >> 1)….
KVA_INLINE void unpack(__m512i raw, unsigned bits, unsigned digit, __m512i *x) {
    if (bits == 8) {
        const __m512i mask = _mm512_set1_epi8(digit == 0 ? 0x0F : (char)0xF0);
        x[0] = _mm512_and_si512(digit == 0 ? raw : _mm512_slli_epi16(raw, 4), mask);
        x[1] = _mm512_and_si512(digit == 0 ? _mm512_srli_epi16(raw, 4) : raw, mask);
    } else if (bits == 4) {
        x[0] = _mm512_and_si512(raw, _mm512_set1_epi8(0x0F));
        x[1] = _mm512_and_si512(raw, _mm512_set1_epi8((char)0xF0));
    } else if (bits == 1) {
        for (int pair = 0; pair < 4; pair++) {
            const __m512i shifted = _mm512_srli_epi16(raw, (unsigned)(2 * pair));
            x[2 * pair] = _mm512_and_si512(shifted, _mm512_set1_epi8(1));
            x[2 * pair + 1] = _mm512_and_si512(shifted, _mm512_set1_epi8(2));
        }
    } else if (digit == 0) {
        const __m512i high = _mm512_srli_epi16(raw, 4);
        x[0] = _mm512_and_si512(raw, _mm512_set1_epi8(0x03));
        x[1] = _mm512_and_si512(raw, _mm512_set1_epi8(0x0C));
        x[2] = _mm512_and_si512(high, _mm512_set1_epi8(0x03));
        x[3] = _mm512_and_si512(high, _mm512_set1_epi8(0x0C));
    } else {
        // The third bit: worth 4, and in the upper lanes 4 · 4.
        for (int pair = 0; pair < 4; pair++) {
            const __m512i four = 2 * pair < 2 ? _mm512_slli_epi16(raw, 2) : _mm512_srli_epi16(raw, (unsigned)(2 * pair - 2));
            const __m512i sixteen =
                2 * pair < 3 ? _mm512_slli_epi16(raw, (unsigned)(3 - 2 * pair)) : _mm512_srli_epi16(raw, (unsigned)(2 * pair - 3));
            x[2 * pair] = _mm512_and_si512(four, _mm512_set1_epi8(4));
            x[2 * pair + 1] = _mm512_and_si512(sixteen, _mm512_set1_epi8(16));
        }
    }
}

/// Adds one digit of the codes of a panel, whose factors begin at `element`.
KVA_INLINE void add_plane(const uint8_t *plane, unsigned bits, unsigned digit, const panel_work *work, unsigned digits,
                          size_t queries, int split, size_t element, __m512i sums[QUERIES_AT_ONCE][3][2][2]) {
    const uint8_t *digit_rows = work->work->digits;
    const size_t row_bytes = work->work->row_bytes;
    const unsigned width = digit == 0 ? kva_first_digit_bits(bits) : bits - kva_first_digit_bits(bits);
    const size_t quads = 4 / width, bytes = digits == 3 ? 4 : 2;
    for (size_t chunk = 0; chunk < work->reduced / (4 * quads); chunk++) {
        __m512i x[8];
        kva_prefetch(plane + 64 * chunk, work->ahead, 64);
        unpack(_mm512_loadu_si512(plane + 64 * chunk), bits, digit, x);
        for (size_t query = 0; query < queries; query++) {
            const uint8_t *factor = digit_rows + query * row_bytes + bytes * (element + chunk * 4 * quads);
            for (size_t quad = 0; quad < quads; quad++) {
                // One digit is the upper one of two.
                for (unsigned d = 0; d < digits; d++) {
                    int32_t four;
                    memcpy(&four, factor + 4 * bytes * quad + 4 * (digits == 1 ? 1 : d), 4);
                    const __m512i factors = _mm512_set1_epi32(four);
                    const size_t set = split ? (quads > 1 ? quad : chunk) % 2 : 0;
                    __m512i *lower = &sums[query][d][0][set], *upper = &sums[query][d][1][set];
                    *lower = _mm512_dpbusd_epi32(*lower, x[2 * quad], factors);
                    *upper = _mm512_dpbusd_epi32(*upper, x[2 * quad + 1], factors);
                }
            }
        }
    }
}

KVA_INLINE void products_of(unsigned bits, unsigned digits, size_t queries, const panel_work *given) {
    // A copy, which no store can be thought to change.
    const panel_work work = *given;
    // Few sums wait for each other: give them a second set.
    const int split = queries * digits <= 3;
    __m512i sums[QUERIES_AT_ONCE][3][2][2];
    for (size_t query = 0; query < queries; query++) {
        for (unsigned d = 0; d < digits; d++) {
            for (int half = 0; half < 2; half++) {
                for (int set = 0; set <= split; set++) { sums[query][d][half][set] = _mm512_setzero_si512(); }
            }
        }
    }
    for (size_t panel = 0; panel < work.panels; panel++) {
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
