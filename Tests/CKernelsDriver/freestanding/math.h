// Enough of <math.h> to check the syntax of the kernels for a processor whose C library is not here.
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
double exp(double x);
double fabs(double x);
double fma(double a, double b, double c);
double fmax(double a, double b);
double fmin(double a, double b);
double log(double x);
double nearbyint(double x);
double pow(double x, double y);
double rint(double x);
double sqrt(double x);
float expf(float x);
float fabsf(float x);
float fmaf(float a, float b, float c);
float fmaxf(float a, float b);
float fminf(float a, float b);
float ldexpf(float x, int exponent);
float logf(float x);
float nearbyintf(float x);
float rintf(float x);
float sqrtf(float x);
