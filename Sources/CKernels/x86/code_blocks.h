#ifndef KVATLAS_CODE_BLOCKS_H
#define KVATLAS_CODE_BLOCKS_H

// Codes of 32 × 32 elements as bytes, [row][column], and how they are packed: as the planes of a panel
// (reference/panel.h; rows are lanes, columns reduced elements) or bit by bit down each column
// (reference/row_codes.h; a column is part of a packed row). AVX2 for AVX-512 too: a block is 1 KB.

#include "../reference/panel.h"
#include "../reference/row_codes.h"
#include "avx2/avx2_inline.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

enum { KVA_BLOCK = 32 };

typedef struct {
    _Alignas(64) uint8_t rows[KVA_BLOCK][KVA_BLOCK];
} kva_code_block;

// MARK: - Transposition

/// Eight vectors of eight dwords, in place.
KVA_INLINE void kva_transpose_8x8(__m256i v[8]) {
    __m256i a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

// MARK: - Planes of a panel

/// Bytes of a block's part of a plane of digits of one bit.
enum { KVA_PLANE_BYTES = 128 };

KVA_INLINE __m256i kva_digits(const kva_code_block *block, size_t row, int shift, int mask) {
    const __m256i codes = _mm256_load_si256((const __m256i *)block->rows[row]);
    if (mask == 0xFF) { return codes; }
    return _mm256_and_si256(_mm256_srli_epi16(codes, shift), _mm256_set1_epi8((char)mask));
}

KVA_INLINE void kva_pack_plane_4(const kva_code_block *block, int shift, int mask, uint8_t *plane) {
    for (size_t first = 0; first < 16; first += 8) {
        __m256i v[8];
        for (size_t i = 0; i < 8; i++) {
            const __m256i high = kva_digits(block, first + i + 16, shift, mask);
            v[i] = _mm256_or_si256(kva_digits(block, first + i, shift, mask), _mm256_slli_epi16(high, 4));
        }
        kva_transpose_8x8(v);
        for (size_t i = 0; i < 8; i++) { _mm256_storeu_si256((__m256i *)(plane + 64 * i + 4 * first), v[i]); }
    }
}

KVA_INLINE void kva_pack_plane_2(const kva_code_block *block, int shift, int mask, uint8_t *plane) {
    __m256i v[8];
    for (size_t i = 0; i < 8; i++) {
        __m256i pair[2];
        for (size_t j = 0; j < 2; j++) {
            const __m256i high = kva_digits(block, i + 8 * j + 16, shift, mask);
            pair[j] = _mm256_or_si256(kva_digits(block, i + 8 * j, shift, mask), _mm256_slli_epi16(high, 2));
            // The second dword of each two goes above the first.
            pair[j] = _mm256_or_si256(pair[j], _mm256_srli_epi64(pair[j], 28));
        }
        v[i] = _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(pair[0]), _mm256_castsi256_ps(pair[1]), 0x88));
    }
    kva_transpose_8x8(v);
    // Dwords of a vector were chunks 0, 1 of a row, the same of the eighth row after it, then chunks 2, 3.
    for (size_t i = 0; i < 8; i++) {
        const size_t chunk = i % 2 + i / 4 * 2, half = i / 2 % 2;
        _mm256_storeu_si256((__m256i *)(plane + 64 * chunk + 32 * half), v[i]);
    }
}

KVA_INLINE void kva_pack_plane_1(const kva_code_block *block, int shift, int mask, uint8_t *plane) {
    for (size_t i = 0; i < 16; i++) {
        const __m256i high = kva_digits(block, i + 16, shift, mask);
        __m256i v = _mm256_or_si256(kva_digits(block, i, shift, mask), _mm256_slli_epi16(high, 1));
        v = _mm256_or_si256(v, _mm256_srli_epi64(v, 30));
        v = _mm256_or_si256(v, _mm256_slli_epi16(_mm256_bsrli_epi128(v, 8), 4));
        const int32_t first = _mm256_extract_epi32(v, 0), second = _mm256_extract_epi32(v, 4);
        memcpy(plane + 4 * i, &first, 4);
        memcpy(plane + 64 + 4 * i, &second, 4);
    }
}

