#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a test so that no report of a tool is overlooked: each process, also a
# child whose status nobody asks for, writes what it has to report to a file of
# its own, and a test that leaves such a report behind has failed.
# usage: reports.sh sanitizer COMMAND [ARGUMENT...]
#        reports.sh VALGRIND COMMAND [ARGUMENT...]
set -eu
tool=$1
shift

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
chmod 1733 "$folder" # also for a process that has changed its user

status=0
if [ "$tool" = sanitizer ]; then
    # UBSan looks into the one variable or into the other, as the compiler has
    # it. Of itself it only tells, and goes on; with g++ nothing but its summary
    # comes into the file.
    options=halt_on_error=1:abort_on_error=1:print_stacktrace=1:print_summary=1
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:$options:log_path=$folder/report"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS-}:$options:log_path=$folder/report"
    "$@" || status=$?
else
    # A process that becomes another program writes another file: it may have
    # become another user as well. Freeing what the C library holds would write
    # what a child that leaves by _exit must not; it also holds the stacks of
    # threads that have ended, which are only possibly lost. The pipes of vgdb
    # would outlive a process that is killed.
    export ECHO_MP_VALGRIND="$folder" ECHO_MP_IMAGE=test
    "$tool" -q --leak-check=full --log-file="$folder/%p.%q{ECHO_MP_IMAGE}" \
        --run-cxx-freeres=no --run-libc-freeres=no --show-leak-kinds=definite \
        --trace-children=yes --vgdb=no "$@" || status=$?
fi

for report in "$folder"/*; do
    # Lines that begin with -- say what valgrind cannot do, as to follow a new
    # system call.
    if [ -s "$report" ] && grep -qv '^--' "$report"; then
        cat "$report" >&2
        status=1
    fi
done
exit "$status"
