#!/bin/sh
# SPDX-License-Identifier: MIT
# The Korean pages have the sections, options, examples, drawings and
# diagnostics of the English ones, in the same order; examples and diagnostics
# to the letter. usage: check-languages.sh PAGES
set -eu
pages=$1
# shellcheck source=/dev/null
. "$pages/page.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# mdoc(7) knows NAME and SYNOPSIS by these names only.
headings='
s/^\.Sh 설명$/.Sh DESCRIPTION/
s/^\.Sh 시그널$/.Sh SIGNALS/
s/^\.Sh 환경 변수$/.Sh ENVIRONMENT/
s/^\.Sh 종료 상태$/.Sh EXIT STATUS/
s/^\.Sh 예제$/.Sh EXAMPLES/
s/^\.Sh 진단 메시지$/.Sh DIAGNOSTICS/
s/^\.Sh 관련 항목$/.Sh SEE ALSO/
s/^\.Sh 표준$/.Sh STANDARDS/
s/^\.Sh 주의$/.Sh CAVEATS/
s/^\.Sh 보안$/.Sh SECURITY CONSIDERATIONS/
'

# PAGE: what must be the same, in order. Names of arguments and subsections are
# translated; what an option takes is one word in both.
skeleton() {
    sed "$headings" "$1" | awk '
        /^\.(Dd|Dt|Sh|Bl|Bd|Dl) / { print; next }
        /^\.Ss / { print ".Ss"; next }
        /^\.(It|Op) Fl / {
            line = $1
            for (i = 2; i <= NF; i++) {
                line = line " " ($(i - 1) == "Ar" ? "WORD" : $i)
            }
            print line
            next
        }
        /^\.It / { print }
        /^\.\\" (example|drawing): / { print }
    '
}

references() { # PAGE
    grep "^\." "$1" | grep -v "^\.Sh " | grep -oE \
        '\b(Xr [^ ]+ [0-9]|SIG[A-Z0-9]+|CAP_[A-Z_]+|LISTEN_[A-Z]+)' | sort -u
}

for page in echo_mpserv.8 echo_mpclient.1 echo_mp.7; do
    skeleton "$pages/$page" >"$folder/english"
    skeleton "$pages/ko/$page" >"$folder/korean"
    [ -s "$folder/english" ] || fail "$page: nothing found"
    diff -u "$folder/english" "$folder/korean" >&2 || fail "$page: they differ"

    # Sentences are built otherwise; what they refer to is the same.
    references "$pages/$page" >"$folder/english"
    references "$pages/ko/$page" >"$folder/korean"
    diff -u "$folder/english" "$folder/korean" >&2 ||
        fail "$page: not the same pages, signals and variables are named"

    # shellcheck disable=SC2013 # a name is one word
    for name in $(sed -n 's/^\.\\" example: //p' "$pages/$page"); do
        display "$pages/$page" "$name" >"$folder/english"
        display "$pages/ko/$page" "$name" >"$folder/korean"
        diff -u "$folder/english" "$folder/korean" >&2 ||
            fail "$page: example $name differs"
    done
done
