#include "reference.h"
#include "scalars.h"

static inline size_t bin_of(const kva_moment_sweep *sweep, size_t index) {
    const uint16_t half = sweep->is_half ? ((const uint16_t *)sweep->elements)[index]
                                         : kva_float_to_half_towards_zero(((const float *)sweep->elements)[index]);
    return half >> 5;
}

void kva_reference_count_bins(const kva_moment_sweep *sweep) {
    // Few channels at a time, so that the counters in use, 4 KB a channel, stay in the first-level cache.
    enum { TOGETHER = 4 };
    for (size_t first = 0; first < sweep->channels; first += TOGETHER) {
        const size_t rest = sweep->channels - first, count = rest < TOGETHER ? rest : TOGETHER;
        uint16_t *counters = sweep->counters + first * KVA_HISTOGRAM_BINS;
        for (size_t token = 0; token < sweep->tokens; token++) {
            const size_t index = token * sweep->token_stride + first;
            for (size_t j = 0; j < count; j++) { counters[j * KVA_HISTOGRAM_BINS + bin_of(sweep, index + j)]++; }
        }
    }
}
