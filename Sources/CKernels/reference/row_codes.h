#ifndef KVATLAS_ROW_CODES_H
#define KVATLAS_ROW_CODES_H

// Codes of a row: code j takes bits `bits·j …` counted from the least significant bit of the row's first byte.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

static inline size_t kva_row_bytes(size_t length, unsigned bits) { return (length * bits + 7) / 8; }

static inline unsigned kva_row_code(const uint8_t *row, size_t index, unsigned bits) {
    const size_t position = index * bits;
    const unsigned shift = position % 8;
    unsigned pair = row[position / 8];
    if (shift + bits > 8) { pair |= (unsigned)row[position / 8 + 1] << 8; }
    return pair >> shift & ((1u << bits) - 1);
}

/// Sets a code whose bits are still zero.
static inline void kva_row_set(uint8_t *row, size_t index, unsigned bits, unsigned code) {
    const size_t position = index * bits;
    const unsigned placed = code << position % 8;
    row[position / 8] |= (uint8_t)placed;
    if (placed >> 8) { row[position / 8 + 1] |= (uint8_t)(placed >> 8); }
}

#pragma clang assume_nonnull end

#endif
