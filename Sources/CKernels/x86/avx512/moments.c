#if defined(__x86_64__)

#include "moments_inline.h"

void kva_avx512_moment_sweep(const kva_moment_sweep *sweep) {
    // One block of tokens at a time, so that both directions read it while it is in cache.
    for (size_t token = 0; token < sweep->tokens; token += KVA_TOKENS_PER_BLOCK) {
        const size_t rest = sweep->tokens - token, tokens = rest < KVA_TOKENS_PER_BLOCK ? rest : KVA_TOKENS_PER_BLOCK;
        const kva_moment_sweep block = kva_part_of(sweep, token, tokens, 0, sweep->channels);
        if (sweep->channel_moments) {
            kva_avx512_moment_sweep_channels(&block);
        } else if (sweep->counters) {
            kva_reference_count_bins(&block);
        }
        if (sweep->token_moments) { kva_avx512_moment_sweep_tokens(&block); }
    }
}

#endif
