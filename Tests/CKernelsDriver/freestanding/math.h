// Enough of <math.h> to check the syntax of the kernels for a processor whose C library is not here.
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
double exp(double x);
double fabs(double x);
double sqrt(double x);
float fabsf(float x);
float fmaf(float a, float b, float c);
float nearbyintf(float x);
float sqrtf(float x);
