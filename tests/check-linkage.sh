#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs need the C library alone (the server libseccomp too, where it
# has the sandbox): no library of C++ and no other may creep in.
# usage: check-linkage.sh FOLDER NAME...
set -eu
folder=$1
shift
failed=0
for name in "$@"; do
    needed=$(readelf -d "$folder/$name" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    for library in $needed; do
        case $library in
        libc.so.* | libc.musl-* | ld-linux* | ld-musl-*) ;;
        libseccomp.so.*)
            [ "$name" = echo_mpserv ] || failed=1
            ;;
        *)
            failed=1
            ;;
        esac
    done
    printf "%s: %s\n" "$name" "$(echo "$needed" | tr "\n" " ")"
done
[ "$failed" = 0 ] || echo "more than the C library is needed" >&2
exit "$failed"
