#!/bin/sh
# Makes memory.wasm of what is in this folder. VENV: a virtual environment with what requirements.txt names, if there is one already.
# CC: another compiler. SOCKERLESS: the program, if it is not found by that name.
set -eu
cd "$(dirname "$0")"
sockerless=${SOCKERLESS:-../../../target/debug/sockerless}
venv=${VENV:-venv}
if [ -z "${CC:-}" ] && ! [ -d "$venv" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r requirements.txt
fi
"$sockerless" plugin bindings --wit ../../../wit c bindings
${CC:-"$venv/bin/python" -m ziglang cc} -target wasm32-wasi -mexec-model=reactor -Oz -std=c11 -Wall -Wextra -Werror -s \
    -I bindings -o memory.module ./*.c bindings/*.c
"$sockerless" plugin component --wit ../../../wit memory.module memory.wasm
