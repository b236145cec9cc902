#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the pages' examples verbatim and compares their output. Only ports are
# replaced, by free ones on the loopback, process 4242 by the one started, and
# times by shorter ones.
# usage: check-examples.sh FOLDER PAGES GROUP, GROUP a function below
set -eu
programs=$(cd "$1" && pwd)
pages=$(cd "$2" && pwd)
group=$3
# shellcheck source=/dev/null
. "$pages/page.sh"
PATH=$PATH:$programs:/usr/sbin:/sbin
export PATH
server_page=$pages/echo_mpserv.8
client_page=$pages/echo_mpclient.1
chapter=$pages/echo_mp.7
readme=$pages/ko/README.md

folder=$(mktemp -d)
chmod 755 "$folder" # some examples run as another user
started=
clean_up() {
    exec 7>&- 8>&- 9>&-
    for pid in $started; do
        kill -KILL "$pid" 2>/dev/null || :
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# ---- processes --------------------------------------------------------------

# COMMAND FILE [INPUT]: starts it; its process is $last, its output FILE.
# Without env it would ignore SIGINT and SIGQUIT, as a shell's background jobs
# do.
begin() {
    [ -n "$1" ] || fail "$group: no command"
    : >"$folder/$2"
    # The new process opens a FIFO, so that it is the one waiting for a writer.
    env --default-signal=INT,QUIT sh -c "exec $1" <"${3:-/dev/null}" \
        >>"$folder/$2" 2>&1 7>&- 8>&- 9>&- &
    last=$!
    started="$started $last"
}

# PROCESS: sets $status. From then on its ID may be reused.
end() {
    status=0
    wait "$1" || status=$?
    started=$(for pid in $started; do
        [ "$pid" = "$1" ] || printf ' %s' "$pid"
    done)
}

# COMMAND...: repeats it until it succeeds.
until_true() {
    tries=1000
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || {
            find "$folder" -type f -exec tail -n 30 {} + >&2 # no FIFO
            fail "$group: never came true: $*"
        }
        sleep 0.02
    done
}

has() { # FILE PATTERN [COUNT]
    [ "$(grep -cE -- "$2" "$folder/$1")" -ge "${3:-1}" ]
}

# COMMAND FILE: starts a server at a free port of the loopback, $port; its
# process is $server.
begin_server() {
    begin "$1" "$2"
    server=$last
    until_true has "$2" 'listening on'
    port=$(sed -n 's/^listening on .*://p' "$folder/$2")
}

end_server() { # PROCESS: it must drain and exit with status 0
    kill -TERM "$1"
    end "$1"
    [ "$status" = 0 ] || fail "$group: the server's exit status is $status"
}

# A port that was free a moment ago: for programs that cannot choose one.
free_port() {
    begin_server 'echo_mpserv -a 127.0.0.1 0' free
    end_server "$server"
}

# FILE: whether it failed because another process has taken $port meanwhile.
port_taken() {
    grep -qiE 'Address already in use|cannot bind' "$folder/$1"
}

# ---- text -------------------------------------------------------------------

# What differs from run to run.
normal() {
    sed -E 's/^\^C//
        s/(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):[0-9]+/ADDRESS/
        s/(pid|PID:|ID:|id:) [0-9]+/\1 N/'
}

# PAGE NAME FILE [ORDER]: the display's answers and the file's lines are the
# same after ORDER.
same_answers() {
    answers "$1" "$2" | normal | "${4:-cat}" >"$folder/expected"
    [ -s "$folder/expected" ] || fail "$group: $2 shows nothing"
    normal <"$folder/$3" | "${4:-cat}" >"$folder/found"
    diff -u "$folder/expected" "$folder/found" >&2 ||
        fail "$group: $2 prints something else"
}

# PAGE NAME: a session with the server at $port.
check_session() {
    command=$(commands "$1" "$2" | sed "s/7777/$port/")
    answers "$1" "$2" | grep -v '^Message from server: ' >"$folder/typed"
    sh -c "$command" <"$folder/typed" >"$folder/session"
    answers "$1" "$2" | grep '^Message from server: ' >"$folder/expected"
    diff -u "$folder/expected" "$folder/session" >&2 ||
        fail "$group: $2 prints something else"
}

# NAME: that command of the server's page, with $server for its process.
for_server() {
    commands "$server_page" "$1" | sed "s/4242/$server/g"
}

# ---- groups -----------------------------------------------------------------

two_terminals() {
    command=$(commands "$server_page" server | sed 's/7777/0/')
    begin_server "$command -a 127.0.0.1" server
    check_session "$server_page" client
    until_true has server 'removed proc'
    kill -INT "$server"
    end "$server"
    [ "$status" = 0 ] || fail "the server's exit status is $status"
    same_answers "$server_page" server server
}

totals() {
    begin_server 'echo_mpserv -a 127.0.0.1 0' server
    sh -c "$(for_server totals)"
    until_true has server '^served 0, live 0, '
    end_server "$server"
}

client() {
    begin_server 'echo_mpserv -a 127.0.0.1 0' server
    check_session "$client_page" session
    head -c 1000000 /dev/urandom >"$folder/file"
    for name in compare alive volume; do
        command=$(commands "$client_page" "$name" | sed "s/7777/$port/")
        (cd "$folder" && sh -c "$command") >"$folder/$name" 2>&1 ||
            fail "$name: $(cat "$folder/$name")"
    done
    [ ! -s "$folder/compare" ] || fail 'the file came back otherwise'
    [ "$(cat "$folder/alive")" = alive ] || fail 'alive says nothing'
    [ "$(cat "$folder/volume")" = 104857600 ] || fail 'volume lost bytes'
    command=$(commands "$client_page" alive | sed "s/7777/$port/")
    kill -STOP "$server"
    ! sh -c "$command" 2>/dev/null || fail 'alive, though the server is stopped'
    kill -CONT "$server"
    end_server "$server"
    ! sh -c "$command" 2>/dev/null || fail 'alive, though nobody is'
}

# The scripts run in their own network namespace: see alone.cpp.
need_own_network() {
    here=$(readlink /proc/self/ns/net) || skip 'networks cannot be told apart'
    [ "$here" != "$(readlink "/proc/$PPID/ns/net")" ] ||
        skip 'not in a network of its own'
}

as_nobody='setpriv --reuid=nobody --regid=nogroup --clear-groups'
as_nobody="$as_nobody --inh-caps=-all"

need_root() {
    [ "$(id -u)" = 0 ] || skip 'only root may do this'
    command -v setpriv >/dev/null || skip 'there is no setpriv'
    $as_nobody test -x "$programs/echo_mpserv" 2>/dev/null ||
        skip 'another user cannot run the programs in this folder'
}

# COMMAND FILE: tries ports below 1024 in place of the command's last word.
begin_low() {
    for port in $(seq 1023 -1 1000); do
        begin "${1% *} -a 127.0.0.1 $port" "$2"
        server=$last
        until_true has "$2" 'listening on|: '
        port_taken "$2" || return 0
        end "$server"
    done
    skip 'no port below 1024 is free'
}

# The test's own user database, for "$own_users COMMAND".
own_users="unshare --mount '$folder/own_users'"
need_own_users() {
    mkdir "$folder/etc"
    for file in passwd group shadow gshadow login.defs nsswitch.conf; do
        [ ! -e "/etc/$file" ] || cp -p "/etc/$file" "$folder/etc/"
    done
    cat >"$folder/own_users" <<'END'
#!/bin/sh
mount --bind "${0%/*}/etc" /etc && exec "$@"
END
    chmod 755 "$folder/own_users"
    sh -c "$own_users true" 2>"$folder/why" ||
        skip "mounts are refused here: $(cat "$folder/why")"
}

has_no_capability() { # the server has dropped it
    grep -qx 'CapPrm:.0*' "/proc/$server/status" ||
        fail 'the server keeps a capability'
}

setpriv_port() {
    need_root
    need_own_users
    sh -c "$own_users $(commands "$server_page" setpriv | sed -n 1p)"
    user=$(sh -c "$own_users id -u echo_mp")
    command="$own_users $(commands "$server_page" setpriv | sed -n 2p)"
    sh -c "${command% echo_mpserv *} true" 2>"$folder/why" ||
        skip "capabilities cannot be set here: $(cat "$folder/why")"
    begin_low "$command" low
    has low 'listening on' || fail "$(cat "$folder/low")"
    [ "$(ps -o uid= -p "$server" | tr -d ' ')" = "$user" ] ||
        fail 'the server runs as another user'
    has_no_capability
    end_server "$server"
    first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
    [ "$first" = 1024 ] || return 0
    begin_low "$as_nobody echo_mpserv 7" without
    end "$server"
    has without 'Permission denied' || fail "$(cat "$folder/without")"
}

setcap_port() {
    need_root
    command -v setcap >/dev/null || skip 'there is no setcap'
    cp "$programs/echo_mpserv" "$folder/echo_mpserv"
    command=$(commands "$server_page" setcap |
        sed "s|/usr/local/sbin|$folder|")
    sh -c "$command" 2>"$folder/why" ||
        skip "capabilities cannot be set here: $(cat "$folder/why")"
    $as_nobody "$folder/echo_mpserv" -V >/dev/null 2>&1 ||
        skip 'a program in the folder for temporary files cannot be run'
    ! findmnt -n -o OPTIONS -T "$folder" | grep -q nosuid ||
        skip 'the folder for temporary files honours no capabilities'
    begin_low "$as_nobody $folder/echo_mpserv 7" low
    has low 'listening on' || fail "$(cat "$folder/low")"
    has_no_capability
    end_server "$server"
}

# They are what the page shows, except for the server's path.
units() {
    shown=ExecStart=/usr/local/sbin/echo_mpserv
    for unit in echo_mp.socket echo_mp.service; do
        display "$server_page" "$unit" >"$folder/expected"
        grep -v '^#' "$programs/data/systemd/$unit" |
            sed "s|^ExecStart=[^ ]*/echo_mpserv|$shown|" >"$folder/found"
        diff -u "$folder/expected" "$folder/found" >&2 ||
            fail "$unit: the page shows another one than is installed"
    done
}

# COMMAND with the port 7777: its first client starts the server.
check_activation() {
    while :; do
        free_port
        begin "$(echo "$1" | sed "s/7777/127.0.0.1:$port/")" activated
        server=$last
        until_true has activated 'Listening on|Failed'
        port_taken activated || break
        end "$server"
    done
    [ "$(echo here | echo_mpclient -w 10 127.0.0.1 "$port")" = \
        'Message from server: here' ] || fail "$(cat "$folder/activated")"
    has activated "^listening on 127.0.0.1:$port\$" ||
        fail "$(cat "$folder/activated")"
    end_server "$server"
    has activated '^served 1, live 0, '
}

socket_activation() {
    command -v systemd-socket-activate >/dev/null ||
        skip 'there is no systemd-socket-activate'
    check_activation "$(commands "$server_page" socket-activate)"
    # And with the service unit's command.
    words=$(display "$server_page" echo_mp.service |
        sed -n 's|^ExecStart=/usr/local/sbin/||p')
    check_activation "systemd-socket-activate -l 7777 $words"
}

# The service unit's filter allows every system call that the server makes, and
# RestrictAddressFamilies=none requires that it creates no socket.
unit_calls() {
    [ -z "${ECHO_MP_SANITIZER:-}" ] || skip 'a sanitizer makes its own calls'
    for tool in strace systemd-analyze systemd-socket-activate; do
        command -v "$tool" >/dev/null || skip "there is no $tool"
    done
    strace -D -f -o "$folder/calls" true 2>"$folder/why" ||
        skip "nothing can be traced here: $(cat "$folder/why")"
    words=$(display "$server_page" echo_mp.service |
        sed -n 's|^ExecStart=/usr/local/sbin/||p')
    traced="strace -D -f -o '$folder/calls' $words"
    check_activation "systemd-socket-activate -l 7777 $traced"
    until_true has calls "^$server .*\+\+\+ exited with 0"

    # shellcheck disable=SC2046 # a list of names
    allowed $(display "$server_page" echo_mp.service |
        sed -n 's/^SystemCallFilter=//p') >"$folder/allowed"
    sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$folder/calls" | sort -u |
        grep -vxF -f "$folder/allowed" >&2 && fail 'the unit forbids these'
    ! grep -q ' socket(' "$folder/calls" || fail 'the server makes a socket'
}

allowed() { # NAME...: the system calls in these calls and sets
    for name; do
        case $name in
        @*)
            # shellcheck disable=SC2046 # likewise
            allowed $(systemd-analyze --no-pager syscall-filter "$name" |
                sed '1d; s/#.*//')
            ;;
        *) echo "$name" ;;
        esac
    done
}

