#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the stand-alone main: it ignores options, names each input, and fails
# if it has run none or cannot read one.
# usage: check-main.sh TARGET INPUT
#        a target without an engine, and an input that passes
set -eu
target=$1
input=$2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fails() { # WORD ARGUMENT...: with status 1, and says WORD
    word=$1
    shift
    status=0
    "$target" "$@" >"$folder/said" 2>&1 || status=$?
    if [ "$status" != 1 ] || ! grep -q -F -e "$word" "$folder/said"; then
        cat "$folder/said"
        echo "'$*': status $status, wanted 1 and '$word'"
        exit 1
    fi
}

mkdir "$folder/empty" "$folder/inputs"
cp "$input" "$folder/inputs/first"
cp "$input" "$folder/inputs/second"

fails '0 inputs' -runs=0
fails '0 inputs' "$folder/empty"
fails "$folder/missing: No such file" "$input" "$folder/missing"

"$target" -runs=0 "$folder/inputs" "$input" >"$folder/said"
printf '%s\n' "$folder/inputs/first" "$folder/inputs/second" "$input" \
    '3 inputs, each run twice' | diff - "$folder/said"