/// The block's part of each plane, `KVA_PLANE_BYTES` for each bit of its digits.
static void kva_pack_planes(const kva_code_block *block, unsigned bits, uint8_t *planes) {
    switch (bits) {
        case 1: kva_pack_plane_1(block, 0, 0xFF, planes); break;
        case 2: kva_pack_plane_2(block, 0, 0xFF, planes); break;
        case 3:
            kva_pack_plane_2(block, 0, 3, planes);
            kva_pack_plane_1(block, 2, 1, planes + 2 * KVA_PLANE_BYTES);
            break;
        case 4: kva_pack_plane_4(block, 0, 0xFF, planes); break;
        default:
            kva_pack_plane_4(block, 0, 15, planes);
            kva_pack_plane_4(block, 4, 15, planes + 4 * KVA_PLANE_BYTES);
            break;
    }
}

/// Stores digits as codes, or adds them as the higher digits.
KVA_INLINE void kva_put_digits(kva_code_block *block, size_t row, int shift, int mask, __m256i digits) {
    digits = _mm256_and_si256(digits, _mm256_set1_epi8((char)mask));
    __m256i *place = (__m256i *)block->rows[row];
    _mm256_store_si256(place, shift == 0 ? digits : _mm256_or_si256(*place, _mm256_slli_epi16(digits, shift)));
}

KVA_INLINE void kva_unpack_plane_4(const uint8_t *plane, int shift, kva_code_block *block) {
    for (size_t first = 0; first < 16; first += 8) {
        __m256i v[8];
        for (size_t i = 0; i < 8; i++) { v[i] = _mm256_loadu_si256((const __m256i *)(plane + 64 * i + 4 * first)); }
        kva_transpose_8x8(v);
        for (size_t i = 0; i < 8; i++) {
            kva_put_digits(block, first + i, shift, 15, v[i]);
            kva_put_digits(block, first + i + 16, shift, 15, _mm256_srli_epi16(v[i], 4));
        }
    }
}

KVA_INLINE void kva_unpack_plane_2(const uint8_t *plane, int shift, kva_code_block *block) {
    __m256i v[8];
    for (size_t i = 0; i < 8; i++) {
        const size_t chunk = i % 2 + i / 4 * 2, half = i / 2 % 2;
        v[i] = _mm256_loadu_si256((const __m256i *)(plane + 64 * chunk + 32 * half));
    }
    kva_transpose_8x8(v);
    for (size_t i = 0; i < 8; i++) {
        const __m256i upper = _mm256_srli_epi32(v[i], 4);
        const __m256i rows[2] = {_mm256_unpacklo_epi32(v[i], upper), _mm256_unpackhi_epi32(v[i], upper)};
        for (size_t j = 0; j < 2; j++) {
            kva_put_digits(block, i + 8 * j, shift, 3, rows[j]);
            kva_put_digits(block, i + 8 * j + 16, shift, 3, _mm256_srli_epi16(rows[j], 2));
        }
    }
}

