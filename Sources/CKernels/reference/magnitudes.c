#include <math.h>

#include "reference.h"
#include "scalars.h"

void kva_reference_count_magnitudes(const kva_magnitude_count *count) {
    for (size_t token = 0; token < count->tokens; token++) {
        for (size_t channel = 0; channel < count->channels; channel++) {
            const size_t index = token * count->token_stride + channel;
            const float x = fabsf(count->is_half ? kva_half_to_float(((const uint16_t *)count->elements)[index])
                                                 : ((const float *)count->elements)[index]);
            for (size_t k = 0; k < KVA_MAGNITUDES; k++) {
                count->counts[channel * KVA_MAGNITUDES + k] += x >= count->thresholds[k] && x < INFINITY;
            }
        }
    }
}
