// Attention over packed keys and values but for the sum of four byte products. Included once for each
//
//   int32x4_t add_four_products(int32x4_t sum, int8x16_t codes, int8x16_t digits)
//
// Four lanes of both halves of a panel make one column: 16 of each 64 bytes. As many columns go by at once as let
// the sums of all queries and digits stay in registers.

#include "../shared/packed_factors.h"
#include "../shared/packed_attention.h"

typedef int32x4_t panel_sums[QUERIES_AT_ONCE][3][4][2];

/// One digit of 16 bytes: in `x[s]` that of the lanes 16·(s & 1)… and of the reduced elements 4·(s >> 1)….
KVA_INLINE void unpack(uint8x16_t raw, unsigned width, int8x16_t *x) {
    const uint8x16_t mask = vdupq_n_u8((uint8_t)((1u << width) - 1));
    for (unsigned s = 0; s < 8 / width; s++) {
        const uint8x16_t shifted = vshlq_u8(raw, vdupq_n_s8((int8_t)-(int)(width * s)));
        x[s] = vreinterpretq_s8_u8(vandq_u8(shifted, mask));
    }
}

/// Adds one digit, which begins at `plane`, of the codes of all panels.
KVA_INLINE void add_planes(const panel_work *work, const uint8_t *plane, unsigned width, unsigned digits,
                           size_t queries, size_t columns, int fetches, panel_sums sums) {
    const size_t quads = 4 / width, bytes = factor_bytes(digits);
    for (size_t panel = 0; panel < work->panels; panel++) {
        for (size_t chunk = 0; chunk < work->reduced / (4 * quads); chunk++) {
            const uint8_t *place = plane + panel * work->stride + 64 * chunk;
            const size_t element = panel * work->reduced + chunk * 4 * quads;
            int8x16_t x[4][8];
            if (fetches) { kva_prefetch(place, work->ahead - panel * work->ahead_step, 64); }
            for (size_t c = 0; c < columns; c++) { unpack(vld1q_u8(place + 16 * c), width, x[c]); }
            for (size_t query = 0; query < queries; query++) {
                const uint8_t *factor = work->work->digits + query * work->work->row_bytes + bytes * element;
                for (size_t quad = 0; quad < quads; quad++) {
                    for (unsigned d = 0; d < digits; d++) {
                        int32_t four;
                        memcpy(&four, factor + digit_place(digits, quad, d), sizeof four);
                        const int8x16_t factors = vreinterpretq_s8_s32(vdupq_n_s32(four));
                        for (size_t column = 0; column < columns; column++) {
                            int32x4_t *sum = sums[query][d][column];
                            sum[0] = add_four_products(sum[0], x[column][2 * quad], factors);
                            sum[1] = add_four_products(sum[1], x[column][2 * quad + 1], factors);
                        }
                    }
                }
            }
        }
    }
}

KVA_INLINE void products_of(unsigned bits, unsigned digits, size_t queries, const panel_work *given) {
    // A copy, which no store can be thought to change.
    const panel_work work = *given;
    const size_t columns = queries == 1 ? 4 : queries == 2 ? 2 : 1;
    const unsigned first = kva_first_digit_bits(bits), second = bits - first;
    for (size_t column = 0; column < 4; column += columns) {
        const uint8_t *plane = work.panel + 16 * column;
        const int fetches = column == 0 && work.ahead > 0;
        panel_sums sums;
        for (size_t query = 0; query < queries; query++) {
            for (unsigned d = 0; d < digits; d++) {
                for (size_t c = 0; c < columns; c++) { sums[query][d][c][0] = sums[query][d][c][1] = vdupq_n_s32(0); }
            }
        }
        if (second > 0) {
            // The upper digits go first: what they sum to is then worth 2^first.
            const int32x4_t shift = vdupq_n_s32((int)first);
            add_planes(&work, plane + kva_panel_bytes(work.reduced, first), second, digits, queries, columns, fetches,
                       sums);
            for (size_t query = 0; query < queries; query++) {
                for (unsigned d = 0; d < digits; d++) {
                    for (size_t c = 0; c < columns; c++) {
                        sums[query][d][c][0] = vshlq_s32(sums[query][d][c][0], shift);
                        sums[query][d][c][1] = vshlq_s32(sums[query][d][c][1], shift);
                    }
                }
            }
        }
        add_planes(&work, plane, first, digits, queries, columns, fetches, sums);
        for (size_t query = 0; query < queries; query++) {
            const float32x4_t offset = vdupq_n_f32(work.work->offset[query]);
            for (size_t c = 0; c < columns; c++) {
                for (size_t half = 0; half < 2; half++) {
                    float32x4_t total = vdupq_n_f32(0);
                    for (unsigned d = digits; d-- > 0;) {
                        total = vfmaq_n_f32(vcvtq_f32_s32(sums[query][d][c][half]), total, 256);
                    }
                    float *place = work.result + query * work.result_stride + 16 * half + 4 * (column + c);
                    const float32x4_t sum = vfmaq_n_f32(offset, total, work.work->step[query]);
                    vst1q_f32(place, work.adds ? vaddq_f32(sum, vld1q_f32(place)) : sum);
                }
            }
        }
    }
}

#include "../shared/packed_products.h"
