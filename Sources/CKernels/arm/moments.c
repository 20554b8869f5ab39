#if defined(__aarch64__)

#include "../shared/centred_powers.h"
#include "neon_inline.h"

// Sums run in float32 over at most 64 tokens, about their mean (or 512 channels, 64 in a lane, about the token's shift),
// and are then added to double: relative error of each against its sum of absolute terms below (64 + 4) · 2^-24. A piece
// with a NaN or infinity shows in x·0 and goes through the reference, which counts them.

enum { TOKENS_PER_PIECE = 64, TOKENS_PER_PARTIAL_SUM = 16, CHANNELS_PER_PIECE = 512 };

typedef struct {
    float32x4_t minimum, maximum, absolute, power1, power2, power3, power4, poison;
} lanes;

KVA_INLINE lanes lanes_begin(void) {
    const float32x4_t zero = vdupq_n_f32(0);
    return (lanes){vdupq_n_f32(INFINITY), vdupq_n_f32(-INFINITY), zero, zero, zero, zero, zero, zero};
}

KVA_INLINE void lanes_add(lanes *sums, float32x4_t x, float32x4_t shift) {
    const float32x4_t d = vsubq_f32(x, shift), square = vmulq_f32(d, d);
    sums->minimum = vminq_f32(x, sums->minimum);
    sums->maximum = vmaxq_f32(x, sums->maximum);
    sums->absolute = vaddq_f32(sums->absolute, vabsq_f32(x));
    sums->power1 = vaddq_f32(sums->power1, d);
    sums->power2 = vaddq_f32(sums->power2, square);
    sums->power3 = vfmaq_f32(sums->power3, square, d);
    sums->power4 = vfmaq_f32(sums->power4, square, square);
    sums->poison = vfmaq_n_f32(sums->poison, x, 0);
}

KVA_INLINE float32x4_t without_minus_zero(float32x4_t x) { return vaddq_f32(x, vdupq_n_f32(0)); }

/// Whether any element was NaN or infinite, or a float32 power overflowed.
KVA_INLINE int lanes_unusable(const lanes *sums) {
    const float32x4_t powers = vaddq_f32(sums->power4, vabsq_f32(sums->power3));
    const float32x4_t all = vfmaq_n_f32(sums->poison, powers, 0);
    return vminvq_u32(vceqq_f32(all, all)) == 0;
}

/// A part of the slab, for the reference.
static kva_moment_sweep part_of(const kva_moment_sweep *sweep, size_t token, size_t tokens, size_t channel,
                                size_t channels) {
    kva_moment_sweep part = *sweep;
    const size_t offset = (token * sweep->token_stride + channel) * (sweep->is_half ? 2 : 4);
    part.elements = (const char *)sweep->elements + offset;
    part.tokens = tokens;
    part.channels = channels;
    part.channel_moments = sweep->channel_moments ? sweep->channel_moments + channel : 0;
    part.token_moments = sweep->token_moments ? sweep->token_moments + token : 0;
    return part;
}

/// The mean of some tokens of four channels, to rounding; of equal elements exactly.
KVA_INLINE float32x4_t mean_of(const kva_moment_sweep *sweep, int is_half, size_t index, size_t tokens) {
    const float32x4_t first = kva_load_elements(sweep->elements, index, is_half);
    float32x4_t sum = vdupq_n_f32(0);
    for (size_t t = 1; t < tokens; t++) {
        const float32x4_t x = kva_load_elements(sweep->elements, index + t * sweep->token_stride, is_half);
        sum = vaddq_f32(sum, vsubq_f32(x, first));
    }
    return vaddq_f32(first, vdivq_f32(sum, vdupq_n_f32((float)tokens)));
}

/// Sums of four channels over some tokens about `centre`, from partial sums.
KVA_INLINE lanes sums_of(const kva_moment_sweep *sweep, int is_half, size_t index, size_t tokens,
                         float32x4_t centre) {
    lanes sums = lanes_begin();
    for (size_t start = 0; start < tokens; start += TOKENS_PER_PARTIAL_SUM) {
        const size_t end = tokens < start + TOKENS_PER_PARTIAL_SUM ? tokens : start + TOKENS_PER_PARTIAL_SUM;
        lanes partial = lanes_begin();
        for (size_t t = start; t < end; t++) {
            lanes_add(&partial, kva_load_elements(sweep->elements, index + t * sweep->token_stride, is_half), centre);
        }
        sums.minimum = vminq_f32(partial.minimum, sums.minimum);
        sums.maximum = vmaxq_f32(partial.maximum, sums.maximum);
        sums.absolute = vaddq_f32(sums.absolute, partial.absolute);
        sums.power1 = vaddq_f32(sums.power1, partial.power1);
        sums.power2 = vaddq_f32(sums.power2, partial.power2);
        sums.power3 = vaddq_f32(sums.power3, partial.power3);
        sums.power4 = vaddq_f32(sums.power4, partial.power4);
        sums.poison = vaddq_f32(sums.poison, partial.poison);
    }
    return sums;
}

