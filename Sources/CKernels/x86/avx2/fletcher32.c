#if defined(__x86_64__)

#include <immintrin.h>

#include "avx2.h"
#include "../../reference/reference.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// Words are added as they lie in memory, low byte first, though the checksum takes the high byte first: modulo
// 65,535 a word with its bytes exchanged is 256 times the word, and so is a sum of words.

enum { WORDS_PER_VECTOR = 16, VECTORS_PER_BLOCK = 128 };

/// Sums of a block of n words x: Σ x[i] and Σ (n − i) x[i].
typedef struct {
    uint64_t plain, weighted;
} block_sums;

static inline int64_t sum_of_lanes(__m256i lanes) {
    int32_t values[8];
    _mm256_storeu_si256((__m256i *)values, lanes);
    int64_t sum = 0;
    for (size_t j = 0; j < 8; j++) { sum += values[j]; }
    return sum;
}

/// At most 128 vectors: below 2^31 in every lane, since words are taken as from −32,768 to 32,767.
static inline block_sums sum_block(const uint8_t *bytes, size_t vectors) {
    const __m256i half = _mm256_set1_epi16(INT16_MIN), ones = _mm256_set1_epi16(1);
    const __m256i weights = _mm256_setr_epi16(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    __m256i plain = _mm256_setzero_si256(), before = plain, within = plain;
    for (size_t k = 0; k < vectors; k++) {
        const __m256i raw = _mm256_loadu_si256((const __m256i *)(bytes + 32 * k));
        const __m256i words = _mm256_xor_si256(raw, half);
        // Each word counts once more for every vector that follows its own.
        before = _mm256_add_epi32(before, plain);
        plain = _mm256_add_epi32(plain, _mm256_madd_epi16(words, ones));
        within = _mm256_add_epi32(within, _mm256_madd_epi16(words, weights));
    }
    const int64_t n = (int64_t)vectors * WORDS_PER_VECTOR;
    const int64_t weighted = WORDS_PER_VECTOR * sum_of_lanes(before) + sum_of_lanes(within);
    return (block_sums){(uint64_t)(sum_of_lanes(plain) + 32768 * n), (uint64_t)(weighted + 16384 * n * (n + 1))};
}

/// The remainder modulo 65,535, 65,535 instead of 0 unless the sum is 0 itself: what end-around carries leave.
static inline uint32_t fold(uint64_t sum) {
    const uint32_t rest = (uint32_t)(sum % 65535);
    return rest == 0 && sum != 0 ? 65535 : rest;
}

void kva_avx2_fletcher32(kva_fletcher32 *sums, const uint8_t *bytes, size_t count) {
    size_t i = 0;
    while (i + 32 <= count) {
        const size_t rest = (count - i) / 32, vectors = rest < VECTORS_PER_BLOCK ? rest : VECTORS_PER_BLOCK;
        const block_sums block = sum_block(bytes + i, vectors);
        const uint64_t first = sums->first;
        sums->second = fold(sums->second + vectors * WORDS_PER_VECTOR * first + 256 * block.weighted);
        sums->first = fold(first + 256 * block.plain);
        i += 32 * vectors;
    }
    kva_reference_fletcher32(sums, bytes + i, count - i);
}

#pragma clang attribute pop

#endif
