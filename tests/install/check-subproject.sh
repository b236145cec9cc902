#!/bin/sh
# SPDX-License-Identifier: MIT
# Configures SOURCE as a subproject of a project that also has a default test
# setup: with a sanitizer named only in CXXFLAGS, and with a profiler. Both make
# calls that the sandbox forbids, so it must be off.
# usage: check-subproject.sh MESON SOURCE, with CXX
set -eu
meson=$1
source=$2

fail() {
    cat "$folder/log" >&2
    echo "$*" >&2
    exit 1
}

echo 'int main() {}' | $CXX -fsanitize=address -x c++ -o /dev/null - || {
    echo 'skipped: this compiler has no sanitizer'
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$folder/subprojects"
ln -s "$source" "$folder/subprojects/echo_mp"
cat >"$folder/meson.build" <<'END'
project('super', 'cpp')
add_test_setup('default', is_default: true)
subproject('echo_mp')
END

configure() { # NAME OPTION...
    name=$1
    shift
    "$meson" setup "$folder/$name" "$folder" "$@" >"$folder/log" 2>&1 ||
        fail "$name: cannot be configured"
    grep -q '^ *sandbox *: NO$' "$folder/log" ||
        fail "$name: with a sandbox, or the summary does not say"
}

CXXFLAGS=-fsanitize=address configure sanitizer
configure counters -Db_pgo=generate
