#ifndef KVATLAS_COPENBLAS_SHIM_H
#define KVATLAS_COPENBLAS_SHIM_H
#include <cblas.h>
#endif
