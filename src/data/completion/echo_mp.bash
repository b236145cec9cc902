# SPDX-License-Identifier: MIT
# bash completion for echo_mpserv, echo_mpclient and mpaudit: options, and hosts
# for the client. The arguments of options are not completed.
# shellcheck shell=bash

# The options are listed here, because --help would run a program that the user
# has not yet chosen to run.
_echo_mp() { # WORD WORD-BEFORE FLAGS OPTIONS-WITH-ARGUMENT HOSTS
    local word=$1 before=$2 with_argument=" $4 " operands=0 i
    COMPREPLY=()
    # bash splits --option=argument, with = as a word of its own.
    [[ $with_argument != *" $before "* && $before != = && $word != = ]] ||
        return 0
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != -- ]] || return 0
        if [[ $with_argument == *" ${COMP_WORDS[i]} "* ]]; then
            [[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))
            ((i++))
        elif [[ ${COMP_WORDS[i]} != -?* ]]; then
            ((operands++))
        fi
    done
    case $word in
    -*)
        mapfile -t COMPREPLY < <(compgen -W "$3 $4" -- "$word")
        ;;
    *)
        [[ ! $5 || $operands -gt 0 ]] ||
            mapfile -t COMPREPLY < <(compgen -A hostname -- "$word")
        ;;
    esac
}

_echo_mpserv() {
    _echo_mp "$2" "$3" "-4 --ipv4 -6 --ipv6 -h --help -q --quiet \
        -S --no-sandbox -V --version" "-a --address -b --backlog -c --clients \
        -C --clients-per-address -g --grace -t --timeout" ''
}

_echo_mpclient() {
    _echo_mp "$2" "$3" '-4 --ipv4 -6 --ipv6 -h --help -r --raw -V --version' \
        '-t --timeout -w --wait' hosts
}

_mpaudit() {
    _echo_mp "$2" "$3" '-6 --ipv6 -h --help -j --json -l --list -v --verbose \
        -V --version' '-e --expect -k --checks -p --pid-file -s --send \
        -t --timeout' ''
}

complete -F _mpaudit mpaudit
complete -F _echo_mpserv echo_mpserv
complete -F _echo_mpclient echo_mpclient
