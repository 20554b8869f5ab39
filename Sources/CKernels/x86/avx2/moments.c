#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "../../reference/scalars.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Sums run in float32 over at most 64 tokens (or 512 channels, 64 in a lane) and
// are then added to double: relative error of each against its sum of absolute
// terms below (64 + 4) · 2^-24. A piece with a NaN or infinity shows in x·0 and goes
// through the reference, which counts them.

enum { TOKENS_PER_PIECE = 64, CHANNELS_PER_PIECE = 512 };

typedef struct {
    __m256 minimum, maximum, absolute, power1, power2, power3, power4, poison;
} lanes;

KVA_INLINE lanes lanes_begin(void) {
    const __m256 zero = _mm256_setzero_ps();
    return (lanes){_mm256_set1_ps(INFINITY), _mm256_set1_ps(-INFINITY), zero, zero, zero, zero, zero, zero};
}

KVA_INLINE void lanes_add(lanes *sums, __m256 x, __m256 shift) {
    const __m256 d = _mm256_sub_ps(x, shift), square = _mm256_mul_ps(d, d);
    sums->minimum = _mm256_min_ps(x, sums->minimum);
    sums->maximum = _mm256_max_ps(x, sums->maximum);
    sums->absolute = _mm256_add_ps(sums->absolute, kva_absolute(x));
    sums->power1 = _mm256_add_ps(sums->power1, d);
    sums->power2 = _mm256_add_ps(sums->power2, square);
    sums->power3 = _mm256_fmadd_ps(square, d, sums->power3);
    sums->power4 = _mm256_fmadd_ps(square, square, sums->power4);
    sums->poison = _mm256_fmadd_ps(x, _mm256_setzero_ps(), sums->poison);
}

/// Whether any element was NaN or infinite, or a float32 power overflowed.
KVA_INLINE int lanes_unusable(const lanes *sums) {
    const __m256 all = _mm256_fmadd_ps(_mm256_add_ps(sums->power4, kva_absolute(sums->power3)), _mm256_setzero_ps(), sums->poison);
    return _mm256_movemask_ps(_mm256_cmp_ps(all, all, _CMP_UNORD_Q)) != 0;
}

KVA_INLINE __m256 load_8(const kva_moment_sweep *sweep, size_t index, int is_half) {
    return is_half ? kva_load_halves((const uint16_t *)sweep->elements + index)
                   : _mm256_loadu_ps((const float *)sweep->elements + index);
}

/// A part of the slab, for the reference.
static kva_moment_sweep part_of(const kva_moment_sweep *sweep, size_t token, size_t tokens, size_t channel, size_t channels) {
    kva_moment_sweep part = *sweep;
    const size_t offset = (token * sweep->token_stride + channel) * (sweep->is_half ? 2 : 4);
    part.elements = (const char *)sweep->elements + offset;
    part.tokens = tokens;
    part.channels = channels;
    part.channel_moments = sweep->channel_moments ? sweep->channel_moments + channel : 0;
    part.token_moments = sweep->token_moments ? sweep->token_moments + token : 0;
    return part;
}

KVA_INLINE void sweep_channels(const kva_moment_sweep *sweep, int is_half, size_t token, size_t tokens) {
    const size_t whole = sweep->channels / 8 * 8;
    for (size_t channel = 0; channel < whole; channel += 8) {
        kva_moments *moments = sweep->channel_moments + channel;
        float shifts[8];
        for (size_t j = 0; j < 8; j++) { shifts[j] = moments[j].shift; }
        const __m256 shift = _mm256_loadu_ps(shifts);
        lanes sums = lanes_begin();
        for (size_t t = 0; t < tokens; t++) {
            lanes_add(&sums, load_8(sweep, (token + t) * sweep->token_stride + channel, is_half), shift);
        }
        if (lanes_unusable(&sums)) {
            kva_moment_sweep part = part_of(sweep, token, tokens, channel, 8);
            part.token_moments = 0;
            kva_reference_moment_sweep(&part);
            continue;
        }
        float sum[7][8];
        _mm256_storeu_ps(sum[0], sums.minimum);
        _mm256_storeu_ps(sum[1], sums.maximum);
        _mm256_storeu_ps(sum[2], sums.absolute);
        _mm256_storeu_ps(sum[3], sums.power1);
        _mm256_storeu_ps(sum[4], sums.power2);
        _mm256_storeu_ps(sum[5], sums.power3);
        _mm256_storeu_ps(sum[6], sums.power4);
        for (size_t j = 0; j < 8; j++) {
            moments[j].minimum = sum[0][j] < moments[j].minimum ? sum[0][j] : moments[j].minimum;
            moments[j].maximum = sum[1][j] > moments[j].maximum ? sum[1][j] : moments[j].maximum;
            moments[j].sum_absolute += sum[2][j];
            moments[j].power1 += sum[3][j];
            moments[j].power2 += sum[4][j];
            moments[j].power3 += sum[5][j];
            moments[j].power4 += sum[6][j];
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
    const __m256 shift = _mm256_set1_ps(moments->shift);
    const size_t whole = sweep->channels / 8 * 8;
    for (size_t first = 0; first < whole; first += CHANNELS_PER_PIECE) {
        const size_t count = whole - first < CHANNELS_PER_PIECE ? whole - first : CHANNELS_PER_PIECE;
        lanes sums = lanes_begin();
        for (size_t channel = first; channel < first + count; channel += 8) {
            lanes_add(&sums, load_8(sweep, token * sweep->token_stride + channel, is_half), shift);
        }
        if (lanes_unusable(&sums)) {
            kva_moment_sweep part = part_of(sweep, token, 1, first, count);
            part.channel_moments = 0;
            kva_reference_moment_sweep(&part);
            continue;
        }
        const float minimum = kva_horizontal_minimum(sums.minimum), maximum = kva_horizontal_maximum(sums.maximum);
        moments->minimum = minimum < moments->minimum ? minimum : moments->minimum;
        moments->maximum = maximum > moments->maximum ? maximum : moments->maximum;
        moments->sum_absolute += kva_horizontal_sum(sums.absolute);
        const __m128 powers = kva_four_sums(sums.power1, sums.power2, sums.power3, sums.power4);
        double *target = &moments->power1;
        _mm256_storeu_pd(target, _mm256_add_pd(_mm256_loadu_pd(target), _mm256_cvtps_pd(powers)));
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

void kva_avx2_moment_sweep(const kva_moment_sweep *sweep) {
    if (sweep->is_half) {
        sweep_slab(sweep, 1);
    } else {
        sweep_slab(sweep, 0);
    }
}

#pragma clang attribute pop

#endif
