#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs BUILD into an empty folder, and compares what is there with what
# should be: each file, with its mode, and no other. What is installed runs, and
# what the service unit starts is among it.
# usage: check-install.sh MESON VERSION BUILD LINE..., LINE being "MODE PATH"
set -eu
meson=$1
version=$2
build=$3
shift 3
LC_ALL=C # one order for sort
export LC_ALL

# Another Meson than the one that has made the build could not read it.
[ "$("$meson" --version)" = "$version" ] || {
    echo "skipped: meson is not version $version"
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

"$meson" install -C "$build" --no-rebuild --destdir "$folder/root" \
    >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    exit 1
}

printf '%s\n' "$@" | sort >"$folder/expected"
(cd "$folder/root" && find . ! -type d -exec stat -c '%a %n' {} +) |
    sed 's/ \./ /' | sort >"$folder/found"
diff -u "$folder/expected" "$folder/found" >&2 || {
    echo 'what is installed is not what should be' >&2
    exit 1
}

while read -r mode path; do
    case $path in
    */echo_mp.service)
        server=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$folder/root$path")
        "$folder/root$server" --version
        ;;
    *) [ "$mode" != 755 ] || "$folder/root$path" --help >"$folder/help" ;;
    esac
done <"$folder/found"
