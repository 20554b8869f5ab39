#include <math.h>

#include "reference.h"

void kva_reference_walsh_hadamard(float *x, size_t rows, size_t length) {
    const float factor = kva_hadamard_factor(length);
    for (size_t row = 0; row < rows; row++, x += length) {
        for (size_t stride = 1; stride < length; stride *= 2) {
            for (size_t first = 0; first < length; first += 2 * stride) {
                for (size_t i = first; i < first + stride; i++) {
                    const float a = x[i], b = x[i + stride];
                    x[i] = a + b;
                    x[i + stride] = a - b;
                }
            }
        }
        for (size_t i = 0; i < length; i++) { x[i] *= factor; }
    }
}

float kva_hadamard_factor(size_t length) { return (float)(1 / sqrt((double)length)); }