KVA_INLINE void sweep_channels(const kva_moment_sweep *sweep, int is_half, size_t token, size_t tokens) {
    const size_t whole = sweep->channels / 4 * 4;
    for (size_t channel = 0; channel < whole; channel += 4) {
        kva_moments *moments = sweep->channel_moments + channel;
        const float shifts[4] = {moments[0].shift, moments[1].shift, moments[2].shift, moments[3].shift};
        const size_t first = token * sweep->token_stride + channel;
        const float32x4_t centre = mean_of(sweep, is_half, first, tokens);
        const lanes sums = sums_of(sweep, is_half, first, tokens, centre);
        if (lanes_unusable(&sums)) {
            kva_moment_sweep part = part_of(sweep, token, tokens, channel, 4);
            part.token_moments = 0;
            kva_reference_moment_sweep(&part);
            continue;
        }
        float sum[7][4], centres[4];
        double powers[4][4] = {{0}};
        vst1q_f32(sum[0], without_minus_zero(sums.minimum));
        vst1q_f32(sum[1], without_minus_zero(sums.maximum));
        vst1q_f32(sum[2], sums.absolute);
        vst1q_f32(sum[3], sums.power1);
        vst1q_f32(sum[4], sums.power2);
        vst1q_f32(sum[5], sums.power3);
        vst1q_f32(sum[6], sums.power4);
        vst1q_f32(centres, centre);
        const kva_centred_powers centred = {centres, sum[3], sum[4], sum[5], sum[6]};
        kva_add_centred_powers(&centred, 4, tokens, shifts, powers[0], powers[1], powers[2], powers[3]);
        for (size_t j = 0; j < 4; j++) {
            moments[j].minimum = sum[0][j] < moments[j].minimum ? sum[0][j] : moments[j].minimum;
            moments[j].maximum = sum[1][j] > moments[j].maximum ? sum[1][j] : moments[j].maximum;
            moments[j].sum_absolute += sum[2][j];
            moments[j].power1 += powers[0][j];
            moments[j].power2 += powers[1][j];
            moments[j].power3 += powers[2][j];
            moments[j].power4 += powers[3][j];
            moments[j].count += tokens;
        }
    }
    if (whole < sweep->channels) {
        kva_moment_sweep part = part_of(sweep, token, tokens, whole, sweep->channels - whole);
        part.token_moments = 0;
        kva_reference_moment_sweep(&part);
    }
}

KVA_INLINE void sweep_token(const kva_moment_sweep *sweep, int is_half, size_t token) {
    kva_moments *moments = sweep->token_moments + token;
    const float32x4_t shift = vdupq_n_f32(moments->shift);
    const size_t whole = sweep->channels / 8 * 8;
    for (size_t first = 0; first < whole; first += CHANNELS_PER_PIECE) {
        const size_t count = whole - first < CHANNELS_PER_PIECE ? whole - first : CHANNELS_PER_PIECE;
        lanes even = lanes_begin(), odd = lanes_begin();
        for (size_t channel = first; channel < first + count; channel += 8) {
            const size_t index = token * sweep->token_stride + channel;
            lanes_add(&even, kva_load_elements(sweep->elements, index, is_half), shift);
            lanes_add(&odd, kva_load_elements(sweep->elements, index + 4, is_half), shift);
        }
        if (lanes_unusable(&even) || lanes_unusable(&odd)) {
            kva_moment_sweep part = part_of(sweep, token, 1, first, count);
            part.channel_moments = 0;
            kva_reference_moment_sweep(&part);
            continue;
        }
        const float minimum = vminvq_f32(without_minus_zero(vminq_f32(even.minimum, odd.minimum)));
        const float maximum = vmaxvq_f32(without_minus_zero(vmaxq_f32(even.maximum, odd.maximum)));
        moments->minimum = minimum < moments->minimum ? minimum : moments->minimum;
        moments->maximum = maximum > moments->maximum ? maximum : moments->maximum;
        moments->sum_absolute += vaddvq_f32(vaddq_f32(even.absolute, odd.absolute));
        moments->power1 += vaddvq_f32(vaddq_f32(even.power1, odd.power1));
        moments->power2 += vaddvq_f32(vaddq_f32(even.power2, odd.power2));
        moments->power3 += vaddvq_f32(vaddq_f32(even.power3, odd.power3));
        moments->power4 += vaddvq_f32(vaddq_f32(even.power4, odd.power4));
        moments->count += count;
    }
    if (whole < sweep->channels) {
        kva_moment_sweep part = part_of(sweep, token, 1, whole, sweep->channels - whole);
        part.channel_moments = 0;
        kva_reference_moment_sweep(&part);
    }
}

KVA_INLINE void sweep_slab(const kva_moment_sweep *sweep, int is_half) {
    // One piece of tokens at a time, so that both directions read it while it is in cache.
    for (size_t token = 0; token < sweep->tokens; token += TOKENS_PER_PIECE) {
        const size_t rest = sweep->tokens - token, tokens = rest < TOKENS_PER_PIECE ? rest : TOKENS_PER_PIECE;
        if (sweep->channel_moments) { sweep_channels(sweep, is_half, token, tokens); }
        if (sweep->token_moments) {
            for (size_t t = 0; t < tokens; t++) { sweep_token(sweep, is_half, token + t); }
        }
    }
}

void kva_neon_moment_sweep(const kva_moment_sweep *given) {
    kva_moment_sweep sweep = *given;
    if (sweep.counters) { kva_reference_count_bins(&sweep); }
    // Parts that go through the reference are not to be counted again.
    sweep.counters = 0;
    if (sweep.is_half) {
        sweep_slab(&sweep, 1);
    } else {
        sweep_slab(&sweep, 0);
    }
}

#endif
