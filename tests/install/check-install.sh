#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs BUILD into an empty folder and compares the result with what should
# be there: each file, with its mode, and no other. What is installed runs; the
# service unit starts the installed server, with limits that suit it; systemd
# accepts the units.
# usage: check-install.sh MESON VERSION BUILD LINE..., LINE being "MODE PATH"
set -eu
meson=$1
version=$2
build=$3
shift 3
LC_ALL=C # one order for sort
export LC_ALL

fail() {
    echo "$*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# Only the Meson that has set up the build is sure to read it.
[ "$("$meson" --version)" = "$version" ] || skip "meson is not version $version"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

"$meson" install -C "$build" --no-rebuild --destdir "$folder/root" \
    >"$folder/log" 2>&1 || fail "$(cat "$folder/log")"

printf '%s\n' "$@" | sort >"$folder/expected"
(cd "$folder/root" && find . ! -type d -exec stat -c '%a %n' {} +) |
    sed 's/ \./ /' | sort >"$folder/found"
diff -u "$folder/expected" "$folder/found" >&2 ||
    fail 'what is installed is not what should be'

server=
service=
while read -r mode path; do
    case "$mode $path" in
    755*/echo_mpserv) server=$path ;;
    *.service) service=$folder/root$path ;;
    esac
    [ "$mode" != 755 ] || "$folder/root$path" --help >"$folder/help"
done <"$folder/found"

# ---- the service unit -------------------------------------------------------

# systemd escapes a path as a printf format does.
started=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$service")
# shellcheck disable=SC2059
[ "$(printf "$started")" = "$server" ] ||
    fail "the unit starts '$started', and the server is '$server'"

"$folder/root$server" --help >"$folder/help"
above_default() { # SETTING OPTION: it is more than the option's default
    setting=$(sed -n "s/^$1=//p" "$service")
    default=$(sed -n "/$2 /,/default/s/.*default \([0-9]*\).*/\1/p" \
        "$folder/help")
    [ "$setting" -gt "$default" ] ||
        fail "$1=$setting, and the default of $2 is $default"
}
above_default TimeoutStopSec --grace
above_default TasksMax --clients

analyze() { # WORD...
    SYSTEMD_LOG_LEVEL=warning systemd-analyze --root="$folder/root" "$@" \
        >"$folder/log" 2>&1
}

systemd-analyze --help 2>/dev/null | grep -q -e --offline ||
    skip 'there is no systemd-analyze that reads a unit by itself (--offline)'
units=$folder/root/etc/systemd/system
mkdir -p "$units"
cp "$service" "${service%.service}.socket" "$units/"
{
    analyze --man=no --recursive-errors=no verify \
        echo_mp.service echo_mp.socket && [ ! -s "$folder/log" ]
} || fail "systemd-analyze verify rejects the units: $(cat "$folder/log")"
# In tenths: its verdict is "safe" below 2.0.
analyze --offline=true --threshold=14 security "$service" ||
    fail "the unit's exposure is too high: $(grep -v '^✓' "$folder/log")"
