# SPDX-License-Identifier: MIT
# bash completion for echo_mpserv and echo_mpclient: the options that --help of
# the program itself lists, so that none is forgotten here, and hosts for the
# client. An option's argument is a number or an address: nothing to offer.
# shellcheck shell=bash

_echo_mp() { # PROGRAM WORD WORD-BEFORE
    local program=${1/#\~/$HOME} word=$2 before=$3
    local short='' long='' with_argument=' ' usage='' line operands=0 i
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $usage ]] || usage=$line
        [[ $line =~ ^\ \ (-.),\ (--[a-z0-9-]+)(\ [a-z]+)?(\ \ |$) ]] || continue
        short+=" ${BASH_REMATCH[1]}"
        long+=" ${BASH_REMATCH[2]}"
        [[ ! ${BASH_REMATCH[3]} ]] ||
            with_argument+="${BASH_REMATCH[1]} ${BASH_REMATCH[2]} "
    done < <("$program" --help 2>/dev/null)

    # bash takes the = of --option=argument for a word of its own.
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
    # No option holds a blank, and a host has none.
    # shellcheck disable=SC2207
    case $word in
    --*) COMPREPLY=($(compgen -W "$long" -- "$word")) ;;
    -*) COMPREPLY=($(compgen -W "$short $long" -- "$word")) ;;
    *)
        [[ $usage != *' host '* || $operands -gt 0 ]] ||
            COMPREPLY=($(compgen -A hostname -- "$word"))
        ;;
    esac
}

complete -F _echo_mp echo_mpserv echo_mpclient
