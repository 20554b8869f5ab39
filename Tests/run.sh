#!/usr/bin/env bash
# Checks the format, builds in release mode and passes all tests.
#
#   bash Tests/run.sh                      what CI runs; about 8 minutes on 2 cores from a new clone
#   bash Tests/run.sh --slow               also timed tests, long texts, three more models (1.9 GB), checks in h5py and
#                                          xarray, and of the hook for transformers, which needs PyTorch
#   bash Tests/run.sh --fuzz SECONDS       then feeds damaged files and texts to every reader; as long to each parser
#   bash Tests/run.sh --sanitize address   instead: kernels and file formats under the address sanitizer
#   bash Tests/run.sh --sanitize thread    instead: what runs on several threads under the thread sanitizer
#   bash Tests/run.sh --sanitize undefined instead: the C kernels alone under the undefined behaviour sanitizer
#   bash Tests/run.sh --cross aarch64      instead: the C kernels alone, for NEON, under qemu
#   bash Tests/run.sh --filter REGEX       only tests whose name matches
#
# Models are looked for in data/models, or in the folder that KVATLAS_MODELS names. The small one
# (98 MB) is fetched if it is not there; without a network, tests of it and of a notebook's execution are skipped.
# KVATLAS_WIKITEXT=FILE (the raw test split of WikiText-2) adds its perplexity over 20 windows.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"

usage() { sed -n '2,16p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; }

wrong_usage() {
    printf 'error: %s\n' "$*" >&2
    usage >&2
    exit 2
}

slow=false
fuzz_seconds=""
sanitizer=""
cross=""
filter=""
while [ $# -gt 0 ]; do
    case "$1" in
        --slow) slow=true; shift ;;
        --fuzz)
            fuzz_seconds="${2:-}"
            [[ "$fuzz_seconds" =~ ^[1-9][0-9]*$ ]] || wrong_usage "--fuzz needs a number of seconds, not '$fuzz_seconds'"
            shift 2 ;;
        --sanitize)
            sanitizer="${2:-}"
            [[ "$sanitizer" =~ ^(address|thread|undefined)$ ]] ||
                wrong_usage "--sanitize knows 'address', 'thread' and 'undefined', not '$sanitizer'"
            shift 2 ;;
        --cross)
            cross="${2:-}"
            [ "$cross" = aarch64 ] || wrong_usage "--cross knows 'aarch64', not '$cross'"
            shift 2 ;;
        --filter)
            filter="${2:-}"
            [ -n "$filter" ] || wrong_usage "--filter needs a regular expression"
            shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) wrong_usage "unknown argument '$1'" ;;
    esac
done

fetch_model() {
    if ! bash data/fetch-model.sh "$1" --into "${KVATLAS_MODELS:-data/models}" >/dev/null; then
        printf 'warning: without %s, the tests that need it are skipped\n' "$1" >&2
    fi
}

# A Python that executes notebooks, fetched beside the build, as pip mostly waits.
fetch_notebook_python() {
    local packages="$root/.build-python/notebook"
    if [ -d "$packages/nbclient" ]; then return; fi
    rm -rf "$packages.partial"
    python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore --target "$packages.partial" \
        nbformat nbclient ipykernel pandas matplotlib h5py xarray h5netcdf && mv "$packages.partial" "$packages"
}

use_notebook_python() {
    if wait "$1"; then
        # Without MPLBACKEND, the kernel shows matplotlib's pictures in the notebook.
        printf '#!/bin/sh\nexec env -u MPLBACKEND PYTHONPATH="%s" python3 "$@"\n' "$root/.build-python/notebook" \
            >"$root/.build-python/notebook-python"
        chmod +x "$root/.build-python/notebook-python"
        export KVATLAS_NOTEBOOK_PYTHON="$root/.build-python/notebook-python"
    else
        printf 'warning: without Python packages from pip, notebooks are written and not executed\n' >&2
    fi
}

# The same with PyTorch, for the hook that data/python ships: large, and not to be had everywhere.
provide_torch_python() {
    local packages="$root/.build-python/torch-packages"
    if [ ! -d "$packages/transformers" ]; then
        say "PyTorch and transformers for the check of data/python"
        if ! python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore \
            --target "$packages" "torch==2.13.0" "transformers>=5,<6" h5py numpy safetensors; then
            rm -rf "$packages"
            printf 'warning: without PyTorch, the hook for transformers is not checked\n' >&2
            return
        fi
    fi
    printf '#!/bin/sh\nPYTHONPATH="%s" exec python3 "$@"\n' "$packages" >"$root/.build-python/torch-python"
    chmod +x "$root/.build-python/torch-python"
    export KVATLAS_TORCH_PYTHON="$root/.build-python/torch-python"
}

# A Python with the packages that read our captures, for tests that ask other programs.
provide_python() {
    local packages="$root/.build-python/packages"
    if [ ! -d "$packages/h5netcdf" ]; then
        say "Python packages for the checks in h5py and xarray"
        python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore \
            --target "$packages" numpy h5py xarray h5netcdf
    fi
    printf '#!/bin/sh\nPYTHONPATH="%s" exec python3 "$@"\n' "$packages" >"$root/.build-python/python"
    chmod +x "$root/.build-python/python"
    export KVATLAS_PYTHON="$root/.build-python/python"
}

