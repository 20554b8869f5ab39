#include <math.h>

#include "reference.h"
#include "scalars.h"

static inline void record(kva_moments *moments, float x) {
    if (isnan(x)) {
        moments->nan_count++;
    } else if (isinf(x)) {
        moments->infinity_count++;
    } else {
        const double difference = (double)x - moments->shift, square = difference * difference;
        // −0 + 0 is 0.
        const float value = x + 0.0f;
        moments->count++;
        moments->minimum = value < moments->minimum ? value : moments->minimum;
        moments->maximum = value > moments->maximum ? value : moments->maximum;
        moments->sum_absolute += fabs((double)x);
        moments->power1 += difference;
        moments->power2 += square;
        moments->power3 += square * difference;
        moments->power4 += square * square;
    }
}

void kva_reference_moment_sweep(const kva_moment_sweep *sweep) {
    if (sweep->counters) { kva_reference_count_bins(sweep); }
    if (!sweep->channel_moments && !sweep->token_moments) { return; }
    for (size_t token = 0; token < sweep->tokens; token++) {
        for (size_t channel = 0; channel < sweep->channels; channel++) {
            const size_t index = token * sweep->token_stride + channel;
            const float x = sweep->is_half ? kva_half_to_float(((const uint16_t *)sweep->elements)[index])
                                           : ((const float *)sweep->elements)[index];
            if (sweep->channel_moments) { record(&sweep->channel_moments[channel], x); }
            if (sweep->token_moments) { record(&sweep->token_moments[token], x); }
        }
    }
}
