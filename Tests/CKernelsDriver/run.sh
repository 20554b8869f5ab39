#!/usr/bin/env bash
# Compares every C kernel of every instruction set that runs here with the reference, in C alone.
#
#   bash Tests/CKernelsDriver/run.sh                      as it is built for use
#   bash Tests/CKernelsDriver/run.sh --sanitize LIST      with clang's sanitizers: undefined, or address,undefined
#   bash Tests/CKernelsDriver/run.sh --cross aarch64      NEON, under qemu with and without sdot, then with traps
#   bash Tests/CKernelsDriver/run.sh --syntax             compiles for AArch64 (Linux, macOS), without running it
#
# Arguments behind these go to the driver: --seed NUMBER repeats a run, --filter NAME picks functions.
# Needs clang only; for --cross Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=../../experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"
cd "$root"

mode=plain
sanitizers=""
case "${1:-}" in
    --sanitize)
        mode=sanitize
        sanitizers="${2:-}"
        case "$sanitizers" in
            undefined | address,undefined) shift 2 ;;
            *) fail "--sanitize knows 'undefined' and 'address,undefined', not '$sanitizers'" ;;
        esac ;;
    --cross)
        mode=cross
        [ "${2:-}" = aarch64 ] || fail "--cross knows 'aarch64', not '${2:-}'"
        shift 2 ;;
    --syntax) mode=syntax; shift ;;
    -h | --help) sed -n '2,10p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
esac

command -v clang >/dev/null || fail "there is no 'clang'; the Swift toolchain has one in its usr/bin"
flags=(-O2 -g -Wall -Wextra -Werror -ISources/CKernels/include)
mapfile -t kernels < <(find Sources/CKernels -name '*.c' | sort)
mapfile -t sources < <(find Tests/CKernelsDriver -name '*.c' | sort)
mkdir -p .build-kernels

# build NAME FLAGS…: the driver with all kernels.
build() {
    local name="$1"
    shift
    clang "${flags[@]}" "$@" -o ".build-kernels/$name" "${kernels[@]}" "${sources[@]}" -lm
}

case "$mode" in
    plain)
        build driver
        .build-kernels/driver "$@" ;;
    sanitize)
        # What Linux' gold makes of the sanitizers' own symbols is a page of warnings.
        linker=()
        ! command -v ld.lld >/dev/null || linker=(-fuse-ld=lld)
        build "driver-$sanitizers" "-fsanitize=$sanitizers" -fno-sanitize-recover=all "${linker[@]}"
        ".build-kernels/driver-$sanitizers" "$@" ;;
    cross)
        ensure_cross_aarch64
        build driver-aarch64 --target=aarch64-linux-gnu -static
        for processor in max cortex-a57; do
            say "NEON on qemu's $processor"
            qemu-aarch64 -cpu "$processor" .build-kernels/driver-aarch64 "$@"
        done
        # Traps need no library of the sanitizer's, which clang has for this processor only.
        build driver-aarch64-undefined --target=aarch64-linux-gnu -static -fsanitize=undefined -fsanitize-trap=undefined
        say "NEON with the undefined behaviour sanitizer"
        qemu-aarch64 .build-kernels/driver-aarch64-undefined "$@" ;;
    syntax)
        # Declarations of our own stand for the C library, so that none for AArch64 need be here.
        for target in aarch64-linux-gnu arm64-apple-macos15; do
            if ! printf '#include <arm_neon.h>\n' | clang --target="$target" -ffreestanding -fsyntax-only -x c - 2>/dev/null; then
                printf 'note: this clang has no %s, so NEON is not compiled for it\n' "$target" >&2
                continue
            fi
            for kernel in "${kernels[@]}"; do
                clang --target="$target" "${flags[@]}" -ffreestanding -nostdlibinc \
                    -isystem Tests/CKernelsDriver/freestanding -fsyntax-only "$kernel"
            done
        done ;;
esac
