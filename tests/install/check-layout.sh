#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs check-install.sh on a separate build with OPTIONS, of which $CXX compiles
# only PROGRAMS, one per line. Its source is a copy of SOURCE in a folder whose
# name contains characters that are special to a linker, a shell or Ninja; if
# SECTION is given, the server must still have it.
# usage: check-layout.sh SOURCE OPTIONS PROGRAMS SECTION MESON VERSION LINE...
set -eu
source=$1
options=$2
programs=$3
section=$4
meson=$5
version=$6
shift 6

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "$*" >&2
    exit 1
}

copy="$folder/source, it's 100%"
mkdir "$copy"
for part in fuzz man meson.build meson_options.txt src tests; do
    cp -R "$source/$part" "$copy/"
done

# Both are lists of lines.
IFS='
'
# shellcheck disable=SC2086
{
    "$meson" setup "$folder/build" "$copy" $options &&
        "$meson" compile -C "$folder/build" -j 2 $programs
} >"$folder/log" 2>&1 || fail "$(cat "$folder/log")"

[ -z "$section" ] ||
    readelf -SW "$folder/build/src/echo_mpserv" | grep -qF " $section " ||
    fail "the server is linked without $section: $(cat "$folder/log")"
"$(dirname "$0")/check-install.sh" "$meson" "$version" "$folder/build" "$@"
