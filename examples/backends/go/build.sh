#!/bin/sh
# Makes memory.wasm of what is in this folder. SOCKERLESS: the program, if it is not found by that name.
set -eu
cd "$(dirname "$0")"
sockerless=${SOCKERLESS:-../../../target/debug/sockerless}
"$sockerless" plugin bindings --wit ../../../wit go .
GOOS=wasip1 GOARCH=wasm go build -buildvcs=false -buildmode=c-shared -ldflags='-s -w -checklinkname=0' -o memory.module .
"$sockerless" plugin component --wit ../../../wit memory.module memory.wasm
