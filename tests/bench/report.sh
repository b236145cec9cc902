#!/bin/sh
# SPDX-License-Identifier: MIT
# The long comparison: its table as bench-report.md and, where gnuplot is
# installed, the ratios to the floor as bars in bench-report.svg, both in the
# build folder. OPTIONS are those of compare; they come after the usual ones.
# usage: report.sh COMPARE BUILD-FOLDER [OPTION...]
set -eu
compare=$1
report=$2/bench-report
shift 2

"$compare" -c 10000 -d 500 -o 5000 -r 5 -w "$report" "$@"
echo "$report.md"
if ! command -v gnuplot >/dev/null; then
    echo "no chart: gnuplot is not installed" >&2
    exit 0
fi
# More than three times the floor is cut off: the rest would not be seen.
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
