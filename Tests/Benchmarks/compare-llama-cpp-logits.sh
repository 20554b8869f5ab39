#!/usr/bin/env bash
# Compares logits with llama.cpp's, which runs the same weights in float32: mean divergence, likeliest tokens, perplexity.
#
#   bash Tests/Benchmarks/compare-llama-cpp-logits.sh [--text FILE] MODEL.gguf…
#
# Builds llama.cpp from its Python package's source into .build-python (about eight minutes on two cores). Needs the disk
# for one model in float32 and for 512 rows of logits of each (0.1 to 0.6 GB). The test that compares is
# LlamaCppLogitTests; it prints a line a model.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"
# shellcheck source=Tests/Benchmarks/llama-cpp.sh
. "$root/Tests/Benchmarks/llama-cpp.sh"

text="$root/Tests/Fixtures/inference/alice.txt"
case "${1:-}" in
    "" | -h | --help) sed -n '2,8p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
    --text) [ $# -gt 2 ] || fail "--text needs a file, and models behind it"; text="$2"; shift 2 ;;
esac

install_llama_cpp gguf
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
say "Logits of llama.cpp on float32 weights"
PYTHONPATH="$llama_cpp_packages" python3 "$root/Tests/Benchmarks/compare-llama-cpp-logits.py" --text "$text" \
    --out "$folder" "$@"
say "Ours"
cd "$root" && KVATLAS_LOGITS="$folder" swift test -c release --filter LlamaCppLogitTests
