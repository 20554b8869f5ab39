#if defined(__x86_64__)

#include "products.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// MARK: - Plain floating point

KVA_INLINE __m256 load_8(kva_type type, const uint8_t *source) {
    switch (type) {
        case KVA_F16: return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
        case KVA_BF16:
            return _mm256_castsi256_ps(
                _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)source)), 16));
        default: return _mm256_loadu_ps((const float *)(const void *)source);
    }
}

KVA_INLINE void gemv_floats(kva_type type, size_t bytes, size_t tokens, const kva_gemv *work) {
    const size_t columns = work->columns;
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m256 sums[2][4];
        for (size_t t = 0; t < tokens; t++) {
            for (size_t j = 0; j < 4; j++) { sums[t][j] = _mm256_setzero_ps(); }
        }
        size_t i = 0;
        for (; i + 32 <= columns; i += 32) {
            kva_prefetch(source + i * bytes, KVA_PREFETCH_DISTANCE, 32 * bytes);
            for (size_t j = 0; j < 4; j++) {
                const size_t place = i + 8 * j;
                const __m256 weights = load_8(type, source + place * bytes);
                for (size_t t = 0; t < tokens; t++) {
                    const __m256 x = _mm256_loadu_ps(work->vectors + t * columns + place);
                    sums[t][j] = _mm256_fmadd_ps(weights, x, sums[t][j]);
                }
            }
        }
        for (; i < columns; i += 8) {
            const size_t rest = columns - i < 8 ? columns - i : 8;
            uint8_t last[32] = {0};
            memcpy(last, source + i * bytes, rest * bytes);
            const __m256 weights = load_8(type, last);
            for (size_t t = 0; t < tokens; t++) {
                const __m256 x = _mm256_maskload_ps(work->vectors + t * columns + i, kva_tail_mask(rest));
                sums[t][0] = _mm256_fmadd_ps(weights, x, sums[t][0]);
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            work->result[t * work->result_stride + row] = kva_horizontal_sum(
                _mm256_add_ps(_mm256_add_ps(sums[t][0], sums[t][1]), _mm256_add_ps(sums[t][2], sums[t][3])));
        }
    }
}

KVA_INLINE void gemv_floats_of(kva_type type, size_t bytes, const kva_gemv *work) {
    work->tokens == 1 ? gemv_floats(type, bytes, 1, work) : gemv_floats(type, bytes, 2, work);
}

// MARK: -

void kva_avx2_gemv(kva_type type, const kva_gemv *work) {
    kva_prefetch_first(work);
    // Two vectors at a time: for more there are too few registers, and the weights are in the cache by then.
    for (size_t done = 0; done < work->tokens; done += 2) {
        kva_gemv part = *work;
        part.tokens = work->tokens - done > 1 ? 2 : 1;
        part.vectors += done * work->columns;
        part.prepared += done * kva_prepared_bytes(work->columns);
        part.result += done * work->result_stride;
        switch (type) {
            case KVA_F32: gemv_floats_of(KVA_F32, 4, &part); break;
            case KVA_F16: gemv_floats_of(KVA_F16, 2, &part); break;
            case KVA_BF16: gemv_floats_of(KVA_BF16, 2, &part); break;
            case KVA_Q4_K:
            case KVA_Q5_K:
            case KVA_IQ4_XS: kva_avx2_gemv_k(type, &part); break;
            case KVA_Q2_K:
            case KVA_Q3_K:
            case KVA_Q6_K: kva_avx2_gemv_halves(type, &part); break;
            case KVA_TYPE_COUNT: break;
            default: kva_avx2_gemv_plain(type, &part);
        }
    }
}

#pragma clang attribute pop

#endif
