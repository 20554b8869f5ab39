#include "driver.h"

// Inputs on which kernels are likeliest to go wrong.

const size_t lengths[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
    63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 513,
};
const size_t length_count = sizeof lengths / sizeof lengths[0];

static uint64_t state;

void seed_samples(uint64_t seed) { state = seed; }

/// SplitMix64 (Steele, Lea and Flood, 2014).
uint64_t random_bits(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/// Nearly: the sum of four uniform numbers, with variance 1, never beyond ±3.5.
double random_gaussian(void) {
    const uint64_t a = random_bits(), b = random_bits();
    const double sum = (double)(uint32_t)a + (double)(a >> 32) + (double)(uint32_t)b + (double)(b >> 32);
    return (sum * 0x1p-32 - 2) * sqrt(3);
}

const char *sample_name(sample_kind kind) {
    static const char *const names[SAMPLE_KINDS] = {
        "gaussian", "constant", "zero", "outlier", "half subnormal", "subnormal", "NaN", "infinite", "minus infinite",
    };
    return names[kind];
}

float *sample(sample_kind kind, size_t count) {
    float *x = EXACT(float, count);
    for (size_t i = 0; i < count; i++) {
        const double gaussian = random_gaussian();
        switch (kind) {
            case CONSTANT: x[i] = -1.375f; break;
            case ZERO: x[i] = 0; break;
            case HALF_SUBNORMAL: x[i] = (float)(gaussian * 0x1p-22); break;
            case SUBNORMAL: x[i] = (float)(gaussian * 0x1p-130); break;
            default: x[i] = (float)gaussian; break;
        }
    }
    if (count == 0) { return x; }
    float *single = &x[random_bits() % count];
    switch (kind) {
        case OUTLIER: *single = 3000; break;
        case NOT_A_NUMBER: *single = NAN; break;
        case INFINITE: *single = INFINITY; break;
        case MINUS_INFINITE: *single = -INFINITY; break;
        default: break;
    }
    return x;
}

uint16_t *half_sample(sample_kind kind, size_t count) {
    const float *x = sample(kind, count);
    uint16_t *halves = EXACT(uint16_t, count);
    kva_kernels_for(KVA_ISA_REFERENCE)->float_to_half(x, halves, count);
    return halves;
}
