#ifndef KVATLAS_COPENBLAS_SHIM_H
#define KVATLAS_COPENBLAS_SHIM_H
#include <cblas.h>

// LAPACK, which is in the library and in no header that every system installs.
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *stride, double *values,
             double *work, const int *work_count, int *integers, const int *integer_count, int *status);
void dposv_(const char *triangle, const int *n, const int *columns, double *a, const int *a_stride, double *b,
            const int *b_stride, int *status);
#endif
