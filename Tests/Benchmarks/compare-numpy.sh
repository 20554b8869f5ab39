#!/usr/bin/env bash
# Times kvatlas's kernels against the same work in numpy (and PyTorch, where it can be imported), in turns.
#
#   bash Tests/Benchmarks/compare-numpy.sh [--torch] [--rounds N] [--threads N] [--tokens N] [--out FILE.csv]
#
# Builds kvatlas if it is not built, and gets numpy into .build-python; --torch gets PyTorch
# there as well (several GB). Prints a table and writes it to FILE.csv (default: runs/compare-numpy.csv).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"

arguments=()
torch=false
for argument in "$@"; do
    case "$argument" in
        --torch) torch=true ;;
        -h | --help) sed -n '2,7p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
        *) arguments+=("$argument") ;;
    esac
done

packages="$root/.build-python/compare"
install() {
    python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore --target "$packages" "$@"
}
if [ ! -d "$packages/numpy" ]; then
    say "numpy"
    install numpy threadpoolctl
fi
if $torch && [ ! -d "$packages/torch" ]; then
    say "PyTorch"
    install torch ||
        printf 'warning: PyTorch cannot be installed here and is left out\n' >&2
fi
say "Building kvatlas (release)"
(cd "$root" && swift build -c release --product kvatlas >&2)
mkdir -p "$root/runs"

# These two bind numpy's BLAS to kernels of another processor than this one.
exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE PYTHONPATH="$packages" \
    python3 "$root/Tests/Benchmarks/compare-numpy.py" --kvatlas "$root/.build/release/kvatlas" \
    --out "$root/runs/compare-numpy.csv" "${arguments[@]}"
