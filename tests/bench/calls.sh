#!/bin/sh
# SPDX-License-Identifier: MIT
# The system calls per client, one client after another, in the parent and in
# its children, and per further message; then page faults and processor time,
# without the tracer. For echo_mpserv -q and for the floor.
# usage: calls.sh LOAD ECHO_MPSERV FLOOR
set -eu
load=$1
echo_mpserv=$2
floor=$3
clients=200

if ! command -v strace >/dev/null; then
    echo "calls.sh: strace is not installed" >&2
    exit 1
fi
folder=$(mktemp -d)
server=
parent=
clean() { # killing the tracer leaves the server running
    [ -z "$server" ] || kill $parent "$server" 2>/dev/null || :
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

start() { # COMMAND...: until it prints its port
    parent=
    : >"$folder/output"
    "$@" >"$folder/output" &
    server=$!
    while ! grep -q ':[0-9]' "$folder/output"; do
        kill -0 "$server" # ends this script if the server has exited
        sleep 0.01
    done
    port=$(sed -n 's/^listening on .*://p' "$folder/output")
}

stop() { # the server itself: a tracer does not forward signals
    kill "$1"
    wait "$server" 2>/dev/null || true # terminated by that signal
    server=
}

reaped() { # all children of the parent, at last
    tries=0
    while grep -q . "/proc/$parent/task/$parent/children"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 1000 ]; then
            echo "calls.sh: $name: children are left" >&2
            exit 1
        fi
        sleep 0.01
    done
}

traced_calls() { # NAME COMMAND...: of CLIENTS clients
    name=$1
    shift
    start strace -qq -f -o "$folder/trace" "$@"
    parent=$(sed -n 's/ .*//p;q' "$folder/trace")
    before=$(wc -l <"$folder/trace")
    "$load" -c 1 -n "$clients" connect "$port" >"$folder/load"
    reaped
    after=$(wc -l <"$folder/trace")
    stop "$parent"
    awk -v name="$name" -v parent="$parent" -v clients="$clients" \
        -v before="$before" -v after="$after" '
        NR <= before || NR > after { next }
        $2 ~ /^(<\.\.\.|---|\+\+\+)/ { next } # resumed, a signal, an end
        { sub(/\(.*/, "", $2); who = $1 == parent ? "parent" : "child"
          count[who " " $2]++; sum[who]++ }
        END {
            for (i = 1; i <= 2; i++) {
                who = i == 1 ? "parent" : "child"
                printf "%s, %s: %.2f a client:", name, who, sum[who] / clients
                for (key in count) {
                    split(key, part, " ")
                    if (part[1] == who)
                        printf " %s %.2f", part[2], count[key] / clients
                }
                print ""
            }
        }' "$folder/trace"
}

calls_of_messages() { # NAME COMMAND...
    name=$1
    shift
    start strace -qq -f -o "$folder/trace" "$@"
    parent=$(sed -n 's/ .*//p;q' "$folder/trace")
    "$load" -c 1 -n 1000 trips "$port" >"$folder/load"
    reaped
    stop "$parent"
    awk -v name="$name" -v parent="$parent" '
        $1 != parent && $2 ~ /^[a-z]/ { calls++ }
        END { printf "%s, child: %.2f a message\n", name, calls / 1001 }
        ' "$folder/trace"
}

costs() { # NAME COMMAND...
    name=$1
    shift
    start "$@"
    "$load" -c 1 -n 2000 -p "$server" connect "$port" >"$folder/load"
    stop "$server"
    printf '%s, a client: ' "$name"
    sed 's/.*\(parent_faults\)/\1/' "$folder/load"
}

for measure in traced_calls calls_of_messages costs; do
    "$measure" echo_mpserv "$echo_mpserv" -q 0
    "$measure" floor "$floor"
done