flood() {
    command="$(commands "$server_page" flood | sed 's/7777/0/') -a 127.0.0.1"
    limit=$(echo "$command" | sed 's/.* -C \([0-9]*\) .*/\1/')
    begin_server "$command" server
    mkfifo "$folder/silence"
    for i in $(seq "$limit"); do
        begin "echo_mpclient 127.0.0.1 $port" "client$i" "$folder/silence"
    done
    exec 9>"$folder/silence"
    until_true has server 'new client' "$limit"
    echo_mpclient 127.0.0.1 "$port" </dev/null >/dev/null 2>&1 || :
    until_true has server 'refused'
    grep refused "$folder/server" >"$folder/refusal"
    same_answers "$server_page" refused refusal
    exec 9>&-
    until_true has server 'client disconnected' "$limit"
    end_server "$server"

    begin_server "$(echo "$command" | sed 's/-t 60/-t 1/')" server
    begin "echo_mpclient 127.0.0.1 $port" silent "$folder/silence"
    exec 9>"$folder/silence"
    until_true has server '\(timed out\)'
    exec 9>&-
    end_server "$server"
}

add_address() { # ADDRESS: an IPv6 one is usable as a source only a moment later
    ip address add "$1" dev lo
    until_true reached_from_itself "$1"
}

reached_from_itself() { # ADDRESS
    ip route get "$1" >"$folder/route" 2>&1 && has route " src $1 "
}

