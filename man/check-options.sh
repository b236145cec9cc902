#!/bin/sh
# SPDX-License-Identifier: MIT
# A program's --help and its page have the same options, and the page's synopsis
# is the usage; the chapter's page has the usage of each demonstration.
# usage: check-options.sh FOLDER PAGES
set -eu
programs=$1
pages=$2
# shellcheck source=/dev/null
. "$pages/page.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

same() { # WHAT: the files `help` and `page`
    diff -u "$folder/help" "$folder/page" >&2 || fail "$1: they differ"
}

rendered() { # PAGE: its text, with one blank between words
    mandoc -T ascii -O width=1000 "$1" | col -bx | tr -s ' '
}

for page in echo_mpserv.8 echo_mpclient.1 lifelines.1 mpaudit.1; do
    program=${page%.*}
    command=$programs/$program
    case $program in
    lifelines | mpaudit)
        command=$programs/../tests/$program/$program
        [ -x "$command" ] || continue # built together with the tests
        ;;
    esac
    "$command" --help >"$folder/text"
    sed -n 's/^  -\(.\), --\([a-z0-9-]*\).*/\1 \2/p' "$folder/text" |
        sort >"$folder/help"
    sed -n 's/^\.It Fl \(.\)[^,]*, Fl Fl \([a-z0-9-]*\).*/\1 \2/p' \
        "$pages/$page" | sort >"$folder/page"
    [ -s "$folder/help" ] || fail "$program: no option in --help"
    same "options of $program"

    # Options missing in both --help's list and the page show up in the usage.
    sed -n '1,/^$/s/[][|]//gp' "$folder/text" | tr -s ' ' '\n' |
        sed -n 's/^-//p' | grep -o . | sort >"$folder/page"
    cut -d ' ' -f 1 "$folder/help" | sort >"$folder/letters"
    mv "$folder/letters" "$folder/help"
    same "letters of $program's usage"

    sed -n '1,/^$/p' "$folder/text" | sed 's/^usage: //' | tr -s ' \n' ' ' |
        sed 's/^ //; s/ $//' >"$folder/help"
    rendered "$pages/$page" | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' |
        sed '1d;$d' | tr -s ' \n' ' ' | sed 's/^ //; s/ $//' >"$folder/page"
    echo >>"$folder/help"
    echo >>"$folder/page"
    same "synopsis of $program"
done

rendered "$pages/echo_mp.7" >"$folder/text"
for demo in fork zombie wait waitpid signal sigaction remove_zombie; do
    usage=$("$programs/$demo" --help)
    grep -qF -- "${usage#usage: }" "$folder/text" ||
        fail "echo_mp.7 lacks: $usage"
done
