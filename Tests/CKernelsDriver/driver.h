#ifndef KVATLAS_KERNELS_DRIVER_H
#define KVATLAS_KERNELS_DRIVER_H

// Compares every function of every table that runs here with the reference, in C alone, so that it can
// be built with any sanitizer and for other processors. To cover a new member of `kva_kernels`, write
//
//     CHECK(member) { … tables->fast->member(…); tables->reference->member(…); expect_…(…); }
//
// in a file of checks/. A member without a check fails the run.

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../Sources/CKernels/include/CKernels.h"

typedef struct {
    const kva_kernels *fast, *reference;
} tables_under_test;

typedef struct check {
    const char *name;
    size_t member;
    void (*run)(const tables_under_test *tables);
    struct check *next;
} check;

void register_check(check *entry);

#define KVA_REGISTER(name, function)                                                                    \
    __attribute__((constructor)) static void register_##name(void) {                                    \
        static check entry = {#name, offsetof(kva_kernels, name), function, 0};                         \
        register_check(&entry);                                                                         \
    }
/// Defines the check of one member of the table.
#define CHECK(name)                                                                                     \
    static void check_##name(const tables_under_test *tables);                                          \
    KVA_REGISTER(name, check_##name)                                                                    \
    static void check_##name(const tables_under_test *tables)
/// Says that another member's check covers this one.
#define CHECKED_WITH(name) KVA_REGISTER(name, 0)

// MARK: - Memory

/// `size` bytes, filled with a pattern, that end where nothing may be read: at the address sanitizer's red zone,
/// or at a page without access. So they begin at no larger boundary than their size asks for.
void *exact_bytes(size_t size);
void *exact_copy(const void *source, size_t size);
#define EXACT(type, count) ((type *)exact_bytes((count) * sizeof(type)))
/// Ends one case: gives all of it back, and fails if bytes before one of them were written.
void end_case(void);
int buffers_end_at_pages(void);

// MARK: - Samples

typedef enum {
    GAUSSIAN, CONSTANT, ZERO, OUTLIER, HALF_SUBNORMAL, SUBNORMAL, NOT_A_NUMBER, INFINITE, MINUS_INFINITE, SAMPLE_KINDS
} sample_kind;

void seed_samples(uint64_t seed);
const char *sample_name(sample_kind kind);
double random_gaussian(void);
uint64_t random_bits(void);
float *sample(sample_kind kind, size_t count);
/// The same rounded to float16.
uint16_t *half_sample(sample_kind kind, size_t count);

/// Lengths around every vector width, unrolling and block border.
extern const size_t lengths[];
extern const size_t length_count;

#define FOR_LENGTHS(count) \
    for (size_t index_of_length = 0, count;                                                             \
         index_of_length < length_count && (count = lengths[index_of_length], 1); index_of_length++)
#define FOR_KINDS(kind) for (sample_kind kind = GAUSSIAN; kind < SAMPLE_KINDS; kind++)

// MARK: - Expectations

/// What messages say of the case at hand.
void describe_case(const char *format, ...) __attribute__((format(printf, 1, 2)));
void expect(int condition, const char *what);
/// Same bits, or both NaN.
void expect_identical(const float *got, const float *expected, size_t count);
void expect_same_bytes(const void *got, const void *expected, size_t size);
/// Within `bound`, both NaN, or the same infinity.
void expect_within(double got, double expected, double bound, size_t index);

/// Half a unit in the last place of a float32 near 1, and half the distance of float32's subnormals.
#define UNIT 0x1p-24
#define TINY 0x1p-150

#endif