KVA_INLINE void kva_unpack_plane_1(const uint8_t *plane, int shift, kva_code_block *block) {
    for (size_t i = 0; i < 16; i++) {
        int32_t first, second;
        memcpy(&first, plane + 4 * i, 4);
        memcpy(&second, plane + 64 + 4 * i, 4);
        const __m256i both = _mm256_setr_epi32(first, first, first, first, second, second, second, second);
        const __m256i v = _mm256_srlv_epi32(both, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
        kva_put_digits(block, i, shift, 1, v);
        kva_put_digits(block, i + 16, shift, 1, _mm256_srli_epi16(v, 1));
    }
}

static void kva_unpack_planes(const uint8_t *planes, unsigned bits, kva_code_block *block) {
    switch (bits) {
        case 1: kva_unpack_plane_1(planes, 0, block); break;
        case 2: kva_unpack_plane_2(planes, 0, block); break;
        case 3:
            kva_unpack_plane_2(planes, 0, block);
            kva_unpack_plane_1(planes + 2 * KVA_PLANE_BYTES, 2, block);
            break;
        case 4: kva_unpack_plane_4(planes, 0, block); break;
        default:
            kva_unpack_plane_4(planes, 0, block);
            kva_unpack_plane_4(planes + 4 * KVA_PLANE_BYTES, 4, block);
            break;
    }
}

/// Writes the block to `count` (16 or 32) reduced elements of a panel from `first` on.
/// `is_shared`: other lanes of them are written apart from these, so that codes are added to what is there.
static void kva_put_elements(const kva_code_block *block, uint8_t *panel, size_t reduced, size_t first, size_t count,
                             unsigned bits, int is_shared) {
    _Alignas(64) uint8_t planes[8 * KVA_PLANE_BYTES];
    kva_pack_planes(block, bits, planes);
    const unsigned digit = kva_first_digit_bits(bits);
    for (unsigned start = 0; start < bits; start += digit) {
        const unsigned width = start == 0 ? digit : bits - digit;
        uint8_t *target = panel + kva_panel_bytes(reduced, start) + kva_panel_bytes(first, width);
        const uint8_t *plane = planes + start * KVA_PLANE_BYTES;
        const size_t bytes = kva_panel_bytes(count, width);
        if (!is_shared) {
            memcpy(target, plane, bytes);
        } else {
            for (size_t i = 0; i < bytes; i++) { target[i] |= plane[i]; }
        }
    }
}

/// Reads `count` (16 or 32) reduced elements of a panel from `first` on; columns after them get codes 0.
static void kva_get_elements(const uint8_t *panel, size_t reduced, size_t first, size_t count, unsigned bits,
                             kva_code_block *block) {
    _Alignas(64) uint8_t planes[8 * KVA_PLANE_BYTES];
    if (count < KVA_BLOCK) { memset(planes, 0, sizeof planes); }
    const unsigned digit = kva_first_digit_bits(bits);
    for (unsigned start = 0; start < bits; start += digit) {
        const unsigned width = start == 0 ? digit : bits - digit;
        memcpy(planes + start * KVA_PLANE_BYTES,
               panel + kva_panel_bytes(reduced, start) + kva_panel_bytes(first, width), kva_panel_bytes(count, width));
    }
    kva_unpack_planes(planes, bits, block);
}

// MARK: - Columns

/// The codes of each column, `bits` dwords: [dword][column].
typedef struct {
    _Alignas(64) uint32_t dwords[8][KVA_BLOCK];
} kva_column_words;

/// The i-th byte of every column's packed codes.
KVA_INLINE __m256i kva_column_byte(const kva_code_block *block, unsigned bits, size_t index) {
    __m256i byte = _mm256_setzero_si256();
    const size_t first = 8 * index / bits, last = (8 * index + 7) / bits;
    for (size_t row = first; row <= last; row++) {
        const __m256i codes = _mm256_load_si256((const __m256i *)block->rows[row]);
        const int shift = (int)(row * bits) - (int)(8 * index);
        const __m256i moved = shift < 0 ? _mm256_srli_epi16(codes, -shift) : _mm256_slli_epi16(codes, shift);
        const int mask = shift < 0 ? 0xFF >> -shift : 0xFF << shift & 0xFF;
        byte = _mm256_or_si256(byte, _mm256_and_si256(moved, _mm256_set1_epi8((char)mask)));
    }
    return byte;
}

KVA_INLINE void kva_column_words_of(const kva_code_block *block, unsigned bits, kva_column_words *words) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < bits; j++) {
        __m256i v[4];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 4; i++) { v[i] = kva_column_byte(block, bits, 4 * j + i); }
        const __m256i low[2] = {_mm256_unpacklo_epi8(v[0], v[1]), _mm256_unpacklo_epi8(v[2], v[3])};
        const __m256i high[2] = {_mm256_unpackhi_epi8(v[0], v[1]), _mm256_unpackhi_epi8(v[2], v[3])};
        const __m256i fours[4] = {
            _mm256_unpacklo_epi16(low[0], low[1]), _mm256_unpackhi_epi16(low[0], low[1]),
            _mm256_unpacklo_epi16(high[0], high[1]), _mm256_unpackhi_epi16(high[0], high[1]),
        };
        for (size_t i = 0; i < 4; i++) {
            _mm_store_si128((__m128i *)&words->dwords[j][4 * i], _mm256_castsi256_si128(fours[i]));
            _mm_store_si128((__m128i *)&words->dwords[j][4 * i + 16], _mm256_extracti128_si256(fours[i], 1));
        }
    }
}

