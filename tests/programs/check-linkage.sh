#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs may link only the C library, and the server with a sandbox also
# libseccomp: not a C++ library or any other.
# usage: check-linkage.sh FOLDER NAME...
set -eu
folder=$1
shift
failed=0
for name in "$@"; do
    dynamic=$(readelf -d "$folder/$name") # a pipe would hide its failure
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
