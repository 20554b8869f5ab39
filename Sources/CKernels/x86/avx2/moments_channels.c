#if defined(__x86_64__)

#include "moments_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Sums run in float32 over at most 64 tokens, about their mean (centred_powers.h), and are then added to double:
// relative error of each against its sum of absolute terms below (16 + 4 + 4) · 2^-24. Tokens are looked at twice for
// that. The first look leaves them as float32 side by side, since rows of some 2^n bytes keep each other out of the
// first-level cache.

enum { LANES = 16 };

/// sums += lanes
KVA_INLINE void join_8(double *sums, __m256 lanes) {
    const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(lanes));
    const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(lanes, 1));
    _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), low));
    _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), high));
}

KVA_INLINE void store_extremes(kva_block_sums *block, const kva_extremes_16 *extremes, int is_half) {
    __m256 minimum[2] = {extremes->minimum[0], extremes->minimum[1]};
    __m256 maximum[2] = {extremes->maximum[0], extremes->maximum[1]};
    if (is_half) {
        const __m256i all_negative = _mm256_srai_epi16(extremes->most, 15);
        const __m256i any_negative = _mm256_srai_epi16(extremes->most_unsigned, 15);
        const __m256i most = _mm256_blendv_epi8(extremes->most, extremes->least, all_negative);
        const __m256i least = _mm256_blendv_epi8(extremes->least, extremes->most_unsigned, any_negative);
        maximum[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(most));
        maximum[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(most, 1));
        minimum[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(least));
        minimum[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(least, 1));
    }
    // −0 + 0 is 0.
    const __m256 zero = _mm256_setzero_ps();
    for (size_t j = 0; j < 2; j++) {
        _mm256_storeu_ps(block->minimum + 8 * j, _mm256_add_ps(minimum[j], zero));
        _mm256_storeu_ps(block->maximum + 8 * j, _mm256_add_ps(maximum[j], zero));
    }
}

/// One group of channels on its way down a block.
typedef struct {
    const char *row;
    size_t row_bytes;
    kva_next_lines next;
    kva_extremes_16 extremes;
    /// Where bins go, and those of the group before.
    uint16_t *bins;
    kva_pending_bins pending;
} descent;

/// At most 64 tokens of a group, as the first look leaves them.
typedef struct {
    float x[KVA_TOKENS_PER_SUM][LANES];
    /// The mean of each lane, to rounding; of equal elements exactly.
    float centre[LANES];
} unpacked;

/// The first look: extremes, bins and the centre.
KVA_INLINE void unpack(descent *down, size_t rows, int is_half, int counting, unpacked *copy) {
    const kva_row_16 first = kva_load_16(down->row, is_half);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    const char *row = down->row;
    for (size_t token = 0; token < rows; token++, row += down->row_bytes) {
        const kva_row_16 x = kva_load_16(row, is_half);
        for (size_t j = 0; j < 2; j++) {
            _mm256_store_ps(copy->x[token] + 8 * j, x.x[j]);
            sum[j] = _mm256_add_ps(sum[j], _mm256_sub_ps(x.x[j], first.x[j]));
        }
        for (size_t line = 0; line < LANES * (is_half ? 2 : 4); line += 64) {
            _mm_prefetch((const char *)(down->next.address + line), _MM_HINT_T1);
        }
        down->next.address += down->next.step;
        kva_widen_extremes_16(&down->extremes, &x, is_half);
        if (counting) {
            _mm256_storeu_si256((__m256i *)(down->bins + token * LANES), kva_bins_16(&x, is_half));
            if (down->pending.counters) { kva_count_step(&down->pending, LANES, LANES / 8, token); }
        }
    }
    down->row = row;
    const __m256 count = _mm256_set1_ps((float)rows);
    for (size_t j = 0; j < 2; j++) {
        _mm256_store_ps(copy->centre + 8 * j, _mm256_add_ps(first.x[j], _mm256_div_ps(sum[j], count)));
    }
}

