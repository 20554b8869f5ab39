#ifndef KVATLAS_REFERENCE_IQ4_LEVELS_H
#define KVATLAS_REFERENCE_IQ4_LEVELS_H

#include <stdint.h>

/// What the codes of ggml's IQ4_NL and IQ4_XS stand for, times the scale.
static const int8_t kva_iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

#endif
