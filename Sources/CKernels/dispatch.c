#include "CKernels.h"

#include <string.h>
#if defined(__aarch64__) && defined(__linux__) && __has_include(<sys/auxv.h>)
#include <sys/auxv.h>
#endif

#include "arm/neon.h"
#include "reference/reference.h"
#include "x86/avx512/avx512.h"

// MARK: - Which table runs

#if defined(__aarch64__)
/// Whether there is `sdot`: the compiler may know it of every processor, Linux of this one.
static int has_dot_product(void) {
#if defined(__ARM_FEATURE_DOTPROD)
    return 1;
#elif defined(HWCAP_ASIMDDP)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return 0;
#endif
}
#endif

const kva_kernels *kva_kernels_for(kva_isa isa) {
    switch (isa) {
        case KVA_ISA_REFERENCE: return &kva_reference_kernels;
#if defined(__x86_64__)
        case KVA_ISA_AVX2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")
                       ? &kva_avx2_kernels
                       : NULL;
        case KVA_ISA_AVX512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                           __builtin_cpu_supports("avx512vnni") && kva_kernels_for(KVA_ISA_AVX2)
                       ? &kva_avx512_kernels
                       : NULL;
#elif defined(__aarch64__)
        case KVA_ISA_NEON: return has_dot_product() ? &kva_neon_dotprod_kernels : &kva_neon_kernels;
#endif
        default: return NULL;
    }
}

// MARK: - Features

static void append(char *buffer, size_t capacity, const char *name) {
    const size_t length = strlen(buffer), more = strlen(name) + (length > 0);
    if (length + more + 1 > capacity) { return; }
    if (length > 0) { buffer[length] = ' '; }
    memcpy(buffer + length + (length > 0), name, strlen(name) + 1);
}

void kva_processor_features(char *buffer, size_t capacity) {
    if (capacity == 0) { return; }
    buffer[0] = 0;
#if defined(__x86_64__)
#define KVA_REPORT(name) \
    if (__builtin_cpu_supports(name)) { append(buffer, capacity, name); }
    KVA_REPORT("sse4.2")
    KVA_REPORT("avx")
    KVA_REPORT("avx2")
    KVA_REPORT("fma")
    KVA_REPORT("f16c")
    KVA_REPORT("bmi2")
    KVA_REPORT("avx512f")
    KVA_REPORT("avx512bw")
    KVA_REPORT("avx512vl")
    KVA_REPORT("avx512vnni")
    KVA_REPORT("avx512vbmi")
#undef KVA_REPORT
#elif defined(__aarch64__)
    append(buffer, capacity, "neon");
    if (has_dot_product()) { append(buffer, capacity, "dotprod"); }
#endif
}
