#ifndef KVATLAS_NEON_H
#define KVATLAS_NEON_H

// NEON, which every 64-bit ARM processor has; what is not written for it runs in the reference.

#include "../reference/reference.h"

#if defined(__aarch64__)

#pragma STDC FP_CONTRACT OFF
#pragma clang assume_nonnull begin

extern const kva_kernels kva_neon_kernels;

#pragma clang assume_nonnull end

#endif

#endif
