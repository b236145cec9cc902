#!/bin/sh
# SPDX-License-Identifier: MIT
# bash, with COMPLETION sourced, offers for PROGRAM the options that its --help
# lists: each from any prefix of it, and none where an argument is expected. It
# runs no program to do so, and depends neither on HOME nor on the locale.
# usage: check-completion.sh COMPLETION PROGRAM
set -eu
completion=$1
program=$2
LC_ALL=C # one order for sort
export LC_ALL

skip() {
    echo "skipped: $*"
    exit 77
}

command -v bash >/dev/null || skip 'there is no bash'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
locale=C

fail() {
    echo "$*" >&2
    exit 1
}

# WORD...: what is offered for the last one, sorted, on one line. Calls the
# function that bash would call, with the same arguments. An unset variable is
# an error, as in a shell with `set -u`.
# shellcheck disable=SC2016
offered() {
    LC_ALL=$locale LOCPATH=$folder bash --norc -uc '
        . "$1"
        shift
        name=${1##*/}
        before=$(complete -p "$name")
        before=${before#* -F }
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        "${before%% *}" "$1" "${COMP_WORDS[COMP_CWORD]}" \
            "${COMP_WORDS[COMP_CWORD - 1]}"
        ((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
    ' bash "$completion" "$program" "$@" | sort | xargs
}

same() { # EXPECTED WORD...
    expected=$1
    shift
    found=$(offered "$@")
    [ "$found" = "$expected" ] ||
        fail "$program $*: offers '$found' instead of '$expected'"
}

"$program" --help >"$folder/help"
sed -n 's/^  -., \(--[^ ]*\).*/\1/p' "$folder/help" >"$folder/long"
sed -n 's/^  \(-.\), --.*/\1/p' "$folder/help" >"$folder/short"
# A single blank after the name precedes the argument; more, the description.
sed -n 's/^  \(-.\), \(--[^ ]*\) [^ ].*/\1 \2/p' "$folder/help" |
    tr ' ' '\n' >"$folder/with_argument"
[ -s "$folder/long" ] || fail "$program: --help lists no option"

all_long=$(sort "$folder/long" | xargs)
same "$all_long" --
same "$(sort "$folder/short" "$folder/long" | xargs)" -
# shellcheck disable=SC2094 # both read it
while read -r option; do
    beginning=$option
    while [ "$beginning" != -- ]; do
        same "$(grep "^$beginning" "$folder/long" | sort | xargs)" "$beginning"
        beginning=${beginning%?}
    done
done <"$folder/long"
sort "$folder/short" "$folder/long" >"$folder/options"
while read -r option; do
    if grep -qx -e "$option" "$folder/with_argument"; then
        same '' "$option" --
        same '' "$option" ''
        same '' "$option" =
        same '' "$option" = 1
        same "$all_long" "$option" 1 --
        same "$all_long" "$option" = 1 --
    else
        same "$all_long" "$option" --
    fi
done <"$folder/options"
same '' --no-such-option
same '' -- --
same "$all_long" 127.0.0.1 --

# Only the client takes a host, as its first word that is not an option.
printf '127.0.0.1 a-host-of-the-test\n' >"$folder/hosts"
HOSTFILE=$folder/hosts
export HOSTFILE
host=
[ "${program##*/}" != echo_mpclient ] || host=a-host-of-the-test
same "$host" a-host-of
same "$host" -4 a-host-of
same '' 127.0.0.1 a-host-of
[ -z "$host" ] || same "$host" -w 5 a-host-of
# The program typed is not run: it may belong to another user.
mkdir "$folder/typed"
program=$folder/typed/${program##*/}
printf '#!/bin/sh\n: >"%s/run"\n' "$folder" >"$program"
chmod 755 "$program"
same "$all_long" --
[ ! -e "$folder/run" ] || fail 'completion has run the program'

# shellcheck disable=SC2088 # as it is typed
program="~/bin/${program##*/}"
unset HOME
same "$all_long" --

# In Turkish a range from a to z has no i, q or w.
locale=tr_TR.UTF-8
localedef -i tr_TR -f UTF-8 "$folder/$locale" 2>"$folder/log" ||
    skip 'the Turkish locale cannot be made here'
same "$all_long" --
