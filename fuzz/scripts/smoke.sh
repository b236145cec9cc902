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
children=
trap '[ -z "$children" ] || kill $children; wait; exit 1' HUP INT TERM

fuzz() { # TARGET-PATH: becomes that target
    program=$(basename "$1")
    name=${program#fuzz-}
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
    exec "$@" "$scratch/$program" "$folder/corpus/$name" \
        >"$scratch/$program.log" 2>&1 </dev/null
}

# Without final statistics it exited early, whatever its status.
report() { # PROGRAM
    awk -v name="$1" '
        $1 == "stat::number_of_executed_units:" { runs = $2 }
        $1 == "stat::average_exec_per_sec:" { rate = $2 }
        $3 == "cov:" { edges = $4 }
        END {
            print name ": " runs " runs, " rate " a second, " edges " edges"
            exit !runs
        }' "$scratch/$1.log"
}

for target; do
    fuzz "$target" &
    children="$children $!"
done
failed=0
for child in $children; do
    program=$(basename "$1")
    shift
    if wait "$child" && report "$program"; then
        continue
    fi
    failed=1
    echo "$program: FAILED"
    tail -n 60 "$scratch/$program.log"
    sed -n "s/.*Test unit written to /$program: the input: /p" \
        "$scratch/$program.log"
done
exit "$failed"
