#!/bin/sh
# SPDX-License-Identifier: MIT
# The long comparison: its tables as bench-report.md and, if gnuplot is
# installed, the servers' ratios to the floor as bars in bench-report.svg, both
# in the build folder. OPTIONS are passed to COMPARE after the usual ones.
# usage: report.sh COMPARE COMPARE-CLIENTS BUILD-FOLDER [OPTION...]
set -eu
compare=$1
compare_clients=$2
report=$3/bench-report
shift 3

"$compare" -c 10000 -d 500 -o 5000 -r 5 -w "$report" "$@"
echo
"$compare_clients" -m 1024 -r 5 >"$report.clients"
cat "$report.clients"
{ echo && cat "$report.clients"; } >>"$report.md"
rm "$report.clients"
echo "$report.md"
if ! command -v gnuplot >/dev/null; then
    echo "no chart: gnuplot is not installed" >&2
    exit 0
fi
# Cut off at three times the floor, or the other bars could not be seen.
gnuplot <<END
set terminal svg size 1200,700 background 'white'
set output '$report.svg'
set title 'times as good as the floor'
set datafile missing '?'
set style data histograms
set style fill solid 0.8 noborder
set yrange [0:3]
set grid ytics
set xtics rotate by -30 noenhanced
set key outside noenhanced
set rmargin 22
plot 1 linecolor 'black' notitle, for [i=2:*] '$report.dat' \
    using i:xticlabels(1) title columnheader(i)
END
echo "$report.svg"
