#if defined(__x86_64__)

#include "avx512_inline.h"
#include "products.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

// MARK: - Plain floating point

/// 16 elements from any address, absent ones 0.
KVA_INLINE __m512 load_16(kva_type type, const uint8_t *source, __mmask16 present) {
    switch (type) {
        case KVA_F16: return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(present, source));
        case KVA_BF16:
            return _mm512_castsi512_ps(
                _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(present, source)), 16));
        default: return _mm512_maskz_loadu_ps(present, source);
    }
}

KVA_INLINE void gemv_floats(kva_type type, size_t bytes, size_t tokens, const kva_gemv *work) {
    const size_t columns = work->columns;
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m512 sums[4][4];
        for (size_t t = 0; t < tokens; t++) {
            for (size_t j = 0; j < 4; j++) { sums[t][j] = _mm512_setzero_ps(); }
        }
        size_t i = 0;
        for (; i + 64 <= columns; i += 64) {
            kva_prefetch(source + i * bytes, KVA_PREFETCH_DISTANCE, 64 * bytes);
            for (size_t j = 0; j < 4; j++) {
                const size_t place = i + 16 * j;
                const __m512 weights = load_16(type, source + place * bytes, 0xFFFF);
                for (size_t t = 0; t < tokens; t++) {
                    const __m512 x = _mm512_loadu_ps(work->vectors + t * columns + place);
                    sums[t][j] = _mm512_fmadd_ps(weights, x, sums[t][j]);
                }
            }
        }
        for (; i < columns; i += 16) {
            const __mmask16 present = columns - i < 16 ? (__mmask16)((1u << (columns - i)) - 1) : 0xFFFF;
            const __m512 weights = load_16(type, source + i * bytes, present);
            for (size_t t = 0; t < tokens; t++) {
                const __m512 x = _mm512_maskz_loadu_ps(present, work->vectors + t * columns + i);
                sums[t][0] = _mm512_fmadd_ps(weights, x, sums[t][0]);
            }
        }
        for (size_t t = 0; t < tokens; t++) {
            const __m512 all =
                _mm512_add_ps(_mm512_add_ps(sums[t][0], sums[t][1]), _mm512_add_ps(sums[t][2], sums[t][3]));
            work->result[t * work->result_stride + row] = kva_finish(all, _mm512_setzero_ps(), 0);
        }
    }
}

KVA_INLINE void gemv_floats_of(kva_type type, size_t bytes, const kva_gemv *work) {
    switch (work->tokens) {
        case 1: gemv_floats(type, bytes, 1, work); break;
        case 2: gemv_floats(type, bytes, 2, work); break;
        default: gemv_floats(type, bytes, 4, work);
    }
}

// MARK: -

void kva_avx512_gemv(kva_type type, const kva_gemv *work) {
    kva_prefetch_first(work);
    for (size_t done = 0; done < work->tokens;) {
        kva_gemv part = *work;
        const size_t left = work->tokens - done;
        part.tokens = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        part.vectors += done * work->columns;
        part.prepared += done * kva_prepared_bytes(work->columns);
        part.result += done * work->result_stride;
        switch (type) {
            case KVA_F32: gemv_floats_of(KVA_F32, 4, &part); break;
            case KVA_F16: gemv_floats_of(KVA_F16, 2, &part); break;
            case KVA_BF16: gemv_floats_of(KVA_BF16, 2, &part); break;
            case KVA_Q4_K:
            case KVA_Q5_K:
            case KVA_IQ4_XS: kva_avx512_gemv_k(type, &part); break;
            case KVA_Q2_K:
            case KVA_Q3_K:
            case KVA_Q6_K: kva_avx512_gemv_halves(type, &part); break;
            case KVA_TYPE_COUNT: break;
            default: kva_avx512_gemv_plain(type, &part);
        }
        done += part.tokens;
    }
}

#pragma clang attribute pop

#endif
