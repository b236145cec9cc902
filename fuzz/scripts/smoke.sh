#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes for a while, all targets in parallel, each over its corpus. Prints a
# line per target. If one fails, fails too, and keeps the input in the folder
# `crashes` beside the target. Other new inputs are discarded.
# usage: smoke.sh SECONDS TARGET-PATH...
set -eu
seconds=$1
shift
folder=$(cd "$(dirname "$0")/.." && pwd)

most_seconds=10 # for one input
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

fuzz() { # TARGET-PATH
    program=$(basename "$1")
    name=${program#fuzz-}
    log=$scratch/$program.log
    crashes=$(dirname "$1")/crashes
    mkdir -p "$crashes" "$scratch/$program"
    set -- "$1" "-artifact_prefix=$crashes/$name-" \
        "-max_total_time=$seconds" -print_final_stats=1 \
        "-timeout=$most_seconds"
    [ ! -f "$folder/$name.dict" ] || set -- "$@" "-dict=$folder/$name.dict"
    # A list of words.
    # shellcheck disable=SC2046
    set -- "$@" $(sed -n 's/^\([a-z_]*\) *= *\(.*\)/-\1=\2/p' \
        "$folder/$name.options")
    # Without final statistics it exited early, whatever its status.
    if "$@" "$scratch/$program" "$folder/corpus/$name" \
        >"$log" 2>&1 </dev/null && awk -v name="$program" '
            $1 == "stat::number_of_executed_units:" { runs = $2 }
            $1 == "stat::average_exec_per_sec:" { rate = $2 }
            $3 == "cov:" { edges = $4 }
            END {
                print name ": " runs " runs, " rate " a second, " edges " edges"
                exit !runs
            }' "$log"; then
        return
    fi
    echo "$program: FAILED"
    tail -n 60 "$log"
    sed -n "s/.*Test unit written to /$program: the input: /p" "$log"
    return 1
}

children=
for target; do
    fuzz "$target" &
    children="$children $!"
done
failed=0
for child in $children; do
    wait "$child" || failed=1
done
exit "$failed"
