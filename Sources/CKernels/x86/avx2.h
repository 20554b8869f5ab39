#ifndef KVATLAS_AVX2_H
#define KVATLAS_AVX2_H

#include "../include/CKernels.h"

#if defined(__x86_64__)
extern const kva_kernels kva_avx2_kernels;
#endif

#endif
