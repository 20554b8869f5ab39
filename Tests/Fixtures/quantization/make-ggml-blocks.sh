#!/usr/bin/env bash
# Makes ggml-blocks.txt: what ggml's own reference quantizers make of some blocks of 32 elements.
#
#   bash Tests/Fixtures/quantization/make-ggml-blocks.sh        fetches the source package of llama-cpp-python 0.3.36
#   bash Tests/Fixtures/quantization/make-ggml-blocks.sh DIR    uses a source tree of ggml: DIR/src/ggml-quants.c
#
# Lines: a type and the bytes of its blocks in hexadecimal. The elements are made as GGMLBlockTests makes them.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
ggml="${1:-}"
if [ -z "$ggml" ]; then
    python3 - "$work/source.tar.gz" <<'PYTHON'
import re, sys, urllib.parse, urllib.request
index = "https://pypi.org/simple/llama-cpp-python/"
page = urllib.request.urlopen(index).read().decode()
link = re.findall(r'href="([^"]*0\.3\.36\.tar\.gz[^"]*)"', page)[0]
data = urllib.request.urlopen(urllib.parse.urljoin(index, link)).read()
open(sys.argv[1], "wb").write(data)
PYTHON
    tar xzf "$work/source.tar.gz" -C "$work"
    ggml="$(echo "$work"/llama_cpp_python-*/vendor/llama.cpp/ggml)"
fi
cat >"$work/driver.c" <<'C'
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#define GGML_COMMON_DECL_C
#include "ggml-common.h"
#include "ggml-quants.h"

enum { BLOCKS = 24 };

void ggml_abort(const char *file, int line, const char *format, ...) {
    (void)format;
    fprintf(stderr, "%s:%d\n", file, line);
    abort();
}

int main(void) {
    static float x[BLOCKS * 32];
    uint32_t state = 1;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < 32; i++) {
            state = state * 1664525u + 1013904223u;
            const float random = (float)((int)(state >> 16) - 32768) / 4096.0f;
            float scale = 1.0f;
            for (int j = 0; j < block % 7; j++) { scale *= 0.5f; }
            x[32 * block + i] = block == 0 ? 0.0f : block == 1 ? 1.5f : block == 2 ? -0.703125f : random * scale;
        }
    }
    x[32 * 3 + 17] = 300.0f;
    x[32 * 4 + 5] = -300.0f;
#define SHOW(name, type, quantize) \
    { \
        static type y[BLOCKS]; \
        quantize(x, y, BLOCKS * 32); \
        printf(name " "); \
        for (size_t i = 0; i < sizeof y; i++) { printf("%02x", ((const uint8_t *)y)[i]); } \
        printf("\n"); \
    }
    SHOW("q8_0", block_q8_0, quantize_row_q8_0_ref)
    SHOW("q5_1", block_q5_1, quantize_row_q5_1_ref)
    SHOW("q5_0", block_q5_0, quantize_row_q5_0_ref)
    SHOW("q4_1", block_q4_1, quantize_row_q4_1_ref)
    SHOW("q4_0", block_q4_0, quantize_row_q4_0_ref)
    SHOW("iq4_nl", block_iq4_nl, quantize_row_iq4_nl_ref)
    return 0;
}
C
# Only the quantizers are linked; what else the file has is left out.
cc -O1 -ffp-contract=off -ffunction-sections -fdata-sections -w -I"$ggml/include" -I"$ggml/src" \
    -c "$ggml/src/ggml-quants.c" -o "$work/quants.o"
cc -O1 -ffp-contract=off -w -I"$ggml/include" -I"$ggml/src" "$work/driver.c" "$work/quants.o" \
    -Wl,--gc-sections -Wl,--unresolved-symbols=ignore-all -lm -lpthread -o "$work/driver"
"$work/driver" >"$here/ggml-blocks.txt"
wc -c "$here/ggml-blocks.txt"
