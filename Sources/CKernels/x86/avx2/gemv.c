#if defined(__x86_64__)

#include "blocks.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Products of rows with one float32 vector, dequantized in registers. Within each
// 32 elements the vector is stored in the order in which `kva_codes_to_floats` yields the codes.

void kva_avx2_prepare_vector(const float *vector, float *prepared, float *sums, size_t count) {
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256 sum = _mm256_setzero_ps();
        for (size_t part = 0; part < 4; part++) {
            const __m256 x = _mm256_set_m128(_mm_loadu_ps(vector + i + 16 + 4 * part), _mm_loadu_ps(vector + i + 4 * part));
            _mm256_storeu_ps(prepared + i + 8 * part, x);
            sum = _mm256_add_ps(sum, x);
        }
        sums[i / 32] = kva_horizontal_sum(sum);
    }
}

/// Σ code · 2^24 · x over 32 elements, in eight lanes.
KVA_INLINE __m256 product_32(__m256i codes, const float *prepared) {
    __m256 sum = _mm256_mul_ps(kva_codes_to_floats(codes, 0), _mm256_loadu_ps(prepared));
    for (int part = 1; part < 4; part++) {
        sum = _mm256_fmadd_ps(kva_codes_to_floats(codes, part), _mm256_loadu_ps(prepared + 8 * part), sum);
    }
    return sum;
}

KVA_INLINE void gemv_plain(kva_type type, size_t bytes, int has_offset, const kva_gemv *work) {
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 total = _mm256_setzero_ps();
        float offsets = 0;
        for (size_t i = 0; i < work->columns; i += 32, block += bytes) {
            float scale, offset;
            const __m256i codes = kva_plain_codes(type, block, &scale, &offset);
            total = _mm256_fmadd_ps(product_32(codes, work->prepared + i), _mm256_set1_ps(scale), total);
            if (has_offset) { offsets = __builtin_fmaf(offset, work->sums[i / 32], offsets); }
        }
        work->result[row] = __builtin_fmaf(kva_horizontal_sum(total), KVA_BYTE_FACTOR, offsets);
    }
}

KVA_INLINE void gemv_k(int five, const kva_gemv *work) {
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 total = _mm256_setzero_ps(), offsets = _mm256_setzero_ps();
        for (size_t i = 0; i < work->columns; i += 256, block += five ? 176 : 144) {
            __m256 scales, minima;
            kva_unpack_k_scales(block, &scales, &minima);
            offsets = _mm256_fmadd_ps(minima, _mm256_loadu_ps(work->sums + i / 32), offsets);
            float scale[8];
            _mm256_storeu_ps(scale, scales);
            for (int part = 0; part < 8; part++) {
                const __m256i codes = five ? kva_k_codes(block + 48, block + 16, part) : kva_k_codes(block + 16, 0, part);
                const __m256 products = product_32(codes, work->prepared + i + 32 * part);
                total = _mm256_fmadd_ps(products, _mm256_broadcast_ss(scale + part), total);
            }
        }
        const __m256 result = _mm256_fmsub_ps(total, _mm256_set1_ps(KVA_BYTE_FACTOR), offsets);
        work->result[row] = kva_horizontal_sum(result);
    }
}

static void gemv_q6_k(const kva_gemv *work) {
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *block = work->weights + row * work->row_bytes;
        __m256 total = _mm256_setzero_ps();
        for (size_t i = 0; i < work->columns; i += 256, block += 210) {
            float scales[16];
            kva_unpack_q6_k_scales(block, 1, scales);
            for (int part = 0; part < 8; part++) {
                const __m256 products = product_32(kva_q6_k_codes(block, part), work->prepared + i + 32 * part);
                total = _mm256_fmadd_ps(products, kva_two_halves(scales + 2 * part), total);
            }
        }
        work->result[row] = kva_horizontal_sum(total) * KVA_BYTE_FACTOR;
    }
}

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

KVA_INLINE void gemv_floats(kva_type type, size_t bytes, const kva_gemv *work) {
    for (size_t row = 0; row < work->rows; row++) {
        const uint8_t *source = work->weights + row * work->row_bytes;
        __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        size_t i = 0;
        for (; i + 32 <= work->columns; i += 32) {
            for (size_t j = 0; j < 4; j++) {
                const size_t place = i + 8 * j;
                sums[j] = _mm256_fmadd_ps(load_8(type, source + place * bytes), _mm256_loadu_ps(work->vector + place),
                                          sums[j]);
            }
        }
        for (; i < work->columns; i += 8) {
            const size_t rest = work->columns - i < 8 ? work->columns - i : 8;
            uint8_t last[32] = {0};
            memcpy(last, source + i * bytes, rest * bytes);
            const __m256 x = _mm256_maskload_ps(work->vector + i, kva_tail_mask(rest));
            sums[0] = _mm256_fmadd_ps(load_8(type, last), x, sums[0]);
        }
        work->result[row] =
            kva_horizontal_sum(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
    }
}

void kva_avx2_gemv(kva_type type, const kva_gemv *work) {
    switch (type) {
        case KVA_F32: gemv_floats(KVA_F32, 4, work); break;
        case KVA_F16: gemv_floats(KVA_F16, 2, work); break;
        case KVA_BF16: gemv_floats(KVA_BF16, 2, work); break;
        case KVA_Q4_0: gemv_plain(KVA_Q4_0, 18, 0, work); break;
        case KVA_Q4_1: gemv_plain(KVA_Q4_1, 20, 1, work); break;
        case KVA_Q5_0: gemv_plain(KVA_Q5_0, 22, 0, work); break;
        case KVA_Q5_1: gemv_plain(KVA_Q5_1, 24, 1, work); break;
        case KVA_Q8_0: gemv_plain(KVA_Q8_0, 34, 0, work); break;
        case KVA_Q4_K: gemv_k(0, work); break;
        case KVA_Q5_K: gemv_k(1, work); break;
        case KVA_Q6_K: gemv_q6_k(work); break;
        case KVA_TYPE_COUNT: break;
    }
}

#pragma clang attribute pop

#endif
