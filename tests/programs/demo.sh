#!/bin/sh
# SPDX-License-Identifier: MIT
# Demonstrates server and client on a free port: what each prints, their
# processes and descriptors, and how the server drains.
# usage: demo.sh ECHO_MPSERV ECHO_MPCLIENT
set -eu
server=$1
client=$2

folder=$(mktemp -d)
server_pid=
client_pid=
clean_up() {
    [ -z "$client_pid" ] || kill "$client_pid" 2>/dev/null || :
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
trap '' PIPE # a closed output must not prevent the cleanup

heading() {
    printf '\n== %s\n' "$*"
}

# await FILE PATTERN COUNT: waits until COUNT lines or more match.
await() {
    tries=2000
    until [ "$(grep -c -- "$2" "$1")" -ge "$3" ]; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || {
            echo "demo: timed out waiting for '$2'; output so far:" >&2
            cat "$1" >&2
            exit 1
        }
        sleep 0.02
    done
}

# Descriptors above 2 that this script inherited are not shown.
inherited=$(for fd in "/proc/$$/fd"/[3-9] "/proc/$$/fd"/[1-9][0-9]*; do
    readlink "$fd" || :
done)

show_descriptors() {
    for fd in "/proc/$2/fd"/*; do
        target=$(readlink "$fd")
        case $inherited in
        *"$target"*) [ "${fd##*/}" -le 2 ] || continue ;;
        esac
        printf '%-6s %s -> %s\n' "$1" "${fd##*/}" "$target"
    done
}

"$server" -g 1000 0 </dev/null >"$folder/server" 2>&1 &
server_pid=$!
await "$folder/server" 'listening on\|sandbox' 1
if grep 'sandbox.*Function not implemented' "$folder/server"; then
    exit 77 # Meson's status for a skipped test
fi
port=$(sed -n 's/^listening on .*://p' "$folder/server")
heading "the server listens on port $port; a client says hello"

mkfifo "$folder/keyboard"
"$client" 127.0.0.1 "$port" <"$folder/keyboard" >"$folder/client" 2>&1 &
client_pid=$!
exec 9>"$folder/keyboard"
printf 'hello\na process per connection\n' >&9
await "$folder/client" 'Message from server' 2
cat "$folder/client"
await "$folder/server" 'new client' 1
child_pid=$(sed -n 's/^new client.*(pid \([0-9]*\))$/\1/p' "$folder/server")

heading "processes: the server and its child, the client and its writer"
ps -o pid,ppid,stat,args -p "$server_pid,$child_pid,$client_pid" \
    --ppid "$client_pid"

heading "descriptors: the parent has the listener, the child the connection"
show_descriptors parent "$server_pid"
show_descriptors child "$child_pid"

heading "SIGTERM: the listener closes at once, the client may finish"
kill -TERM "$server_pid"
printf 'still served\n' >&9
await "$folder/client" 'still served' 1
printf 'q\n' >&9
exec 9>&-
client_status=0
wait "$client_pid" || client_status=$?
client_pid=
server_status=0
wait "$server_pid" || server_status=$?
server_pid=
tail -n 1 "$folder/client"
echo "the client's exit status: $client_status"

heading "all that the server printed; its exit status: $server_status"
cat "$folder/server"
[ "$client_status" = 0 ] && [ "$server_status" = 0 ]
