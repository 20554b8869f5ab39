#if defined(__x86_64__)

#include "moments_inline.h"

#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

// Sums run in float32 over at most 1,024 channels, 32 in a lane, and are then added to double.

enum { CHANNELS_PER_PIECE = 1024 };

KVA_INLINE __m512 unite(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
}

/// Adds a vector's quarters.
KVA_INLINE __m128 quarters(__m512 x) {
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

/// The four powers' sums over the lanes.
KVA_INLINE __m128 four_powers(const kva_powers_16 *sums) {
    const __m512d a = _mm512_castps_pd(unite(sums->power1, sums->power2));
    const __m512d b = _mm512_castps_pd(unite(sums->power3, sums->power4));
    const __m512 low = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), high = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    return quarters(_mm512_add_ps(low, high));
}

KVA_INLINE float total(__m512 x) {
    __m128 sum = quarters(x);
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

/// The foremost of 32 numbers in the order that `flip` turns into that of unsigned numbers.
KVA_INLINE uint16_t first_of_32(__m512i x, uint16_t flip) {
    const __m512i flipped = _mm512_xor_si512(x, _mm512_set1_epi16((short)flip));
    const __m256i half = _mm256_min_epu16(_mm512_castsi512_si256(flipped), _mm512_extracti64x4_epi64(flipped, 1));
    const __m128i quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return (uint16_t)(_mm_cvtsi128_si32(_mm_minpos_epu16(quarter)) ^ flip);
}

KVA_INLINE void join_extremes(kva_moments *moments, const kva_extremes_32 *extremes, int is_half) {
    float minimum, maximum;
    if (is_half) {
        const uint16_t most = first_of_32(extremes->most, 0x7FFF);
        const uint16_t most_unsigned = first_of_32(extremes->most_unsigned, 0xFFFF);
        const uint16_t least = first_of_32(extremes->least, 0x8000);
        maximum = _cvtsh_ss(most & 0x8000 ? least : most) + 0.0f;
        minimum = _cvtsh_ss(most_unsigned & 0x8000 ? most_unsigned : least) + 0.0f;
    } else {
        minimum = _mm512_reduce_min_ps(_mm512_min_ps(extremes->minimum[0], extremes->minimum[1])) + 0.0f;
        maximum = _mm512_reduce_max_ps(_mm512_max_ps(extremes->maximum[0], extremes->maximum[1])) + 0.0f;
    }
    moments->minimum = minimum < moments->minimum ? minimum : moments->minimum;
    moments->maximum = maximum > moments->maximum ? maximum : moments->maximum;
}

/// At most CHANNELS_PER_PIECE channels of one token.
KVA_INLINE void sweep_piece(const kva_moment_sweep *piece, int is_half) {
    kva_moments *moments = piece->token_moments;
    const __m512 shift = _mm512_set1_ps(moments->shift);
    const char *row = piece->elements;
    const size_t size = is_half ? 2 : 4, whole = piece->channels / 32 * 32, rest = piece->channels - whole;
    kva_powers_16 sums[2] = {kva_no_powers_16(), kva_no_powers_16()};
    __m512 magnitude[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    kva_extremes_32 extremes = kva_no_extremes_32();
    for (size_t channel = 0; channel < whole; channel += 32) {
        const kva_row_32 x = kva_load_32(row + channel * size, is_half);
        _mm_prefetch((const char *)((uintptr_t)row + channel * size + 8192), _MM_HINT_T0);
        for (size_t j = 0; j < 2; j++) {
            kva_add_powers_16(&sums[j], _mm512_sub_ps(x.x[j], shift));
            magnitude[j] = _mm512_add_ps(magnitude[j], _mm512_abs_ps(x.x[j]));
        }
        kva_widen_extremes_32(&extremes, &x, is_half);
    }
    if (rest > 0) {
        // Absent lanes add zeros to the sums and repeat an element to the extremes.
        char copy[32 * 4];
        for (size_t j = 0; j < 32; j++) {
            memcpy(copy + j * size, row + (whole + (j < rest ? j : 0)) * size, size);
        }
        kva_row_32 x = kva_load_32(copy, is_half);
        kva_widen_extremes_32(&extremes, &x, is_half);
        for (size_t j = 0; j < 2; j++) {
            const __mmask16 present = kva_first_16(rest < 16 * j ? 0 : rest - 16 * j < 16 ? rest - 16 * j : 16);
            kva_add_powers_16(&sums[j], _mm512_maskz_sub_ps(present, x.x[j], shift));
            magnitude[j] = _mm512_add_ps(magnitude[j], _mm512_abs_ps(_mm512_maskz_mov_ps(present, x.x[j])));
        }
    }
    kva_join_powers_16(&sums[0], &sums[1]);
    const __m128 powers = four_powers(&sums[0]);
    const float absolute = total(_mm512_add_ps(magnitude[0], magnitude[1]));
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

void kva_avx512_moment_sweep_tokens(const kva_moment_sweep *sweep) {
    if (sweep->is_half) {
        sweep_tokens(sweep, 1);
    } else {
        sweep_tokens(sweep, 0);
    }
}

#pragma clang attribute pop

#endif
