#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one of the nine programs, as echo_mp(7) shows it, or a server with one of
# the book's mistakes, under lifelines, and keeps strace's record of it.
# usage: record.sh LIFELINES PROGRAMS NAME RECORD MUTANTS
set -eu
lifelines=$(realpath "$1")
programs=$2
name=$3
record=$(realpath "$4")
mutants=$(realpath "$5")
folder=$(mktemp -d)
recorded=
clean_up() {
    [ -z "$recorded" ] || kill -KILL "-$recorded" 2>/dev/null || :
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# In the folder of the programs, so that no path is recorded.
cd "$programs"

traced() { # WORD...
    "$lifelines" -w "$record" -o /dev/null -- "$@"
}

until_it() { # COMMAND...
    tries=1000
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || {
            cat "$folder/said" "$record" >&2
            exit 1
        }
        sleep 0.02
    done
}

has() { # FILE WHAT COUNT
    [ "$(grep -c "$2" "$1")" -ge "$3" ]
}

until_in() { # FILE WHAT [COUNT]
    until_it has "$1" "$2" "${3:-1}"
}

until_said() { # WHAT [COUNT]
    until_in "$folder/said" "$@"
}

waits_for_all() { # PROCESS: in ppoll(2), no signal blocked
    grep "^$1 " "$record" | tail -n 1 | grep -v ' = ' |
        grep -q ' ppoll(.* NULL, \[\], '
}

# WORD...: starts that server in the background; sets $port.
serve() {
    : >"$folder/said"
    setsid "$@" -g 1 -a 127.0.0.1 0 >>"$folder/said" 2>&1 &
    recorded=$!
    until_said '^listening on '
    port=$(sed -n 's/^listening on .*://p' "$folder/said")
}

# To its process group: lifelines itself ignores these signals.
end_server() {
    kill -TERM "-$recorded"
    status=0
    wait "$recorded" || status=$?
    recorded=
    [ "$status" = 0 ]
}

case $name in
fork) traced ./fork ;;
zombie | wait) traced "./$name" 1 ;;
waitpid) traced ./waitpid 3 2 ;;
signal | sigaction) traced "./$name" 1 100 ;;
# Its children terminate in the middle of a wait, not at the end of one.
remove_zombie) traced ./remove_zombie 1 2 ;;
echo_mpserv)
    serve "$lifelines" -w "$record" -o /dev/null ./echo_mpserv
    printf 'hello\n' | ./echo_mpclient 127.0.0.1 "$port"
    until_said '^removed proc id: '
    end_server
    ;;
echo_mpclient)
    serve ./echo_mpserv
    mkfifo "$folder/keys"
    : >"$record"
    traced ./echo_mpclient 127.0.0.1 "$port" <"$folder/keys" >"$folder/echo" &
    client=$!
    exec 3>"$folder/keys"
    echo hello >&3
    until_in "$folder/echo" hello
    # Otherwise the connection may end before the writer is reaped, or after it.
    until_said '^new client connected'
    child=$(sed -n 's/^new client.*(pid \(.*\))$/\1/p' "$folder/said")
    kill -STOP "$child"
    exec 3>&-
    until_in "$record" 'wait4(.*WIFEXITED'
    until_in "$record" ' shutdown(.*' 2
    kill -CONT "$child"
    wait "$client"
    end_server
    ;;
zombie-left | parent-keeps-the-client | child-keeps-the-listener)
    cd "$mutants"
    serve "$lifelines" -w "$record" -o /dev/null "./$name"
    printf 'hello\n' | "$OLDPWD/echo_mpclient" 127.0.0.1 "$port" &
    until_said '^new client connected'
    until_in "$record" '[+]++ exited'
    until_in "$record" '[-]-- SIGCHLD'
    [ "$name" = zombie-left ] || until_said '^removed proc id: '
    sleep 1 # the time that the mistake lasts in the picture
    end_server || :
    ;;
one-child-a-signal)
    cd "$mutants"
    serve "$lifelines" -w "$record" -o /dev/null "./$name"
    # Two children end while the server is stopped: one SIGCHLD for both.
    mkfifo "$folder/keys"
    for _ in 1 2; do
        "$OLDPWD/echo_mpclient" 127.0.0.1 "$port" <"$folder/keys" &
    done
    exec 9>"$folder/keys"
    until_said '^new client connected' 2
    children=$(sed -n 's/^new client.*(pid \(.*\))$/\1/p' "$folder/said")
    # shellcheck disable=SC2086 # a list
    server=$(ps -o ppid= -p $children | head -n 1 | tr -d ' ')
    until_it waits_for_all "$server"
    kill -STOP "$server"
    until_in "$record" 'stopped by SIGSTOP'
    exec 9>&-
    for child in $children; do
        until_in "$record" "^$child .*+++ exited"
    done
    kill -CONT "$server"
    until_said '^removed proc id: '
    sleep 1 # likewise
    end_server || :
    ;;
*)
    echo "$name: not one of the nine programs" >&2
    exit 1
    ;;
esac
