#include <math.h>

#include "reference.h"

// Sums run in double precision, so that the reference's own rounding is far below what it is compared with.

float kva_reference_dot(const float *x, const float *y, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) { sum += (double)x[i] * y[i]; }
    return (float)sum;
}

void kva_reference_scaled_accumulate(float a, const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) { y[i] = (float)((double)a * x[i] + y[i]); }
}

void kva_reference_add(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) { y[i] += x[i]; }
}

void kva_reference_scale(float a, float *x, size_t count) {
    for (size_t i = 0; i < count; i++) { x[i] *= a; }
}

float kva_reference_maximum(const float *x, size_t count) {
    float largest = -INFINITY;
    for (size_t i = 0; i < count; i++) { largest = x[i] > largest ? x[i] : largest; }
    return largest;
}

float kva_reference_absolute_maximum(const float *x, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; i++) { largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest; }
    return largest;
}

float kva_reference_exponential_sum(float *x, size_t count, float shift) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float difference = x[i] - shift;
        x[i] = difference < -86.9f ? 0 : (float)exp((double)difference);
        sum += x[i];
    }
    return (float)sum;
}

void kva_reference_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count) {
    double squares = 0;
    for (size_t i = 0; i < count; i++) { squares += (double)x[i] * x[i]; }
    const float factor = (float)(1 / sqrt(squares / (double)count + epsilon));
    for (size_t i = 0; i < count; i++) { y[i] = x[i] * factor * weight[i]; }
}

void kva_reference_silu_multiply(const float *gate, const float *up, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) { y[i] = (float)(gate[i] / (1 + exp(-(double)gate[i]))) * up[i]; }
}

void kva_reference_rotate_halves(float *x, const float *c, const float *s, size_t half) {
    for (size_t i = 0; i < half; i++) {
        const float first = x[i], second = x[i + half];
        x[i] = first * c[i] - second * s[i];
        x[i + half] = second * c[i] + first * s[i];
    }
}

void kva_reference_rotate_adjacent(float *x, const float *c, const float *s, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) {
        const float first = x[2 * i], second = x[2 * i + 1];
        x[2 * i] = first * c[i] - second * s[i];
        x[2 * i + 1] = second * c[i] + first * s[i];
    }
}
