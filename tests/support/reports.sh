#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a test so that no report of a tool is overlooked: each process, even a
# child whose status is never collected, writes its report to a file of its own,
# and a test that leaves a report behind has failed.
# usage: reports.sh sanitizer COMMAND [ARGUMENT...]
#        reports.sh VALGRIND COMMAND [ARGUMENT...]
set -eu
tool=$1
shift

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
chmod 1733 "$folder" # a process that changed its user writes here too

status=0
if [ "$tool" = sanitizer ]; then
    # Which variable UBSan reads depends on the compiler. By default it only
    # reports and continues; with g++ only its summary goes to the file.
    options=halt_on_error=1:abort_on_error=1:print_stacktrace=1:print_summary=1
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:$options:log_path=$folder/report"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS-}:$options:log_path=$folder/report"
    "$@" || status=$?
else
    # A process that executes another program writes another file, because it
    # may have changed its user too. Freeing the C library's memory would flush
    # output that a child calling _exit must not write; it also holds the stacks
    # of terminated threads, which are only possibly lost. The pipes of vgdb
    # would outlive a killed process. What strace traces runs without valgrind,
    # which takes some signals itself, so that strace does not see them.
    export ECHO_MP_VALGRIND="$folder" ECHO_MP_IMAGE=test
    "$tool" -q --leak-check=full --log-file="$folder/%p.%q{ECHO_MP_IMAGE}" \
        --run-cxx-freeres=no --run-libc-freeres=no --show-leak-kinds=definite \
        --trace-children=yes --trace-children-skip='*/strace' --vgdb=no \
        "$@" || status=$?
fi

for report in "$folder"/*; do
    # Lines that begin with -- report what valgrind does not support, such as a
    # new system call.
    if [ -s "$report" ] && grep -qv '^--' "$report"; then
        cat "$report" >&2
        status=1
    fi
done
exit "$status"
