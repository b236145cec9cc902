#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the fuzz targets for OSS-Fuzz and ClusterFuzzLite. The compiler, its
# flags and the engine come by the environment, whichever sanitizer it is for;
# what the fuzzers run, and what belongs to it, goes to $OUT.
# fuzz/scripts/check-build.sh tries it without a container.
# usage: build.sh, with CXX, CXXFLAGS, LIB_FUZZING_ENGINE, SRC, WORK and OUT set
set -eu

source=$SRC/echo_mp
build=$WORK/echo_mp

# What an earlier run has left may have been made for another sanitizer.
rm -rf "$build"
# UBSan's flags here ask for vptr, which needs the type information.
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
    [ -f "$target" ] || continue # the folders of its objects
    program=$(basename "$target")
    name=${program#fuzz-}
    cp "$target" "$OUT/"
    # Written anew, where zip(1) would keep what the archive had before.
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
