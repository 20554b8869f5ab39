#ifndef KVATLAS_X86_MOMENT_BLOCKS_H
#define KVATLAS_X86_MOMENT_BLOCKS_H

// What the moment sweeps of every vector width share: how a slab is cut, how the sums of
// a block join the records, and how bins are counted.

#include <math.h>
#include <string.h>

#include "../reference/reference.h"
#include "../shared/centred_powers.h"

enum {
    /// Tokens summed in float32, about their mean, before they are added to double, by partial sums.
    KVA_TOKENS_PER_SUM = 64,
    KVA_TOKENS_PER_PARTIAL_SUM = 16,
    /// Tokens that a group of channels goes down at once: what brings its counters into cache must pay off.
    KVA_TOKENS_PER_BLOCK = 256,
    KVA_MOST_LANES = 32,
};

/// Sums of a group of neighbouring channels over one block of tokens.
typedef struct {
    double power1[KVA_MOST_LANES], power2[KVA_MOST_LANES], power3[KVA_MOST_LANES], power4[KVA_MOST_LANES];
    double absolute[KVA_MOST_LANES];
    float minimum[KVA_MOST_LANES], maximum[KVA_MOST_LANES];
} kva_block_sums;

/// A part of the slab.
static inline kva_moment_sweep kva_part_of(const kva_moment_sweep *sweep, size_t token, size_t tokens, size_t channel,
                                           size_t channels) {
    kva_moment_sweep part = *sweep;
    const size_t offset = (token * sweep->token_stride + channel) * (sweep->is_half ? 2 : 4);
    part.elements = (const char *)sweep->elements + offset;
    part.tokens = tokens;
    part.channels = channels;
    part.channel_moments = sweep->channel_moments ? sweep->channel_moments + channel : 0;
    part.token_moments = sweep->token_moments ? sweep->token_moments + token : 0;
    part.counters = sweep->counters ? sweep->counters + channel * KVA_HISTOGRAM_BINS : 0;
    return part;
}

/// Where lines lie that are read after a group of channels: `step` bytes further for each token of the block.
typedef struct {
    uintptr_t address;
    size_t step;
} kva_next_lines;

/// Going down channels leaps over what lies beside them, which defeats the processor's own prefetching. So each
/// group fetches its share of the next block, in the order of memory if nothing lies between the tokens, else
/// its own channels of it. An address beyond the slab's end is harmless.
static inline kva_next_lines kva_next_lines_of(const kva_moment_sweep *sweep, const kva_moment_sweep *group,
                                               size_t token, size_t channel) {
    const size_t size = sweep->is_half ? 2 : 4, row = sweep->token_stride * size;
    const uintptr_t end = (uintptr_t)sweep->elements + (token + group->tokens) * row;
    if (sweep->token_stride != sweep->channels) { return (kva_next_lines){end + channel * size, row}; }
    return (kva_next_lines){end + channel * group->tokens * size, group->channels * size};
}

/// Joins a block's sums with the records of its channels. A channel with NaN, infinity or an overflow in
/// float32 shows in its fourth powers or absolute sum, and goes through the reference.
static inline void kva_join_block(const kva_moment_sweep *block, const kva_block_sums *sums) {
    for (size_t j = 0; j < block->channels; j++) {
        kva_moments *moments = block->channel_moments + j;
        if (!isfinite(sums->power4[j]) || !isfinite(sums->absolute[j])) {
            kva_moment_sweep part = kva_part_of(block, 0, block->tokens, j, 1);
            part.token_moments = 0;
            part.counters = 0;
            kva_reference_moment_sweep(&part);
            continue;
        }
        moments->minimum = sums->minimum[j] < moments->minimum ? sums->minimum[j] : moments->minimum;
        moments->maximum = sums->maximum[j] > moments->maximum ? sums->maximum[j] : moments->maximum;
        moments->power1 += sums->power1[j];
        moments->power2 += sums->power2[j];
        moments->power3 += sums->power3[j];
        moments->power4 += sums->power4[j];
        moments->sum_absolute += sums->absolute[j];
        moments->count += block->tokens;
    }
}

/// Bins of a group of channels over KVA_TOKENS_PER_SUM tokens, [token][lane], that wait to be counted.
///
/// Counting is bound by one store an element and leaves the vector units idle, so that
/// it is done step by step, one step beside each row of the next group's sums.
typedef struct {
    const uint16_t *bins;
    uint16_t *counters;
} kva_pending_bins;

/// Counts four channels over `rows` tokens: four at a time, so that their counters stay in the first-level cache
/// and runs of equal elements do not wait for each other's counter. Counts all after lanes/4 · 64/rows steps.
static inline __attribute__((always_inline)) void kva_count_step(const kva_pending_bins *pending, size_t lanes,
                                                                 size_t rows, size_t step) {
    const size_t steps = KVA_TOKENS_PER_SUM / rows, lane = step / steps * 4;
    const uint16_t *bins = pending->bins + step % steps * rows * lanes + lane;
    uint16_t *counters = pending->counters + lane * KVA_HISTOGRAM_BINS;
    for (size_t row = 0; row < rows; row++) {
        for (size_t j = 0; j < 4; j++) { counters[j * KVA_HISTOGRAM_BINS + bins[row * lanes + j]]++; }
    }
}

static inline __attribute__((always_inline)) void kva_count_pending(kva_pending_bins *pending, size_t lanes) {
    if (!pending->counters) { return; }
    for (size_t step = 0; step < lanes / 4; step++) { kva_count_step(pending, lanes, KVA_TOKENS_PER_SUM, step); }
    pending->counters = 0;
}

#endif
