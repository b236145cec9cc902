#!/bin/sh
# SPDX-License-Identifier: MIT
# The committed record of a program matches a new run: each process does the
# same things in the same order, and gets the same signals.
# usage: check-picture.sh LIFELINES ORDER PROGRAMS NAME RECORD MUTANTS
set -eu
lifelines=$1
order=$2
programs=$3
name=$4
record=$5
mutants=$6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM HUP

strace -o "$folder/calls" true 2>"$folder/why" || {
    echo "skipped: nothing can be traced here: $(cat "$folder/why")"
    exit 77
}

told() { # RECORD
    case $name in
    wait | remove_zombie)
        # Two children terminate together: in either order, with one SIGCHLD or
        # two, and the second may still run when the first is reaped.
        "$order" "$1" | grep -v ' asks: ' | sort -u
        ;;
    # It may poll once more, or less.
    waitpid) "$order" "$1" | awk '!told[$0]++' ;;
    *)
        "$order" "$1"
        ;;
    esac
}

told "$record" >"$folder/expected"
[ -s "$folder/expected" ]
"$(dirname "$0")/record.sh" "$lifelines" "$programs" "$name" \
    "$folder/new" "$mutants" >"$folder/said"
told "$folder/new" >"$folder/found"
diff -u "$folder/expected" "$folder/found" >&2 && exit
echo "$name has changed: make its record anew, by record.sh" >&2
exit 1
