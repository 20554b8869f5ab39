#ifndef KVATLAS_AVX512_INLINE_H
#define KVATLAS_AVX512_INLINE_H

// Small pieces that several AVX-512 kernels share.

#include "../avx2/avx2_inline.h"
#include "avx512.h"

#endif
