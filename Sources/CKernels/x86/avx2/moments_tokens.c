#if defined(__x86_64__)

#include "moments_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Sums run in float32 over at most 512 channels, 64 in a lane, and are then added to double.

enum { CHANNELS_PER_PIECE = 512 };

/// The foremost of 16 numbers in the order that `flip` turns into that of unsigned numbers.
KVA_INLINE uint16_t first_of_16(__m256i x, uint16_t flip) {
    const __m128i flips = _mm_set1_epi16((short)flip);
    const __m128i low = _mm_xor_si128(_mm256_castsi256_si128(x), flips);
    const __m128i high = _mm_xor_si128(_mm256_extracti128_si256(x, 1), flips);
    return (uint16_t)(_mm_cvtsi128_si32(_mm_minpos_epu16(_mm_min_epu16(low, high))) ^ flip);
}

KVA_INLINE void join_extremes(kva_moments *moments, const kva_extremes_16 *extremes, int is_half) {
    float minimum, maximum;
    if (is_half) {
        const uint16_t most = first_of_16(extremes->most, 0x7FFF);
        const uint16_t most_unsigned = first_of_16(extremes->most_unsigned, 0xFFFF);
        const uint16_t least = first_of_16(extremes->least, 0x8000);
        maximum = _cvtsh_ss(most & 0x8000 ? least : most) + 0.0f;
        minimum = _cvtsh_ss(most_unsigned & 0x8000 ? most_unsigned : least) + 0.0f;
    } else {
        minimum = kva_horizontal_minimum(_mm256_min_ps(extremes->minimum[0], extremes->minimum[1])) + 0.0f;
        maximum = kva_horizontal_maximum(_mm256_max_ps(extremes->maximum[0], extremes->maximum[1])) + 0.0f;
    }
    moments->minimum = minimum < moments->minimum ? minimum : moments->minimum;
    moments->maximum = maximum > moments->maximum ? maximum : moments->maximum;
}

/// At most CHANNELS_PER_PIECE channels of one token.
KVA_INLINE void sweep_piece(const kva_moment_sweep *piece, int is_half) {
    kva_moments *moments = piece->token_moments;
    const __m256 shift = _mm256_set1_ps(moments->shift);
    const char *row = piece->elements;
    const size_t size = is_half ? 2 : 4, whole = piece->channels / 16 * 16, rest = piece->channels - whole;
    kva_powers_8 sums = kva_no_powers_8();
    __m256 magnitude = _mm256_setzero_ps();
    kva_extremes_16 extremes = kva_no_extremes_16();
    for (size_t channel = 0; channel < whole; channel += 16) {
        const kva_row_16 x = kva_load_16(row + channel * size, is_half);
        _mm_prefetch((const char *)((uintptr_t)row + channel * size + 8192), _MM_HINT_T0);
        for (size_t j = 0; j < 2; j++) {
            kva_add_powers_8(&sums, _mm256_sub_ps(x.x[j], shift));
            magnitude = _mm256_add_ps(magnitude, kva_absolute(x.x[j]));
        }
        kva_widen_extremes_16(&extremes, &x, is_half);
    }
    if (rest > 0) {
        // Absent lanes add zeros to the sums and repeat an element to the extremes.
        char copy[16 * 4];
        for (size_t j = 0; j < 16; j++) {
            memcpy(copy + j * size, row + (whole + (j < rest ? j : 0)) * size, size);
        }
        kva_row_16 x = kva_load_16(copy, is_half);
        kva_widen_extremes_16(&extremes, &x, is_half);
        for (size_t j = 0; j < 2; j++) {
            const size_t count = rest < 8 * j ? 0 : rest - 8 * j < 8 ? rest - 8 * j : 8;
            const __m256 present = _mm256_castsi256_ps(kva_tail_mask(count));
            kva_add_powers_8(&sums, _mm256_and_ps(_mm256_sub_ps(x.x[j], shift), present));
            magnitude = _mm256_add_ps(magnitude, _mm256_and_ps(kva_absolute(x.x[j]), present));
        }
    }
    const __m128 powers = kva_four_sums(sums.power1, sums.power2, sums.power3, sums.power4);
    const float absolute = kva_horizontal_sum(magnitude);
    // NaN, infinity or an overflow in float32.
    if (!isfinite(_mm_cvtss_f32(_mm_shuffle_ps(powers, powers, 3))) || !isfinite(absolute)) {
        kva_reference_moment_sweep(piece);
        return;
    }
    join_extremes(moments, &extremes, is_half);
    double *target = &moments->power1;
    _mm256_storeu_pd(target, _mm256_add_pd(_mm256_loadu_pd(target), _mm256_cvtps_pd(powers)));
    moments->sum_absolute += absolute;
    moments->count += piece->channels;
}

KVA_INLINE void sweep_tokens(const kva_moment_sweep *sweep, int is_half) {
    for (size_t token = 0; token < sweep->tokens; token++) {
        for (size_t channel = 0; channel < sweep->channels; channel += CHANNELS_PER_PIECE) {
            const size_t rest = sweep->channels - channel;
            kva_moment_sweep piece =
                kva_part_of(sweep, token, 1, channel, rest < CHANNELS_PER_PIECE ? rest : CHANNELS_PER_PIECE);
            piece.channel_moments = 0;
            piece.counters = 0;
            sweep_piece(&piece, is_half);
        }
    }
}

void kva_avx2_moment_sweep_tokens(const kva_moment_sweep *sweep) {
    if (sweep->is_half) {
        sweep_tokens(sweep, 1);
    } else {
        sweep_tokens(sweep, 0);
    }
}

#pragma clang attribute pop

#endif
