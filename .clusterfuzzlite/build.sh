#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the fuzz targets for OSS-Fuzz and ClusterFuzzLite. The environment sets
# the compiler, its flags, including the sanitizer's, and the engine; the
# targets and their corpora, dictionaries and options go to $OUT.
# fuzz/scripts/check-build.sh tests it without a container.
# usage: build.sh, with CXX, CXXFLAGS, LIB_FUZZING_ENGINE, SRC, WORK and OUT set
set -eu

source=$SRC/echo_mp
build=$WORK/echo_mp

# An earlier build may have been for another sanitizer.
rm -rf "$build"
# UBSan's flags here include vptr, which needs type information.
meson setup "$build" "$source" \
    -Db_lundef=false \
    -Dbuildtype=plain \
    -Dcpp_rtti=true \
    -Ddefault_library=static \
    -Dfuzzer_ldflags="$LIB_FUZZING_ENGINE" \
    -Dfuzzing_engine=oss-fuzz \
    -Dman=disabled \
    -Dsandbox=disabled \
    -Dstatic=disabled \
    -Dtests=disabled
meson compile -C "$build" fuzz-targets

for target in "$build"/fuzz/fuzz-*; do
    [ -f "$target" ] || continue # a folder of objects
    program=$(basename "$target")
    name=${program#fuzz-}
    cp "$target" "$OUT/"
    # Not zip(1), which would keep old members of the archive.
    (
        cd "$source/fuzz/corpus/$name"
        python3 -m zipfile -c "$OUT/${program}_seed_corpus.zip" ./*
    )
    for kind in dict options; do
        rm -f "$OUT/$program.$kind"
        if [ -f "$source/fuzz/$name.$kind" ]; then
            cp "$source/fuzz/$name.$kind" "$OUT/$program.$kind"
        fi
    done
done
