#if defined(__x86_64__)

#include "../../reference/affine_group.h"
#include "affine_lanes.h"
#include "../code_blocks.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
                             apply_to = function)

#define KERNEL(name) kva_avx512_##name
#include "../affine_source.h"
#include "../affine_arithmetic.h"
#include "../affine_places.h"
#include "../affine_drivers.h"

#pragma clang attribute pop

#endif