cd "$root"

# These two need no Swift.
if [ -n "$cross" ]; then exec bash Tests/CKernelsDriver/run.sh --cross "$cross"; fi
if [ "$sanitizer" = undefined ]; then exec bash Tests/CKernelsDriver/run.sh --sanitize undefined; fi

ensure_system_packages python

if [ "$sanitizer" = thread ]; then
    say "Building with the thread sanitizer"
    build=(--build-path .build-thread --sanitize thread)
    swift build "${build[@]}" --build-tests
    say "Threads under the thread sanitizer"
    export KVATLAS_CACHE_OPERATIONS="${KVATLAS_CACHE_OPERATIONS:-60}" TSAN_OPTIONS=halt_on_error=1
    swift test "${build[@]}" --skip-build --disable-xctest \
        --filter "${filter:-KernelsTests\.(Parallel|PackedAttention|AttentionProducts)|InferenceTests\.CacheContract}"
    exit 0
fi

if [ -n "$sanitizer" ]; then
    say "C kernels under the address sanitizer"
    bash Tests/CKernelsDriver/run.sh --sanitize address,undefined
    say "Building with the address sanitizer"
    build=(--build-path .build-address --sanitize address)
    swift build "${build[@]}" --build-tests
    say "Kernels and file formats under the address sanitizer"
    # XCTest itself leaks 368 bytes, so only wrong accesses count.
    # Unoptimized, the plain model of a cache takes a second for a few operations.
    # Pages of caches come from the system, where the sanitizer sees no borders: each gets one of its own.
    export KVATLAS_CACHE_OPERATIONS="${KVATLAS_CACHE_OPERATIONS:-60}" ASAN_OPTIONS=detect_leaks=0 KVATLAS_GUARD_PAGES=1
    swift test "${build[@]}" --skip-build --disable-xctest \
        --filter "${filter:-^(KernelsTests|ModelFormatsTests|TokenizersTests|HDF5Tests|QuantizationTests)\\.|InferenceTests\\.(CacheContract|FullCache|BatchGeneration)}"
    exit 0
fi

say "Format"
swift format lint --strict --parallel --recursive Package.swift Sources Tests

say "Documentation"
bash Tests/documentation.sh

say "C kernels for AArch64, and those for this processor against the reference"
bash Tests/CKernelsDriver/run.sh --syntax
bash Tests/CKernelsDriver/run.sh

say "Scripts"
python3 -m unittest discover --quiet -s Tests/Scripts

say "Models for the tests"
fetch_model smollm2-135m-instruct
if $slow; then
    for model in qwen2.5-coder-0.5b-instruct gemma-3-270m qwen2.5-coder-1.5b-instruct; do fetch_model "$model"; done
    [ -n "${KVATLAS_PYTHON:-}" ] || provide_python
    [ -n "${KVATLAS_TORCH_PYTHON:-}" ] || provide_torch_python
else
    for file in qwen2.5-coder-0.5b gemma-3-270m-q4_k_m qwen2.5-coder-1.5b; do
        [ -e "${KVATLAS_MODELS:-data/models}/$file.gguf" ] ||
            printf 'note: %s is not there, so its golden values are skipped; --slow fetches it\n' "$file" >&2
    done
fi
[ -n "${KVATLAS_WIKITEXT:-}" ] || [ -e data/texts/wikitext2_raw_test.txt ] ||
    printf 'note: KVATLAS_WIKITEXT names no text, so perplexity is checked on a shorter one\n' >&2

notebook_python=""
if [ -z "${KVATLAS_NOTEBOOK_PYTHON:-}" ]; then
    fetch_notebook_python &
    notebook_python=$!
fi

say "Building (release)"
swift build -c release --build-tests --explicit-target-dependency-import-check error

[ -z "$notebook_python" ] || use_notebook_python "$notebook_python"

say "Tests"
tests=(swift test -c release --skip-build --disable-xctest)
"${tests[@]}" ${filter:+--filter "$filter"}

if $slow; then
    # By themselves, one after the other: a test beside a timed one would be timed with it.
    say "Timed tests"
    KVATLAS_BENCHMARKS=1 "${tests[@]}" --no-parallel --filter "ThroughputTests|CaptureCostTests|LongGenerationTests|ResidentMemoryTests"
    say "Caches driven at random, 10,000 operations a seed"
    for seed in 1 2 3; do
        KVATLAS_CACHE_OPERATIONS=10000 KVATLAS_SEED=$seed "${tests[@]}" --filter "InferenceTests\.CacheContractTests"
    done
fi

if [ -n "$fuzz_seconds" ]; then
    say "Damaged input for $fuzz_seconds seconds"
    KVATLAS_FUZZ_SECONDS="$fuzz_seconds" "${tests[@]}" --filter "^ExperimentsTests\\.FuzzTests"
    for parser in $(bash Tests/Fuzzing/run.sh --list); do bash Tests/Fuzzing/run.sh "$parser" "$fuzz_seconds"; done
fi
