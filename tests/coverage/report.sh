#!/bin/sh
# SPDX-License-Identifier: MIT
# The parts of src/ that the tests run: tables of lines and branches, an HTML
# report in the build folder, and failure below LEAST percent of lines.
# usage: report.sh GCOVR SOURCE-FOLDER BUILD-FOLDER
set -eu
gcovr=$1
source=$2
build=$3
least=97

report=$build/src-coverage
mkdir -p "$report"
# Branches that only the compiler generates need no test.
"$gcovr" --root "$source" --filter "$source/src/" \
    --exclude-throw-branches --exclude-unreachable-branches \
    --json "$report/counters.json" "$build"

show() {
    "$gcovr" --root "$source" --add-tracefile "$report/counters.json" "$@"
}
show --txt --branches
show --txt
show --html-details "$report/index.html" --print-summary \
    --fail-under-line "$least"
echo "$report/index.html"
