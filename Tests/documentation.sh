#!/usr/bin/env bash
# Builds the DocC catalogue of KVAtlas and fails on a link that leads nowhere.
#
#   bash Tests/documentation.sh [FOLDER]    FOLDER, if given, keeps the pages: serve it with python3 -m http.server
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if ! command -v docc >/dev/null; then
    printf 'warning: there is no docc, so the documentation is not built\n' >&2
    exit 0
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# The umbrella has no symbols of its own: its articles are all there is to it, so no build is needed.
cat >"$work/KVAtlas.symbols.json" <<'JSON'
{"metadata": {"formatVersion": {"major": 0, "minor": 6, "patch": 0}, "generator": "Tests/documentation.sh"},
 "module": {"name": "KVAtlas", "platform": {}}, "symbols": [], "relationships": []}
JSON
docc convert "$root/Sources/KVAtlas/KVAtlas.docc" --fallback-display-name KVAtlas \
    --fallback-bundle-identifier kvatlas --additional-symbol-graph-dir "$work" --warnings-as-errors \
    --transform-for-static-hosting --output-path "${1:-$work/pages}" >&2
