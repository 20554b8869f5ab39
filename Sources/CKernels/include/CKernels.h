#ifndef KVATLAS_CKERNELS_H
#define KVATLAS_CKERNELS_H
#include <stddef.h>
#include <stdint.h>
#endif
