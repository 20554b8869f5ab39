#!/usr/bin/env bash
# Times generation with kvatlas against llama.cpp: the same model file, text and number of threads, in turns.
#
#   bash Tests/Benchmarks/compare-llama-cpp.sh --model FILE.gguf --text FILE [--lengths 512,2048] [--rounds N]
#       [--threads N] [--tokens N] [--out FILE.csv]
#
# Builds kvatlas if it is not built, and llama.cpp from its Python package's source into .build-python (about eight
# minutes on two cores). Prints a table and writes it to FILE.csv (default: runs/compare-llama-cpp.csv).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"
# shellcheck source=Tests/Benchmarks/llama-cpp.sh
. "$root/Tests/Benchmarks/llama-cpp.sh"

case "${1:-}" in
    "" | -h | --help) sed -n '2,8p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
esac

install_llama_cpp
say "Building kvatlas (release)"
(cd "$root" && swift build -c release --product kvatlas >&2)
mkdir -p "$root/runs"
exec env PYTHONPATH="$llama_cpp_packages" python3 "$root/Tests/Benchmarks/compare-llama-cpp.py" \
    --kvatlas "$root/.build/release/kvatlas" --out "$root/runs/compare-llama-cpp.csv" "$@"
