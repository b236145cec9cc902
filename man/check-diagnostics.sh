#!/bin/sh
# SPDX-License-Identifier: MIT
# Each message in a program's source is listed under DIAGNOSTICS in its page,
# where a %d or %s may be any words.
# usage: check-diagnostics.sh SOURCES PAGES
set -eu
sources=$1
pages=$2
# shellcheck source=/dev/null
. "$pages/page.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

calls='(die|die_plain|die_usage|warn|warn_plain|log_line|log_error|log_warning'
calls="$calls|try_later|journal_failed|fail|writer_failed)"

# FILE...: the formats of its messages, one per line.
formats() {
    for file; do
        # First join strings that continue over several lines.
        sed ':a; N; $!ba; s/"\n *"//g; s/\n */ /g' "$sources/$file" |
            grep -oE "\\b$calls\(([^\"();]|\([^)]*\))*\"[^\"]*\"" |
            sed "s/^[^\"]*\"//; s/\"$//; s/-%c/%s/" || :
        # Calls named by a function's return value.
        sed -n 's/^ *return "\(.*\)";$/\1/p; s/.*->call = "\(.*\)";$/\1/p' \
            "$sources/$file"
    done
}

# PAGE FILE...
check() {
    page=$1
    shift
    awk '/^\.Sh / { inside = $2 == "DIAGNOSTICS" } inside && /^\.It /' \
        "$pages/$page" >"$folder/items"
    formats "$@" | sort -u >"$folder/formats"
    [ -s "$folder/formats" ] || fail "$page: no message found in $*"
    while IFS= read -r format; do
        pattern=$(printf '%s\n' "$format" |
            sed -E 's/%[a-z]+/@/g; s/[][().*^$+?{|]/\\&/g; s/@/.*/g')
        grep -qE -- "[\" ]$pattern([\": ]|\$)" "$folder/items" ||
            fail "$page: no diagnostic like: $format"
    done <"$folder/formats"
}

check echo_mpserv.8 echo_mpserv.cpp common/arguments.cpp common/log.cpp \
    common/sockets.cpp server/journal.cpp server/serve.cpp
check echo_mpclient.1 echo_mpclient.cpp client/talk.cpp common/arguments.cpp \
    common/log.cpp
check echo_mp.7 fork.cpp remove_zombie.cpp sigaction.cpp signal.cpp wait.cpp \
    waitpid.cpp zombie.cpp common/demonstration.cpp common/log.cpp

check mpaudit.1 ../tests/mpaudit/mpaudit.cpp
check lifelines.1 ../tests/lifelines/main.cpp ../tests/lifelines/record.cpp

# Every source that prints messages must be checked above, except die.cpp, which
# only prints its arguments.
for file in $(cd "$sources" && grep -lE "\b$calls\(" -- *.cpp */*.cpp); do
    [ "$file" = common/die.cpp ] ||
        grep -q "^check.* $file\|^    .*\b$file" "$0" ||
        fail "$file: its messages are not looked for"
done