served() { # ADDRESS: a client connecting to it
    echo_mpclient -w 10 "$1" "$port" </dev/null 2>"$folder/why" ||
        fail "$1 is not served: $(cat "$folder/why")"
}

dropped() { # ADDRESS: a client's attempts to connect to it
    ! echo_mpclient -w 1 "$1" "$port" </dev/null 2>"$folder/why" ||
        fail "$1 is still served"
    has why 'timed out' || fail "$(cat "$folder/why")"
}

rate_limit() {
    need_own_network
    for tool in ip nft; do
        command -v "$tool" >/dev/null || skip "there is no $tool"
    done
    nft list ruleset 2>"$folder/why" ||
        skip "no rules can be set here: $(cat "$folder/why")"
    begin_server 'echo_mpserv 0' server
    # A slow machine must not let the limit allow another connection.
    display "$server_page" echo_mp.nft |
        sed "s/7777/$port/; s|30/minute|1/day|" >"$folder/echo_mp.nft"
    command=$(commands "$server_page" nft)
    (cd "$folder" && sh -ec "$command")
    burst=$(sed -n 's/.* burst \([0-9]*\) .*/\1/p' "$folder/echo_mp.nft" |
        head -n 1)

    add_address 10.0.0.1
    for i in $(seq "$burst"); do
        served 10.0.0.1
    done
    dropped 10.0.0.1
    served 127.0.0.1
    # Each from a different address in the same /64.
    if [ -e /proc/net/if_inet6 ]; then
        for i in $(seq "$burst"); do
            add_address "fd00::1:$i"
            served "fd00::1:$i"
        done
        add_address fd00::2
        dropped fd00::2
        served ::1
    fi
    end_server "$server"
}

