#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one of the nine programs, as echo_mp(7) shows it, under lifelines, and
# keeps strace's record of it.
# usage: record.sh LIFELINES PROGRAMS NAME RECORD
set -eu
lifelines=$(realpath "$1")
programs=$2
name=$3
record=$(realpath "$4")
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

until_said() { # WHAT
    tries=1000
    until grep -q "$1" "$folder/said"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || {
            cat "$folder/said" >&2
            exit 1
        }
        sleep 0.02
    done
}

# WORD...: a server in the background, by that command; sets $port.
serve() {
    : >"$folder/said"
    setsid "$@" ./echo_mpserv -a 127.0.0.1 0 >>"$folder/said" 2>&1 &
    recorded=$!
    until_said '^listening on '
    port=$(sed -n 's/^listening on .*://p' "$folder/said")
}

# By its group: what records it leaves such signals to it.
end_server() {
    until_said '^removed proc id: '
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
# Its children end in the middle of a wait, not at the end of one.
remove_zombie) traced ./remove_zombie 1 2 ;;
echo_mpserv)
    serve "$lifelines" -w "$record" -o /dev/null --
    printf 'hello\n' | ./echo_mpclient 127.0.0.1 "$port"
    end_server
    ;;
echo_mpclient)
    serve env
    printf 'hello\n' | traced ./echo_mpclient 127.0.0.1 "$port"
    end_server
    ;;
*)
    echo "$name: not one of the nine programs" >&2
    exit 1
    ;;
esac
