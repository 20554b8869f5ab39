#!/usr/bin/env bash
# From a fresh Debian machine with a Swift toolchain to the report of the distribution study.
#
#   bash experiments/quickstart.sh                  with SmolLM2-135M-Instruct (98 MB, fetched once)
#   bash experiments/quickstart.sh --model PATH     with a model of yours (GGUF)
#
# Run again, each step skips what is there.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=experiments/_shared/install.sh
. "$root/experiments/_shared/install.sh"

usage() { sed -n '2,7p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; }

model=""
while [ $# -gt 0 ]; do
    case "$1" in
        --model) [ $# -ge 2 ] || { usage >&2; exit 2; }; model="$2"; shift 2 ;;
        --model=*) model="${1#--model=}"; shift ;;
        -h | --help) usage; exit 0 ;;
        *) printf "error: unknown argument '%s'\n" "$1" >&2; usage >&2; exit 2 ;;
    esac
done
if [ -n "$model" ]; then
    [ -f "$model" ] || fail "$model: there is no such file"
    model="$(realpath "$model")"
fi

cd "$root"
if [ -n "$model" ]; then ensure_system_packages; else ensure_system_packages python; fi
manifest=experiments/01-distribution/experiment.yaml
settings=()
if [ -n "$model" ]; then
    name="$(basename "$model" .gguf)"
    settings=(--set "model.path=$model" --out "runs/01-distribution-$name")
else
    say "Model: SmolLM2-135M-Instruct"
    bash data/fetch-model.sh smollm2-135m-instruct >/dev/null
fi

say "Building kvatlas (release)"
swift build -c release --product kvatlas
kvatlas="$(swift build -c release --show-bin-path)/kvatlas"

say "Running $manifest"
report="$("$kvatlas" run "$manifest" ${settings[@]+"${settings[@]}"})"
say "Done. The report:"
printf '%s\n' "$report"