# A connection uses the port, because the kernel has only that one to choose.
port_in_use() {
    need_own_network
    command -v ss >/dev/null || skip 'there is no ss'
    begin_server 'echo_mpserv -a 127.0.0.1 0' server
    used=$((port - 1))
    echo "$used $used" 2>"$folder/why" \
        >/proc/sys/net/ipv4/ip_local_port_range ||
        skip "the range of ports cannot be set: $(cat "$folder/why")"
    mkfifo "$folder/silence"
    begin "echo_mpclient 127.0.0.1 $port" client "$folder/silence"
    exec 9>"$folder/silence"
    until_true has server "new client connected... 127.0.0.1:$used "
    ! echo_mpserv "$used" 2>"$folder/why" || fail "port $used is not in use"
    has why "bind .*:$used: Address already in use" ||
        fail "$(cat "$folder/why")"
    sh -c "$(commands "$server_page" port_in_use | sed "s/7777/$used/")" \
        >"$folder/ss"
    has ss "127.0.0.1:$used .*echo_mpclient" || fail "$(cat "$folder/ss")"
    exec 9>&-
    end_server "$server"
}

echoes() { # WORD: through $front
    [ "$(echo "$1" | echo_mpclient -w 5 127.0.0.1 "$front" 2>&1)" = \
        "Message from server: $1" ]
}

