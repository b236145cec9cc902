#!/bin/sh
# SPDX-License-Identifier: MIT
# The coverage by the corpora alone of the files that the targets test: tables
# of the branches and lines, with those that no input reaches; fails if there is
# such a line. Builds with g++ in a folder of its own.
# usage: coverage.sh [FILE...]
#        of src/; default: all that the targets test
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- client/lines.cpp common/number.cpp \
    common/status.cpp common/stream.cpp server/child.cpp server/children.cpp \
    server/events.cpp server/journal.cpp server/serve.cpp

for file; do
    [ -f "$source/src/$file" ] || {
        echo "src/$file: no such file" >&2
        exit 1
    }
done

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
trap 'exit 1' HUP INT TERM

if ! {
    CXX=g++ meson setup "$build" "$source" -Db_coverage=true \
        -Dbuildtype=debug -Dman=disabled -Dsandbox=disabled -Dstatic=disabled \
        -Dtests=disabled &&
        meson compile -C "$build" fuzz-targets &&
        meson test -C "$build" --no-rebuild --suite fuzz
} >"$build/log" 2>&1 </dev/null; then
    cat "$build/log"
    exit 1
fi

for file; do
    shift
    set -- "$@" --filter "$source/src/$file"
done
gcovr --root "$source" "$@" --branches "$build"
gcovr --root "$source" "$@" --fail-under-line 100 "$build"