/// The second look: sums of magnitudes, and of powers about the centre.
KVA_INLINE void sum_powers(descent *down, size_t rows, int counting, const unpacked *copy, const float *shifts,
                           kva_block_sums *total) {
    const __m256 centre[2] = {_mm256_load_ps(copy->centre), _mm256_load_ps(copy->centre + 8)}, zero = _mm256_setzero_ps();
    kva_powers_8 sums[2] = {kva_no_powers_8(), kva_no_powers_8()};
    __m256 magnitude[2] = {zero, zero};
    for (size_t start = 0; start < rows; start += KVA_TOKENS_PER_PARTIAL_SUM) {
        const size_t end = rows < start + KVA_TOKENS_PER_PARTIAL_SUM ? rows : start + KVA_TOKENS_PER_PARTIAL_SUM;
        kva_powers_8 partial[2] = {kva_no_powers_8(), kva_no_powers_8()};
        __m256 partial_magnitude[2] = {zero, zero};
        for (size_t token = start; token < end; token++) {
            for (size_t j = 0; j < 2; j++) {
                const __m256 x = _mm256_load_ps(copy->x[token] + 8 * j);
                kva_add_powers_8(&partial[j], _mm256_sub_ps(x, centre[j]));
                partial_magnitude[j] = _mm256_add_ps(partial_magnitude[j], kva_absolute(x));
            }
            if (counting && down->pending.counters) {
                kva_count_step(&down->pending, LANES, LANES / 8, KVA_TOKENS_PER_SUM + token);
            }
        }
        for (size_t j = 0; j < 2; j++) {
            kva_join_powers_8(&sums[j], &partial[j]);
            magnitude[j] = _mm256_add_ps(magnitude[j], partial_magnitude[j]);
        }
    }
    float powers[4][LANES];
    for (size_t j = 0; j < 2; j++) {
        _mm256_storeu_ps(powers[0] + 8 * j, sums[j].power1);
        _mm256_storeu_ps(powers[1] + 8 * j, sums[j].power2);
        _mm256_storeu_ps(powers[2] + 8 * j, sums[j].power3);
        _mm256_storeu_ps(powers[3] + 8 * j, sums[j].power4);
        join_8(total->absolute + 8 * j, magnitude[j]);
    }
    const kva_centred_powers centred = {copy->centre, powers[0], powers[1], powers[2], powers[3]};
    kva_add_centred_powers(&centred, LANES, rows, shifts, total->power1, total->power2, total->power3, total->power4);
}

/// A group of at most 16 channels over one block of tokens; only a whole group may be `counting`. At each
/// token a line of what is to be read next is fetched.
KVA_INLINE void sweep_block(const kva_moment_sweep *block, int is_half, kva_next_lines next, int counting,
                            kva_pending_bins *pending, uint16_t (*bins)[LANES * KVA_TOKENS_PER_SUM]) {
    float shifts[LANES] = {0};
    for (size_t j = 0; j < block->channels; j++) { shifts[j] = block->channel_moments[j].shift; }
    kva_block_sums total;
    memset(&total, 0, sizeof total);
    _Alignas(32) unpacked copy;
    descent down = {block->elements, block->token_stride * (is_half ? 2 : 4), next, kva_no_extremes_16(), 0, {0, 0}};
    for (size_t first = 0; first < block->tokens; first += KVA_TOKENS_PER_SUM) {
        const size_t rest = block->tokens - first, rows = rest < KVA_TOKENS_PER_SUM ? rest : KVA_TOKENS_PER_SUM;
        if (counting) {
            // The two halves of `bins` take turns: one is written while the other is counted.
            down.bins = pending->bins == bins[0] ? bins[1] : bins[0];
            down.pending = *pending;
        }
        unpack(&down, rows, is_half, counting, &copy);
        sum_powers(&down, rows, counting, &copy, shifts, &total);
        if (counting) { *pending = (kva_pending_bins){down.bins, block->counters}; }
    }
    store_extremes(&total, &down.extremes, is_half);
    kva_join_block(block, &total);
}

/// Fewer than 16 channels, copied to where 16 can be read.
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

void kva_avx2_moment_sweep_channels(const kva_moment_sweep *sweep) {
    if (sweep->is_half) {
        sweep_channels(sweep, 1);
    } else {
        sweep_channels(sweep, 0);
    }
}

#pragma clang attribute pop

#endif