refused_at() { # PORT: no listener is left there
    ! echo_mpclient -w 5 127.0.0.1 "$1" </dev/null >"$folder/refused" 2>&1 &&
        has refused 'Connection refused'
}

begin_haproxy() {
    while :; do
        free_port
        front=$port
        display "$server_page" echo.cfg |
            sed "s/:7771/:$port1/; s/:7772/:$port2/
                s/bind :7777/bind 127.0.0.1:$front/" >"$folder/echo.cfg"
        command=$(commands "$server_page" haproxy | sed -n 1p)
        (cd "$folder" && sh -c "$command") >"$folder/check" 2>&1 ||
            fail "$(cat "$folder/check")"
        command=$(commands "$server_page" haproxy | sed -n 2p |
            sed "s|echo.cfg|$folder/echo.cfg|")
        begin "$command" haproxy
        haproxy=$last
        until_true up_or_gone
        port_taken haproxy || return 0
        end "$haproxy"
    done
}

up_or_gone() {
    port_taken haproxy || echoes up
}

# PROCESS FILE: it has served more than the test's own clients, at most four,
# and three health checks: two failed ones take a server out.
checked() {
    kill -USR1 "$1"
    served=$(sed -n 's/^served \([0-9]*\),.*/\1/p' "$folder/$2" | tail -n 1)
    [ "${served:-0}" -ge 7 ]
}

# Both servers: one whose checks a busy machine has delayed is up again.
all_up() {
    [ "$(grep -c ' is DOWN' "$folder/haproxy")" = \
        "$(grep -c ' is UP' "$folder/haproxy")" ]
}

haproxy_pool() {
    command -v haproxy >/dev/null || skip 'there is no haproxy'
    server1='' port1='' server2='' port2=''
    for i in 1 2; do
        command=$(commands "$server_page" haproxy-servers | sed -n "${i}p")
        begin_server "$(echo "$command" | sed 's/777[12]/0/')" "server$i"
        eval "server$i=\$server port$i=\$port"
    done
    begin_haproxy
    head -c 1000000 /dev/urandom >"$folder/file"
    # shellcheck disable=SC2094 # both read it
    echo_mpclient -r 127.0.0.1 "$front" <"$folder/file" | cmp - "$folder/file"

    # With two clients, leastconn assigns one to each server.
    mkfifo "$folder/keyboard1" "$folder/keyboard2"
    begin "echo_mpclient 127.0.0.1 $front" client1 "$folder/keyboard1"
    exec 7>"$folder/keyboard1"
    echo one >&7
    until_true has client1 'one'
    begin "echo_mpclient 127.0.0.1 $front" client2 "$folder/keyboard2"
    exec 8>"$folder/keyboard2"
    echo one >&8
    until_true has client2 'one'

    until_true checked "$server1" server1
    until_true checked "$server2" server2
    until_true all_up

    server=$server1
    sh -c "$(for_server drain)"
    until_true refused_at "$port1"
    for i in 1 2 3 4; do
        echoes "new$i" || fail 'a new client found no server'
    done
    echo two >&7
    echo two >&8
    until_true has client1 'two'
    until_true has client2 'two'
    until_true has haproxy 'Server echo_servers/one is DOWN'
    ps -o stat= -p "$server1" | grep -q '^[^Z]' ||
        fail 'the drained server was left by its client'
    echo q >&7
    echo q >&8
    exec 7>&- 8>&-
    end "$server1"
    [ "$status" = 0 ] || fail "the drained server's exit status is $status"
    tail -n 1 "$folder/server1" >"$folder/last"
    has last '^served .* live 0, refused 0, fork failures 0,' ||
        fail "$(cat "$folder/last")"
    kill -TERM "$haproxy"
    end "$haproxy"
    end_server "$server2"
}

