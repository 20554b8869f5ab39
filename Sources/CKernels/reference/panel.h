#ifndef KVATLAS_PANEL_H
#define KVATLAS_PANEL_H

// Where a code lies in the packed cache.
//
// A panel holds codes of 32 lanes × `reduced` elements (a multiple of 16) that are multiplied by one
// factor each and summed over: for keys the lanes are tokens and the reduced elements channels; for
// values the lanes are 32 channels and the reduced elements the 32 tokens of a tile.
//
// Codes are cut into digits of 1, 2 or 4 bits, the lowest first: 3 bits are 2 + 1, 8 bits are 4 + 4.
// All first digits of a panel come before all second ones. 64 bytes hold one digit of 32 lanes × 16/w
// reduced elements: the 4·l + i-th byte, bits w·s … w·s + w − 1, is that of lane l + 16·(s & 1) and reduced
// element 4·(s >> 1) + i. So one load brings four reduced elements of 16 lanes to where byte products
// that sum four neighbours (vpdpbusd, ARM's dot, two steps of maddubs) want them, a shift and a mask
// unpack it, and the factors are one broadcast of four bytes.

#include <stddef.h>
#include <stdint.h>

#include "../include/CKernels.h"

#pragma clang assume_nonnull begin

/// Byte of one digit of `width` bits in a plane, and the bit it begins at.
static inline size_t kva_digit_place(size_t lane, size_t element, unsigned width, unsigned *bit) {
    const size_t per_chunk = 16 / width, chunk = element / per_chunk, rest = element % per_chunk;
    *bit = width * (unsigned)(2 * (rest / 4) + lane / 16);
    return 64 * chunk + 4 * (lane % 16) + rest % 4;
}

static inline unsigned kva_panel_code(const uint8_t *panel, size_t reduced, unsigned bits, size_t lane,
                                      size_t element) {
    const unsigned first = kva_first_digit_bits(bits), second = bits - first;
    unsigned bit;
    const size_t place = kva_digit_place(lane, element, first, &bit);
    unsigned code = panel[place] >> bit & ((1u << first) - 1);
    if (second > 0) {
        const uint8_t *plane = panel + kva_panel_bytes(reduced, first);
        const size_t other = kva_digit_place(lane, element, second, &bit);
        code |= (plane[other] >> bit & ((1u << second) - 1)) << first;
    }
    return code;
}

/// Sets a code whose bits are still zero.
static inline void kva_panel_set(uint8_t *panel, size_t reduced, unsigned bits, size_t lane, size_t element,
                                 unsigned code) {
    const unsigned first = kva_first_digit_bits(bits), second = bits - first;
    unsigned bit;
    const size_t place = kva_digit_place(lane, element, first, &bit);
    panel[place] |= (uint8_t)((code & ((1u << first) - 1)) << bit);
    if (second > 0) {
        uint8_t *plane = panel + kva_panel_bytes(reduced, first);
        const size_t other = kva_digit_place(lane, element, second, &bit);
        plane[other] |= (uint8_t)(code >> first << bit);
    }
}

#pragma clang assume_nonnull end

#endif
