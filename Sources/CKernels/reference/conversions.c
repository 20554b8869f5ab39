#include "reference.h"
#include "scalars.h"

void kva_reference_half_to_float(const uint16_t *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) { target[i] = kva_half_to_float(source[i]); }
}

void kva_reference_float_to_half(const float *source, uint16_t *target, size_t count) {
    for (size_t i = 0; i < count; i++) { target[i] = kva_float_to_half(source[i]); }
}

void kva_reference_bfloat_to_float(const uint16_t *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) { target[i] = kva_bfloat_to_float(source[i]); }
}

void kva_reference_float_to_bfloat(const float *source, uint16_t *target, size_t count) {
    for (size_t i = 0; i < count; i++) { target[i] = kva_float_to_bfloat(source[i]); }
}
