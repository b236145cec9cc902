#!/bin/sh
# SPDX-License-Identifier: MIT
# check-install.sh for a build of its own, with OPTIONS, one word of them all,
# of which only PROGRAMS, likewise, are compiled, by $CXX.
# usage: check-layout.sh SOURCE OPTIONS PROGRAMS MESON VERSION LINE...
set -eu
source=$1
options=$2
programs=$3
meson=$4
version=$5
shift 5

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

# Both are lists of words.
# shellcheck disable=SC2086
{
    "$meson" setup "$folder/build" "$source" $options &&
        "$meson" compile -C "$folder/build" -j 2 $programs
} >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    exit 1
}
"$(dirname "$0")/check-install.sh" "$meson" "$version" "$folder/build" "$@"
