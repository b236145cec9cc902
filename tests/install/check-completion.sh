#!/bin/sh
# SPDX-License-Identifier: MIT
# bash, with COMPLETION sourced, offers for PROGRAM the options that its --help
# lists: each from each of its beginnings, and none where an argument is due.
# usage: check-completion.sh COMPLETION PROGRAM
set -eu
completion=$1
program=$2

command -v bash >/dev/null || {
    echo 'skipped: there is no bash'
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "$*" >&2
    exit 1
}

# WORD...: what is offered for the last one, sorted, on one line. The function
# is the one that bash would call, with the words that it would give.
# shellcheck disable=SC2016
offered() {
    bash --norc -uc '
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
# A single blank behind the name: the argument; more: what the option does.
sed -n 's/^  \(-.\), \(--[^ ]*\) [^ ].*/\1 \2/p' "$folder/help" |
    xargs -n 1 >"$folder/with_argument"
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

# Only the client has a use for a host, as its first word that is no option.
printf '127.0.0.1 a-host-of-the-test\n' >"$folder/hosts"
HOSTFILE=$folder/hosts
export HOSTFILE
host=
[ "${program##*/}" != echo_mpclient ] || host=a-host-of-the-test
same "$host" a-host-of
same "$host" -4 a-host-of
same '' 127.0.0.1 a-host-of
[ -z "$host" ] || same "$host" -w 5 a-host-of
# A program that is not there, or says nothing, is no trouble.
program=$folder/${program##*/}
same '' --
