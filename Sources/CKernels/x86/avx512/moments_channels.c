#if defined(__x86_64__)

#include "moments_inline.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

// Sums run in float32 over at most 64 tokens and are then added to double: relative error of each
// against its sum of absolute terms below (64 + 4) · 2^-24.

enum { LANES = 32 };

/// sums += lanes
KVA_INLINE void join_16(double *sums, __m512 lanes) {
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(lanes));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(lanes, 1));
    _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), low));
    _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), high));
}

KVA_INLINE void store_extremes(kva_block_sums *block, const kva_extremes_32 *extremes, int is_half) {
    __m512 minimum[2] = {extremes->minimum[0], extremes->minimum[1]};
    __m512 maximum[2] = {extremes->maximum[0], extremes->maximum[1]};
    if (is_half) {
        const __mmask32 all_negative = _mm512_movepi16_mask(extremes->most);
        const __mmask32 any_negative = _mm512_movepi16_mask(extremes->most_unsigned);
        const __m512i most = _mm512_mask_mov_epi16(extremes->most, all_negative, extremes->least);
        const __m512i least = _mm512_mask_mov_epi16(extremes->least, any_negative, extremes->most_unsigned);
        maximum[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(most));
        maximum[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(most, 1));
        minimum[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(least));
        minimum[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(least, 1));
    }
    // −0 + 0 is 0.
    const __m512 zero = _mm512_setzero_ps();
    for (size_t j = 0; j < 2; j++) {
        _mm512_storeu_ps(block->minimum + 16 * j, _mm512_add_ps(minimum[j], zero));
        _mm512_storeu_ps(block->maximum + 16 * j, _mm512_add_ps(maximum[j], zero));
    }
}

/// A group of at most 32 channels over one block of tokens; only a whole group may be `counting`. At each
/// token a line of what is to be read next is fetched.
KVA_INLINE void sweep_block(const kva_moment_sweep *block, int is_half, kva_next_lines next, int counting,
                            kva_pending_bins *pending, uint16_t (*bins)[LANES * KVA_TOKENS_PER_SUM]) {
    float shifts[LANES] = {0};
    for (size_t j = 0; j < block->channels; j++) { shifts[j] = block->channel_moments[j].shift; }
    const __m512 shift[2] = {_mm512_loadu_ps(shifts), _mm512_loadu_ps(shifts + 16)};
    const size_t row_bytes = block->token_stride * (is_half ? 2 : 4);
    const char *row = block->elements;
    kva_block_sums total;
    memset(&total, 0, sizeof total);
    kva_extremes_32 extremes = kva_no_extremes_32();
    for (size_t first = 0; first < block->tokens; first += KVA_TOKENS_PER_SUM) {
        const size_t rest = block->tokens - first, rows = rest < KVA_TOKENS_PER_SUM ? rest : KVA_TOKENS_PER_SUM;
        kva_sums_16 sums[2] = {kva_no_sums_16(), kva_no_sums_16()};
        // The two halves of `bins` take turns: one is written while the other is counted.
        uint16_t *target = counting && pending->bins == bins[0] ? bins[1] : bins[0];
        for (size_t token = 0; token < rows; token++, row += row_bytes) {
            const kva_row_32 x = kva_load_32(row, is_half);
            for (size_t line = 0; line < LANES * (is_half ? 2 : 4); line += 64) {
                _mm_prefetch((const char *)(next.address + line), _MM_HINT_T1);
            }
            next.address += next.step;
            for (size_t j = 0; j < 2; j++) { kva_add_16(&sums[j], x.x[j], _mm512_sub_ps(x.x[j], shift[j])); }
            kva_widen_extremes_32(&extremes, &x, is_half);
            if (counting) {
                _mm512_storeu_si512(target + token * LANES, kva_bins_32(&x, is_half));
                if (pending->counters) { kva_count_step(pending, LANES, LANES / 4, token); }
            }
        }
        for (size_t j = 0; j < 2; j++) {
            join_16(total.power1 + 16 * j, sums[j].power1);
            join_16(total.power2 + 16 * j, sums[j].power2);
            join_16(total.power3 + 16 * j, sums[j].power3);
            join_16(total.power4 + 16 * j, sums[j].power4);
            join_16(total.absolute + 16 * j, sums[j].absolute);
        }
        if (counting) { *pending = (kva_pending_bins){target, block->counters}; }
    }
    store_extremes(&total, &extremes, is_half);
    kva_join_block(block, &total);
}

/// Fewer than 32 channels, copied to where 32 can be read.
static void sweep_narrow_block(const kva_moment_sweep *block) {
    float copy[KVA_TOKENS_PER_BLOCK * LANES] = {0};
    const size_t size = block->is_half ? 2 : 4;
    for (size_t token = 0; token < block->tokens; token++) {
        const char *row = (const char *)block->elements + token * block->token_stride * size;
        memcpy((char *)copy + token * LANES * size, row, block->channels * size);
    }
    kva_moment_sweep narrow = *block;
    narrow.elements = copy;
    narrow.token_stride = LANES;
    const kva_next_lines next = {(uintptr_t)copy, 0};
    if (block->is_half) {
        sweep_block(&narrow, 1, next, 0, 0, 0);
    } else {
        sweep_block(&narrow, 0, next, 0, 0, 0);
    }
}

KVA_INLINE void sweep_channels(const kva_moment_sweep *sweep, int is_half) {
    const size_t whole = sweep->channels / LANES * LANES;
    _Alignas(64) uint16_t bins[2][LANES * KVA_TOKENS_PER_SUM];
    kva_pending_bins pending = {bins[1], 0};
    for (size_t token = 0; token < sweep->tokens; token += KVA_TOKENS_PER_BLOCK) {
        const size_t rest = sweep->tokens - token, tokens = rest < KVA_TOKENS_PER_BLOCK ? rest : KVA_TOKENS_PER_BLOCK;
        // Bins are stored only for whole sums.
        const int counting = sweep->counters && tokens % KVA_TOKENS_PER_SUM == 0;
        for (size_t channel = 0; channel < whole; channel += LANES) {
            const kva_moment_sweep block = kva_part_of(sweep, token, tokens, channel, LANES);
            const kva_next_lines next = kva_next_lines_of(sweep, &block, token, channel);
            if (counting) {
                sweep_block(&block, is_half, next, 1, &pending, bins);
            } else {
                sweep_block(&block, is_half, next, 0, 0, 0);
            }
        }
        if (whole < sweep->channels) {
            const kva_moment_sweep block = kva_part_of(sweep, token, tokens, whole, sweep->channels - whole);
            sweep_narrow_block(&block);
        }
        if (sweep->counters) {
            const size_t counted = counting ? whole : 0;
            const kva_moment_sweep uncounted = kva_part_of(sweep, token, tokens, counted, sweep->channels - counted);
            kva_reference_count_bins(&uncounted);
        }
    }
    kva_count_pending(&pending, LANES);
}

void kva_avx512_moment_sweep_channels(const kva_moment_sweep *sweep) {
    if (sweep->is_half) {
        sweep_channels(sweep, 1);
    } else {
        sweep_channels(sweep, 0);
    }
}

#pragma clang attribute pop

#endif
