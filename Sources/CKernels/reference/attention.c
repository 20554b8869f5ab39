#include "reference.h"
#include "scalars.h"

static inline float element(const kva_attention_side *side, size_t token, size_t channel) {
    const size_t index = token * side->token_stride + channel;
    return side->is_half ? kva_half_to_float(((const uint16_t *)side->elements)[index])
                         : ((const float *)side->elements)[index];
}

void kva_reference_attention_scores(const kva_attention_side *keys, const float *queries, float *scores) {
    for (size_t query = 0; query < keys->group; query++) {
        for (size_t token = 0; token < keys->tokens; token++) {
            double sum = 0;
            for (size_t channel = 0; channel < keys->channels; channel++) {
                sum += (double)queries[query * keys->channels + channel] * element(keys, token, channel);
            }
            scores[query * keys->score_stride + token] = (float)sum;
        }
    }
}

void kva_reference_attention_values(const kva_attention_side *values, const float *weights, float *output) {
    for (size_t query = 0; query < values->group; query++) {
        for (size_t channel = 0; channel < values->channels; channel++) {
            double sum = output[query * values->channels + channel];
            for (size_t token = 0; token < values->tokens; token++) {
                sum += (double)weights[query * values->score_stride + token] * element(values, token, channel);
            }
            output[query * values->channels + channel] = (float)sum;
        }
    }
}
