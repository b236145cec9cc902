# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the tests of the manual pages share; sourced. A display that a test runs
# or compares has the comment `.\" example: NAME` above it; one that cannot be
# run has `.\" drawing: NAME`.

fail() {
    echo "$*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# PAGE NAME: the text of that display, as shown.
display() {
    grep -qF ".\\\" example: $2" "$1" || fail "$1: no example $2"
    awk -v marker="example: $2" '
        /^\.\\" / { here = substr($0, 5) == marker; next }
        here && /^\.Dl / { sub(/^\.Dl /, ""); print; exit }
        here && /^\.Bd / { inside = 1; next }
        inside && /^\.Ed/ { exit }
        inside { print }
    ' "$1" | sed 's/\\e/\\/g; s/\\-/-/g; s/\\&//g'
}

# PAGE NAME: the commands in it, one per line, without the prompt.
commands() {
    display "$1" "$2" | awk '
        /^[$#] / || more {
            sub(/^([$#]| ) */, "")
            more = sub(/ *\\$/, " ")
            printf more ? "%s" : "%s\n", $0
        }'
}

# PAGE NAME: what is printed, or typed, below its commands.
answers() {
    display "$1" "$2" | grep -v '^[$#] '
}