# Only the commands that can inspect the given process.
audit() {
    begin_server 'echo_mpserv -a 127.0.0.1 0 3>&- 4>&- 5>&- 6>&-' server
    mkfifo "$folder/silence"
    begin "echo_mpclient 127.0.0.1 $port" silent "$folder/silence"
    exec 9>"$folder/silence"
    until_true has server 'new client'
    child=$(sed -n 's/^new client.*(pid \([0-9]*\))$/\1/p' "$folder/server")

    sh -c "$(for_server ps)" >"$folder/ps"
    [ "$(awk 'NR > 1 { print $1 }' "$folder/ps" | sort | xargs)" = \
        "$(printf '%s\n' "$server" "$child" | sort | xargs)" ] ||
        fail "$(cat "$folder/ps")"
    awk 'NR > 1 && $3 ~ /Z/ { exit 1 }' "$folder/ps" || fail 'a zombie'
    for pid in "$server" "$child"; do
        until_true holds_one_socket "$pid"
    done
    # A sanitizer installs handlers of its own.
    if [ -z "${ECHO_MP_SANITIZER:-}" ]; then
        answers "$server_page" signals >"$folder/expected"
        until_true signals_match
    fi
    exec 9>&-
    end_server "$server"
}

holds_one_socket() { # PROCESS
    sh -c "$(for_server descriptors | sed "s/$server/$1/")" \
        >"$folder/descriptors"
    [ "$(grep -c 'socket:' "$folder/descriptors")" = 1 ]
}

signals_match() {
    sh -c "$(for_server signals)" | cmp -s - "$folder/expected"
}

valgrind_audit() {
    [ -n "${ECHO_MP_VALGRIND:-}" ] || skip 'not a build for valgrind'
    command=$(commands "$server_page" valgrind | sed 's/7777/0/')
    begin_server "$command -a 127.0.0.1" server
    [ "$(echo here | echo_mpclient 127.0.0.1 "$port")" = \
        'Message from server: here' ]
    end_server "$server"
    # Each descriptor is reported on two lines; the second is its origin.
    ! grep -A 1 'Open file descriptor' "$folder/server" |
        grep -vE 'Open file|<inherited from parent>|^--' >&2 ||
        fail 'a descriptor is left open'
    has server 'ERROR SUMMARY: 0 errors' 2 || fail "$(cat "$folder/server")"
    has server 'FILE DESCRIPTORS' 2 || fail 'not both processes were watched'
}

demonstrations() {
    demos='fork zombie wait waitpid signal sigaction remove_zombie'
    cd "$programs"
    for demo in $demos; do
        begin "$(commands "$chapter" "$demo")" "$demo"
        eval "pid_$demo=$last"
    done
    for demo in $demos; do
        eval "end \$pid_$demo"
        [ "$status" = 0 ] || fail "$demo: exit status $status"
        case $demo in
        zombie | remove_zombie) order='sort' ;; # either process first
        waitpid) order='uniq' ;; # how often it polls
        *) order='cat' ;;
        esac
        same_answers "$chapter" "$demo" "$demo" "$order"
    done
}

# The lines that the page shows are drawn in that order.
pictures() {
    page=$pages/lifelines.1
    [ -z "${ECHO_MP_SANITIZER:-}" ] || skip 'a sanitizer traces, too'
    PATH=$PATH:$ECHO_MP_LIFELINES
    cd "$folder"
    strace -f -o calls true 2>why ||
        skip "nothing can be traced here: $(cat why)"
    ln -s "$programs/zombie" zombie
    sh -ec "$(commands "$page" record)" >said
    lifelines -r record -o record.svg
    sh -ec "$(commands "$page" svg)" >said
    [ "$(cat record.svg zombie.svg | grep -c '>zombie [0-9.]* s<')" = 2 ] ||
        fail 'lifelines draws no zombie'
    sh -ec "$(commands "$page" text)" >drawn
    answers "$page" text | grep -v '^\.\.\.$' | drawing >expected
    drawing <drawn | grep -xF -f expected | diff -u expected - >&2 ||
        fail 'lifelines -T draws something else'
    grep -B 1 'writes End parent' drawn | grep -q '⋮' ||
        fail 'lifelines -T draws no break'

    begin "$(commands "$page" server | sed 's/7777/0/')" server
    until_true has server 'listening on'
    kill -INT "$(pgrep -P "$(pgrep -P "$last")")"
    end "$last"
    [ "$status" = 0 ] || fail "lifelines: exit status $status"
    has server.svg '>SIGINT' || fail 'lifelines draws no Ctrl-C'
}

