#!/usr/bin/env bash
# Times `kvatlas stats` over a generated capture against numpy with h5py doing the same one pass, and a plain read of
# memory, in turns in one run; prints rates, ratios and peak memory, and compares all numbers.
#
#   bash Tests/Benchmarks/compare-numpy-statistics.sh [--bytes 4GB] [--rounds N] [--threads N] [--keep FILE.h5]
#
# Builds kvatlas if it is not built, gets numpy and h5py into .build-python, and makes the capture (FILE.h5 stays for the
# next run) in runs/.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"

bytes=4GB
keep=""
arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        --bytes) bytes="$2"; shift 2 ;;
        --keep) keep="$2"; shift 2 ;;
        -h | --help) sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
        *) arguments+=("$1"); shift ;;
    esac
done

packages="$root/.build-python/statistics"
if [ ! -d "$packages/h5py" ]; then
    say "numpy and h5py"
    python3 -m pip install --quiet --no-warn-conflicts --root-user-action ignore --target "$packages" numpy h5py
fi
if [ -z "${KVATLAS:-}" ]; then
    say "Building kvatlas (release)"
    (cd "$root" && swift build -c release --product kvatlas >&2)
fi
kvatlas="${KVATLAS:-$root/.build/release/kvatlas}"
mkdir -p "$root/runs"
capture="${keep:-$root/runs/generated-statistics.h5}"
if [ ! -f "$capture" ]; then
    say "Generating $bytes"
    "$kvatlas" bench generate-capture --bytes "$bytes" --out "$capture"
fi
[ -n "$keep" ] || trap 'rm -f "$capture"' EXIT

PYTHONPATH="$packages" python3 "$root/Tests/Benchmarks/compare-numpy-statistics.py" --kvatlas "$kvatlas" \
    --capture "$capture" "${arguments[@]}"
