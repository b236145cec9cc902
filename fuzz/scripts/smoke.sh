#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes for a while, all targets in parallel, each over its corpus. Prints a
# line per target. If one fails, fails too, and keeps the input in the folder
# `crashes` beside the target. Other new inputs are discarded.
# usage: smoke.sh SECONDS TARGET-PATH...
set -eu
if [ $# -lt 2 ]; then
    echo "usage: smoke.sh SECONDS TARGET-PATH..." >&2
    exit 2
fi
seconds=$1
shift
folder=$(cd "$(dirname "$0")/.." && pwd)

most_seconds=10 # for one input
scratch=$(mktemp -d)
children=

end_children() {
    # $children is a list of words; some may have ended already.
    # shellcheck disable=SC2086
    [ -z "$children" ] || kill $children 2>/dev/null || :
    wait
}
trap 'rm -rf "$scratch"' EXIT
trap 'end_children; exit 129' HUP
trap 'end_children; exit 130' INT
trap 'end_children; exit 143' TERM

fuzz() { # TARGET-PATH: executes it
    program=$(basename "$1")
    name=${program#fuzz-}
    options=
    if [ -f "$folder/$name.options" ]; then
        options=$(sed -n 's/^\([a-z_]*\) *= *\(.*\)/-\1=\2/p' \
            "$folder/$name.options")
    fi
    crashes=$(cd "$(dirname "$1")" && pwd)/crashes
    mkdir -p "$crashes" "$scratch/$program"
    set -- "$1" "-artifact_prefix=$crashes/$name-" \
        "-max_total_time=$seconds" -print_final_stats=1 \
        "-timeout=$most_seconds"
    [ ! -f "$folder/$name.dict" ] || set -- "$@" "-dict=$folder/$name.dict"
    # $options is a list of words.
    # shellcheck disable=SC2086
    exec "$@" $options "$scratch/$program" "$folder/corpus/$name"
}

number_of() { # STATISTIC LOG
    sed -n "s/^stat::$1: *//p" "$2"
}

report() { # PROGRAM STATUS: its line
    log=$scratch/$1.log
    runs=$(number_of number_of_executed_units "$log")
    rate=$(number_of average_exec_per_sec "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    # Without final statistics it exited early, whatever its status.
    if [ "$2" = 0 ] && [ -n "$runs" ]; then
        echo "$1: $runs runs, $rate a second, $edges edges"
        return 0
    fi
    echo "$1: FAILED, status $2"
    tail -n 60 "$log"
    sed -n "s/.*Test unit written to /$1: the input: /p" "$log"
    return 1
}

for target; do
    fuzz "$target" >"$scratch/$(basename "$target").log" 2>&1 </dev/null &
    children="$children $!"
done

failed=0
# One process ID per target, in the same order.
# shellcheck disable=SC2086
for child in $children; do
    status=0
    wait "$child" || status=$?
    report "$(basename "$1")" "$status" || failed=1
    shift
done
[ "$failed" = 0 ]
