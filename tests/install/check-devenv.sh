#!/bin/sh
# SPDX-License-Identifier: MIT
# `meson devenv` finds each PROGRAM in BUILD/src; if the build has TREE, man(1)
# finds its pages, in both languages, and still the system's own.
# usage: check-devenv.sh MESON VERSION BUILD TREE PROGRAM..., TREE perhaps empty
set -eu
meson=$1
version=$2
build=$3
tree=$4
shift 4

fail() {
    echo "$*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

in_devenv() { # COMMAND...
    "$meson" devenv -C "$build" "$@"
}

# Only the Meson that has set up the build is sure to read it.
[ "$("$meson" --version)" = "$version" ] || skip "meson is not version $version"

# Not `type`, which would find the shell's own `wait`.
# shellcheck disable=SC2016
found=$(in_devenv sh -c 'for name; do
    (IFS=:
    for folder in $PATH; do
        [ ! -x "$folder/$name" ] || { echo "$folder/$name"; break; }
    done)
done' sh "$@")
[ "$found" = "$(printf "$build/src/%s\n" "$@")" ] || fail "found: $found"
in_devenv echo_mpserv --version
in_devenv echo_mpclient --version

[ -n "$tree" ] || exit 0
for before in /first/before '' ':'; do
    # shellcheck disable=SC2016 # it is the other shell's
    found=$(MANPATH=$before in_devenv sh -c 'echo "$MANPATH"')
    case $found in
    "$tree::$before" | "$tree:") ;;
    *) fail "MANPATH=$before becomes MANPATH=$found" ;;
    esac
done

# man may also be a stub that only says that the system has no pages.
case $(man -w 2>/dev/null || :) in
/*) ;;
*) skip 'man here does not search for pages' ;;
esac
for page in echo_mp.7 echo_mpclient.1 echo_mpserv.8; do
    file=man${page##*.}/$page
    found=$(in_devenv man -w "${page%.*}")
    [ "$found" = "$tree/$file" ] || fail "man finds $found"
    [ -f "$tree/ko/$file" ] || fail "there is no $tree/ko/$file"
    # Only man-db's takes a language without its locale.
    case $(man --version 2>/dev/null || :) in
    'man '[0-9]*)
        found=$(in_devenv man -L ko -w "${page%.*}" 2>/dev/null)
        [ "$found" = "$tree/ko/$file" ] || fail "man finds $found in Korean"
        ;;
    esac
done
