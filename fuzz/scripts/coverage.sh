#!/bin/sh
# SPDX-License-Identifier: MIT
# The coverage by the corpora alone of the files that the targets test: a table,
# and the lines and branches that no input reaches; fails if there is such a
# line. Builds with clang, without an engine, in a folder of its own.
# A line after a call that jumps back into the target (longjmp) counts as
# reached, because a counter covers a run of lines.
# usage: coverage.sh [FILE...]
#        of src/; default: all that the targets test
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- client/lines.cpp common/number.cpp \
    common/status.cpp common/stream.cpp server/child.cpp server/children.cpp \
    server/events.cpp server/journal.cpp server/serve.cpp

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
trap 'exit 1' HUP INT TERM

# Meson names the sources relative to the build folder, and llvm-cov would not
# recognize them by another name.
way=$(realpath -m --relative-to "$top/build" "$source")
flags='-fprofile-instr-generate -fcoverage-mapping'
flags="$flags '-fcoverage-prefix-map=$way=$source'"
# For the programs that Meson itself runs with these flags.
export LLVM_PROFILE_FILE="$top/unused"
if ! {
    CXX=clang++ CXXFLAGS=$flags meson setup "$top/build" "$source" \
        -Dbuildtype=debug -Dman=disabled -Dsandbox=disabled \
        -Dstatic=disabled -Dtests=disabled &&
        meson compile -C "$top/build" fuzz-targets
} >"$top/log" 2>&1 </dev/null; then
    cat "$top/log"
    exit 1
fi

files=$#
for file; do
    set -- "$@" "$source/src/$file"
done
shift "$files"

objects=
for target in "$top"/build/fuzz/fuzz-*; do
    [ -f "$target" ] || continue # a folder of objects
    program=$(basename "$target")
    if ! LLVM_PROFILE_FILE="$top/$program.profraw" "$target" -runs=0 \
        "$source/fuzz/corpus/${program#fuzz-}" >"$top/log" 2>&1; then
        cat "$top/log"
        exit 1
    fi
    objects="$objects ${objects:+-object }$target" # the first without
done
llvm-profdata merge -o "$top/profile" "$top"/*.profraw

# $objects is a list of words: mktemp(1)'s names have no spaces.
# shellcheck disable=SC2086
llvm_cov() { # COMMAND OPTION... FILE...
    command=$1
    shift
    llvm-cov "$command" -instr-profile "$top/profile" $objects "$@"
}
llvm_cov report -show-region-summary=false "$@"
llvm_cov export -format=lcov "$@" >"$top/lcov"

status=0
for file; do
    # A file that no target links has no records.
    awk -v file="$file" -v root="$source/" '
        BEGIN { name = substr(file, length(root) + 1) }
        /^SF:/ { here = substr($0, 4) == file; seen = seen || here }
        here && /^DA:/ {
            split(substr($0, 4), field, ",")
            if (field[2] == 0) {
                print name ":" field[1] ": not reached"
                missed = 1
            }
        }
        here && /^BRDA:/ {
            split(substr($0, 6), field, ",")
            if (field[4] == 0 || field[4] == "-")
                print name ":" field[1] ": a branch not taken"
        }
        END {
            if (!seen)
                print name ": in no target"
            exit !seen || missed
        }' "$top/lcov" || status=1
done
exit "$status"
