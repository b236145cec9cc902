#!/bin/sh
# SPDX-License-Identifier: MIT
# The Korean pages have the sections, options, examples, drawings and
# diagnostics of the English ones, in the same order; examples and diagnostics
# are identical. The text of each section states the same facts: numbers,
# options, signals, files, quoted words, other pages.
# usage: check-languages.sh PAGES
set -eu
pages=$1
# shellcheck source=/dev/null
. "$pages/page.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# NAME and SYNOPSIS stay in English: mdoc(7) requires these names.
headings='
s/^\.Sh 설명$/.Sh DESCRIPTION/
s/^\.Sh 시그널$/.Sh SIGNALS/
s/^\.Sh 환경 변수$/.Sh ENVIRONMENT/
s/^\.Sh 파일$/.Sh FILES/
s/^\.Sh 종료 상태$/.Sh EXIT STATUS/
s/^\.Sh 예제$/.Sh EXAMPLES/
s/^\.Sh 진단 메시지$/.Sh DIAGNOSTICS/
s/^\.Sh 관련 항목$/.Sh SEE ALSO/
s/^\.Sh 표준$/.Sh STANDARDS/
s/^\.Sh 역사$/.Sh HISTORY/
s/^\.Sh 주의$/.Sh CAVEATS/
s/^\.Sh 버그$/.Sh BUGS/
s/^\.Sh 보안$/.Sh SECURITY CONSIDERATIONS/
'

# PAGE: what must be the same, in order. Names of arguments and subsections are
# translated; an option's argument is one word in both.
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

# ENGLISH PAGE: the facts of each section, under its English heading. Numbers in
# words are not compared: Korean counts differently.
fact='Ql .*|Xr [^ ]+ [0-9]|(Fl )+[A-Za-z0-9-]+|(Pa|Va) [^ ]+|SIG[A-Z0-9]+'
fact="$fact|[A-Z]+_[A-Z_]+|[0-9]+([.,:/][0-9]+)*"
facts() {
    sed -E 's/So (.*) Sc.*/Ql \1/; s/ Ns .*//' "$2" | awk -v fact="$fact" '
        FNR == NR { if (/^\.S[hs] /) title[++titles] = substr($0, 5); next }
        /^\.S[hs] / { section = title[++sections] }
        /^\.(Sh|\\") / { next }
        {
            for (line = $0; match(line, fact);) {
                found = substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
                sub(/( [,.:;)])+$/, "", found)
                print section ": " found
            }
        }' "$1" - | sort -u
}

for page in echo_mpserv.8 echo_mpclient.1 echo_mp.7 lifelines.1 mpaudit.1; do
    skeleton "$pages/$page" >"$folder/english"
    skeleton "$pages/ko/$page" >"$folder/korean"
    [ -s "$folder/english" ] || fail "$page: nothing found"
    diff -u "$folder/english" "$folder/korean" >&2 || fail "$page: they differ"

    facts "$pages/$page" "$pages/$page" >"$folder/english"
    facts "$pages/$page" "$pages/ko/$page" >"$folder/korean"
    diff -U 0 "$folder/english" "$folder/korean" >&2 ||
        fail "$page: they state different facts"

    # shellcheck disable=SC2013 # a name is one word
    for name in $(sed -n 's/^\.\\" example: //p' "$pages/$page"); do
        display "$pages/$page" "$name" >"$folder/english"
        display "$pages/ko/$page" "$name" >"$folder/korean"
        diff -u "$folder/english" "$folder/korean" >&2 ||
            fail "$page: example $name differs"
    done
done