# Without times, breaks, process IDs, what of a long line is cut, and whether
# the parent runs or waits.
drawing() {
    sed -E '/⋮/d; s/^ +[0-9.]+ //; s/(zombie|forks|from) [0-9]+/\1 N/g
        s/(from N).*/\1/; s/[0-9.]+ s$/N s/; s/┃/│/g'
}

# The page's Ctrl-C sends this signal.
ctrl_c() {
    cd "$programs"
    begin "$(commands "$chapter" signal-interrupt)" signal
    for i in $(seq "$(answers "$chapter" signal-interrupt | grep -c '\^C')"); do
        until_true has signal '^wait' "$i"
        until_true grep -q '^State:.S' "/proc/$last/status" # asleep
        kill -INT "$last"
    done
    end "$last"
    [ "$status" = 0 ] || fail "signal: exit status $status"
    same_answers "$chapter" signal-interrupt signal
}

# The calls are declared as in the headers shown above them.
prototypes() {
    for name in fork-calls zombie-calls wait-calls waitpid-calls signal-calls \
        sigaction-calls echo_mpserv-calls echo_mpclient-calls; do
        display "$chapter" "$name" >"$folder/calls"
        {
            grep '^#' "$folder/calls"
            echo 'void known(void) {'
            grep -oE '[a-z_]+\(' "$folder/calls" | sed 's/\(.*\)(/(void)\1;/'
            echo '}'
            cat "$folder/calls"
        } >"$folder/calls.c"
        $CXX -x c -fsyntax-only "$folder/calls.c" || fail "$name"
    done
    # And the sources named in the pages exist.
    # shellcheck disable=SC2013 # a name is one word
    for file in $(grep -ohE '(build/)?src/[a-z_/]+(\.cpp)?' \
        "$chapter" "$readme" | grep -v '^build'); do
        [ -e "$pages/../$file" ] || fail "there is no $file"
    done
}

# The Korean README's commands to compile one listing without Meson.
listing() {
    ln -s "$pages/../src" "$folder/src"
    cd "$folder"
    sed -n "s|^    g++ |$CXX |p; s|^    \(\./zombie \)|\1|p" "$readme" >commands
    sh -e ./commands >output
    same_answers "$chapter" zombie output sort
}

# `$!` in the second command is the process of the first: both share a shell.
background() {
    cd "$programs"
    begin "$(commands "$chapter" background | sed -n '1s/ *> .*//p')" zombie
    zombie=$last
    until_true has zombie 'Z \(zombie\)'
    command=$(commands "$chapter" background | sed -n "2s/\$!/$zombie/p")
    # If the tests run at another priority, it is shown: ZN, Z<.
    sh -c "$command" | sed 's/^Z[N<]/Z /' >"$folder/ps"
    same_answers "$chapter" background ps
    kill "$zombie"
    end "$zombie"
}

# Every display has its mark, and some group above runs each example.
marks() {
    for page in "$server_page" "$client_page" "$chapter"; do
        awk '/^\.(Bd|Dl) / && before !~ /^\.\\" (example|drawing): / {
                print FILENAME ": no mark above: " $0
                bad = 1
            }
            { before = $0 }
            END { exit bad }' "$page" || exit 1
        # shellcheck disable=SC2013 # a name is one word
        for name in $(sed -n 's/^\.\\" example: //p' "$page"); do
            grep -qE "[_a-z\"]+ $name( |\)|\$)|[' ]${name}[' ;]" "$0" ||
                fail "$page: nobody runs $name"
        done
    done
}

# The examples run with the sandbox, which not every kernel supports.
begin 'echo_mpserv -a 127.0.0.1 0' first
until_true has first 'listening on|sandbox'
! has first sandbox || skip "$(cat "$folder/first")"
end_server "$last"

"$group"