/// Writes the first `count` bytes of the first `columns` columns, `stride` bytes apart.
static void kva_pack_columns(const kva_code_block *block, unsigned bits, size_t columns, size_t count, uint8_t *target,
                             size_t stride) {
    kva_column_words words;
    switch (bits) {
        case 1: kva_column_words_of(block, 1, &words); break;
        case 2: kva_column_words_of(block, 2, &words); break;
        case 3: kva_column_words_of(block, 3, &words); break;
        case 4: kva_column_words_of(block, 4, &words); break;
        default: kva_column_words_of(block, 8, &words); break;
    }
    for (size_t column = 0; column < columns; column++) {
        uint8_t *place = target + column * stride;
        size_t j = 0;
        for (; 4 * j + 4 <= count; j++) { memcpy(place + 4 * j, &words.dwords[j][column], 4); }
        if (4 * j < count) { memcpy(place + 4 * j, &words.dwords[j][column], count - 4 * j); }
    }
}

KVA_INLINE void kva_column_codes_of(const kva_column_words *words, unsigned bits, kva_code_block *block) {
    const __m256i by_byte = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,  //
                                             0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m256i bytes[KVA_BLOCK];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < bits; j++) {
        __m256i v[4];
        for (size_t i = 0; i < 4; i++) {
            const __m128i low = _mm_load_si128((const __m128i *)&words->dwords[j][4 * i]);
            const __m128i high = _mm_load_si128((const __m128i *)&words->dwords[j][4 * i + 16]);
            v[i] = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), by_byte);
        }
        const __m256i low[2] = {_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpacklo_epi32(v[2], v[3])};
        const __m256i high[2] = {_mm256_unpackhi_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[2], v[3])};
        bytes[4 * j] = _mm256_unpacklo_epi64(low[0], low[1]);
        bytes[4 * j + 1] = _mm256_unpackhi_epi64(low[0], low[1]);
        bytes[4 * j + 2] = _mm256_unpacklo_epi64(high[0], high[1]);
        bytes[4 * j + 3] = _mm256_unpackhi_epi64(high[0], high[1]);
    }
    const int mask = (1 << bits) - 1;
#pragma clang loop unroll(full)
    for (size_t row = 0; row < KVA_BLOCK; row++) {
        const size_t index = row * bits / 8;
        const int shift = (int)(row * bits % 8), over = shift + (int)bits - 8;
        const int here = over > 0 ? mask >> over : mask;
        __m256i code = _mm256_and_si256(_mm256_srli_epi16(bytes[index], shift), _mm256_set1_epi8((char)here));
        if (over > 0) {
            const __m256i rest = _mm256_slli_epi16(bytes[index + 1], 8 - shift);
            code = _mm256_or_si256(code, _mm256_and_si256(rest, _mm256_set1_epi8((char)(mask & ~here))));
        }
        _mm256_store_si256((__m256i *)block->rows[row], code);
    }
}

/// Reads the first `count` bytes of the first `columns` columns; what is absent becomes codes 0.
static void kva_unpack_columns(const uint8_t *source, size_t stride, unsigned bits, size_t columns, size_t count,
                               kva_code_block *block) {
    kva_column_words words;
    if (columns < KVA_BLOCK || count < 4 * bits) { memset(&words, 0, sizeof words); }
    for (size_t column = 0; column < columns; column++) {
        const uint8_t *place = source + column * stride;
        size_t j = 0;
        for (; 4 * j + 4 <= count; j++) { memcpy(&words.dwords[j][column], place + 4 * j, 4); }
        if (4 * j < count) { memcpy(&words.dwords[j][column], place + 4 * j, count - 4 * j); }
    }
    switch (bits) {
        case 1: kva_column_codes_of(&words, 1, block); break;
        case 2: kva_column_codes_of(&words, 2, block); break;
        case 3: kva_column_codes_of(&words, 3, block); break;
        case 4: kva_column_codes_of(&words, 4, block); break;
        default: kva_column_codes_of(&words, 8, block); break;
    }
}

#pragma clang attribute pop

#endif
