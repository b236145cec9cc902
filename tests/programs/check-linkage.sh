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
    dynamic=$(readelf -d "$folder/$name") # apart: here its failure is seen
    needed=$(echo "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    for library in $needed; do
        case $name:$library in
        *:libc.so.* | *:libc.musl-* | *:ld-linux* | *:ld-musl-*) ;;
        echo_mpserv:libseccomp.so.*) ;;
        *)
            echo "$name needs $library" >&2
            failed=1
            ;;
        esac
    done
done
exit "$failed"
