#!/bin/sh
# Makes memory.wasm of what is in this folder. VENV: a virtual environment with what requirements.txt names, if there is one already.
set -eu
cd "$(dirname "$0")"
venv=${VENV:-venv}
if ! [ -x "$venv/bin/componentize-py" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r requirements.txt
fi
"$venv/bin/componentize-py" -d ../../../wit -w plugin-with-logs componentize memory -o memory.wasm
