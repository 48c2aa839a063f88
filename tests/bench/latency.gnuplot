# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# gnuplot -e "curves='PATH'; picture='FILE.svg'" latency.gnuplot: the percentile curves that latency_report wrote to
# PATH.RATE, a panel for each rate.

set terminal svg size 1100,850 background "white"
set output picture

set logscale xy
set grid
set xrange [1:]
set xtics font ",10" \
	("50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1000, "99.99 %%" 10000, "99.999 %%" 100000)
set ylabel "latency, µs"
set key top left
set multiplot layout 2,2 title "open loop, from the intended time of sending"
do for [rate in "1k 10k 100k 1M"] {
	file = curves . "." . rate
	stats file using 1 nooutput
	# Two empty lines stand behind the last block, too.
	peers = int(STATS_blocks) - 1
	set title rate . " messages/s"
	plot for [i = 0:peers - 1] file index i using 1:2 with lines linewidth 2 title columnheader(1)
}
unset multiplot
