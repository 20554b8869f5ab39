#if defined(__x86_64__)

#include "../../reference/reference.h"
#include "avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

float kva_avx2_dot(const float *x, const float *y, size_t count) {
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        for (size_t j = 0; j < 4; j++) {
            sums[j] = _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8 * j), _mm256_loadu_ps(y + i + 8 * j), sums[j]);
        }
    }
    for (; i < count; i += 8) {
        const __m256i mask = kva_tail_mask(count - i < 8 ? count - i : 8);
        sums[0] = _mm256_fmadd_ps(_mm256_maskload_ps(x + i, mask), _mm256_maskload_ps(y + i, mask), sums[0]);
    }
    return kva_horizontal_sum(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
}

/// Runs `statement` for whole vectors at `i` with `LOAD`/`STORE`, then for the masked tail.
#define KVA_FOR_VECTORS(count, statement)                                     \
    do {                                                                      \
        size_t i = 0;                                                         \
        for (; i + 8 <= (count); i += 8) {                                    \
            KVA_UNMASKED(statement)                                           \
        }                                                                     \
        if (i < (count)) {                                                    \
            const __m256i mask = kva_tail_mask((count) - i);                  \
            KVA_MASKED(statement)                                             \
        }                                                                     \
    } while (0)
#define KVA_UNMASKED(statement) statement(_mm256_loadu_ps, _mm256_storeu_ps)
#define KVA_MASKED(statement) statement(kva_masked_load, kva_masked_store)
#define kva_masked_load(address) _mm256_maskload_ps(address, mask)
#define kva_masked_store(address, vector) _mm256_maskstore_ps(address, mask, vector)

void kva_avx2_scaled_accumulate(float a, const float *x, float *y, size_t count) {
    const __m256 factor = _mm256_set1_ps(a);
#define STEP(load, store) store(y + i, _mm256_fmadd_ps(factor, load(x + i), load(y + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_avx2_add(const float *x, float *y, size_t count) {
#define STEP(load, store) store(y + i, _mm256_add_ps(load(x + i), load(y + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_avx2_scale(float a, float *x, size_t count) {
    const __m256 factor = _mm256_set1_ps(a);
#define STEP(load, store) store(x + i, _mm256_mul_ps(factor, load(x + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

float kva_avx2_maximum(const float *x, size_t count) {
    // maxps returns its second operand when one is NaN: the running maximum stands there.
    const __m256 lowest = _mm256_set1_ps(-INFINITY);
    __m256 first = lowest, second = lowest;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        first = _mm256_max_ps(_mm256_loadu_ps(x + i), first);
        second = _mm256_max_ps(_mm256_loadu_ps(x + i + 8), second);
    }
    for (; i < count; i += 8) {
        const __m256i mask = kva_tail_mask(count - i < 8 ? count - i : 8);
        const __m256 rest = _mm256_blendv_ps(lowest, _mm256_maskload_ps(x + i, mask), _mm256_castsi256_ps(mask));
        first = _mm256_max_ps(rest, first);
    }
    return kva_horizontal_maximum(_mm256_max_ps(first, second));
}

float kva_avx2_absolute_maximum(const float *x, size_t count) {
    __m256 first = _mm256_setzero_ps(), second = first;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        first = _mm256_max_ps(kva_absolute(_mm256_loadu_ps(x + i)), first);
        second = _mm256_max_ps(kva_absolute(_mm256_loadu_ps(x + i + 8)), second);
    }
    for (; i < count; i += 8) {
        const __m256i mask = kva_tail_mask(count - i < 8 ? count - i : 8);
        first = _mm256_max_ps(kva_absolute(_mm256_maskload_ps(x + i, mask)), first);
    }
    return kva_horizontal_maximum(_mm256_max_ps(first, second));
}

float kva_avx2_exponential_sum(float *x, size_t count, float shift) {
    const __m256 shifts = _mm256_set1_ps(shift);
    __m256 first = _mm256_setzero_ps(), second = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const __m256 a = kva_exponential(_mm256_sub_ps(_mm256_loadu_ps(x + i), shifts));
        const __m256 b = kva_exponential(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), shifts));
        _mm256_storeu_ps(x + i, a);
        _mm256_storeu_ps(x + i + 8, b);
        first = _mm256_add_ps(first, a);
        second = _mm256_add_ps(second, b);
    }
    for (; i < count; i += 8) {
        const __m256i mask = kva_tail_mask(count - i < 8 ? count - i : 8);
        const __m256 a = kva_exponential(_mm256_sub_ps(_mm256_maskload_ps(x + i, mask), shifts));
        _mm256_maskstore_ps(x + i, mask, a);
        first = _mm256_add_ps(first, _mm256_and_ps(a, _mm256_castsi256_ps(mask)));
    }
    return kva_horizontal_sum(_mm256_add_ps(first, second));
}

void kva_avx2_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count) {
    const double squares = kva_avx2_dot(x, x, count);
    const __m256 factor = _mm256_set1_ps((float)(1 / sqrt(squares / (double)count + epsilon)));
#define STEP(load, store) store(y + i, _mm256_mul_ps(_mm256_mul_ps(load(x + i), factor), load(weight + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

KVA_INLINE __m256 silu(__m256 gate) {
    const __m256 one = _mm256_set1_ps(1);
    const __m256 denominator = _mm256_add_ps(one, kva_exponential(_mm256_sub_ps(_mm256_setzero_ps(), gate)));
    return _mm256_div_ps(gate, denominator);
}

void kva_avx2_silu_multiply(const float *gate, const float *up, float *y, size_t count) {
#define STEP(load, store) store(y + i, _mm256_mul_ps(silu(load(gate + i)), load(up + i)));
    KVA_FOR_VECTORS(count, STEP);
#undef STEP
}

void kva_avx2_rotate_halves(float *x, const float *c, const float *s, size_t half) {
    // Products round before they are combined, as in the reference.
#define STEP(load, store)                                                                           \
    const __m256 first = load(x + i), second = load(x + half + i), cosine = load(c + i), sine = load(s + i); \
    store(x + i, _mm256_sub_ps(_mm256_mul_ps(first, cosine), _mm256_mul_ps(second, sine)));          \
    store(x + half + i, _mm256_add_ps(_mm256_mul_ps(second, cosine), _mm256_mul_ps(first, sine)));
    KVA_FOR_VECTORS(half, STEP);
#undef STEP
}

void kva_avx2_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs) {
    // Products round before they are combined, as in the reference.
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    size_t i = 0;
    for (; i + 4 <= pairs; i += 4) {
        const __m256 both = _mm256_loadu_ps(x + 2 * i);
        const __m256 cosine = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(c + i)), twice);
        const __m256 sine = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(s + i)), twice);
        const __m256 swapped = _mm256_permute_ps(both, 0xB1);
        _mm256_storeu_ps(x + 2 * i, _mm256_addsub_ps(_mm256_mul_ps(both, cosine), _mm256_mul_ps(swapped, sine)));
    }
    kva_reference_rotate_adjacent(x + 2 * i, c + i, s + i, pairs - i);
}

#pragma clang attribute pop

#endif
