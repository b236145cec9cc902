#!/bin/sh
# SPDX-License-Identifier: MIT
# The proof of a fuzz target: builds it anew with each of the mistakes in
# mistakes/TARGET, patches to one file of src/ each, and runs it over its
# corpus. An oracle must end every one; without a mistake the target must pass.
# What stands still, or only exits, has not been caught.
# usage: mistakes.sh FUZZ-FOLDER TARGET COMPILER WORD...
#        COMPILER may be several words; WORDs are for the link: the archives of
#        src/ and of what the targets share, and options
set -eu
folder=$1
target=$2
compiler=$3
shift 3

most_seconds=60
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
trap 'exit 1' HUP INT TERM

compile() { # SOURCE OBJECT
    $compiler -std=c++20 -O0 -fno-exceptions -fno-rtti -D_FILE_OFFSET_BITS=64 \
        -I"$folder/../src" -c "$1" -o "$2"
}

link() { # [OBJECT] WORD...: an object takes the place of the archive's
    $compiler -o "$build/target" "$build/main.o" "$build/$target.o" "$@"
}

run() {
    timeout "$most_seconds" "$build/target" "$folder/corpus/$target" \
        >"$build/log" 2>&1
}

compile "$folder/main.cpp" "$build/main.o"
compile "$folder/$target.cpp" "$build/$target.o"
link "$@"
if ! run; then
    cat "$build/log"
    echo "$target: fails without a mistake"
    exit 1
fi

seeded=0
caught=0
for patch in "$folder/mistakes/$target"/*.patch; do
    name=$(basename "$patch" .patch)
    file=$(sed -n 's,^+++ b/src/,,p' "$patch")
    seeded=$((seeded + 1))
    patch -s -F 0 -o "$build/$file" "$folder/../src/$file" "$patch"
    compile "$build/$file" "$build/wrong.o"
    link "$build/wrong.o" "$@"
    status=0
    run || status=$?
    if [ "$status" -gt 128 ]; then
        caught=$((caught + 1))
        # The last input that is named is the one that did it.
        echo "$name: $(sed -n "s,^$folder/corpus/$target/,,p" "$build/log" |
            tail -n 1)"
    else
        echo "$name: NOT CAUGHT, status $status"
    fi
done
echo "$target: $caught of $seeded mistakes caught"
[ "$seeded" -gt 0 ] && [ "$caught" = "$seeded" ]
