# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# awk -v json=FILE -f latency.awk RAW: tables of topologies, bursts and idle members, verdicts, and all cells as JSON.
# RAW is as in bench.h; only cells that are ok count. A ratio is that of two peers in one round, and of these the
# median: above 1 dmp is better, whether more is better (M/s) or less (ns).

function value_of(key,    i) {
	for (i = 8; i <= NF; i++)
		if (index($i, key "=") == 1)
			return substr($i, length(key) + 2)
	return ""
}

# System calls are not counted everywhere.
function counted(key) {
	return value_of(key) == "" ? "?" : value_of(key)
}

# Sorts list[1 .. n].
function sort(list, n,    i, j, x) {
	for (i = 2; i <= n; i++) {
		x = list[i]
		for (j = i - 1; j >= 1 && list[j] > x; j--)
			list[j + 1] = list[j]
		list[j + 1] = x
	}
}

function median(list, n) {
	sort(list, n)
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# The values of a cell, in all rounds in which it is ok, into list: how many.
function values(cell, list,    r, n) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((cell, r) in value)
			list[++n] = value[cell, r]
	return n
}

# How much better a is than b; 0 if they were never measured in one round. ratio_range: the least and the greatest.
function ratio(a, b,    r, n, list, middle) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((a, r) in value && (b, r) in value)
			list[++n] = unit[a] == "ns" ? value[b, r] / value[a, r] : value[a, r] / value[b, r]
	if (!n)
		return 0
	middle = median(list, n)
	ratio_range = sprintf("[%.2f - %.2f]", list[1], list[n])
	return middle
}

# A key=number of a cell, besides its value.
function remember(cell, round, word,    pair, keys) {
	split(word, pair, "=")
	if (pair[1] ~ /^(value|unit|probe|histogram)$/)
		return
	also[cell, round, pair[1]] = pair[2] + 0
	keys = " " also_keys[cell] " "
	if (!index(keys, " " pair[1] " "))
		also_keys[cell] = also_keys[cell] " " pair[1]
}

function median_of(cell, key,    r, n, list) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((cell, r, key) in also)
			list[++n] = also[cell, r, key]
	return median(list, n)
}

# TEST PEER SIZE SLOTS PUBLISH, with another peer.
function with_peer(cell, peer,    words) {
	split(cell, words, " ")
	return words[1] " " peer " " words[3] " " words[4] " " words[5]
}

function mean(sums, cell) {
	return sums[cell] == "" ? "-" : sprintf("%.4g", sums[cell] / count[cell])
}

{
	cell = $2 " " $3 " " $4 " " $5 " " $6
	if (!(cell in known)) {
		known[cell] = 1
		cells[++cell_count] = cell
	}
	if ($1 + 0 > rounds)
		rounds = $1 + 0
	if ($7 == "failed")
		failed++
	if ($7 == "refused")
		refused++
	if ($7 != "ok")
		next
	value[cell, $1 + 0] = value_of("value") + 0
	for (i = 8; i <= NF; i++)
		remember(cell, $1 + 0, $i)
	unit[cell] = value_of("unit")
	count[cell]++
	if (value_of("batch") != "")
		batch[cell] += value_of("batch")
	if ($2 == "idle")
		idle[cell] = value_of("value") " " value_of("ticks-sender") " " counted("calls-receiver") " " \
			counted("calls-sender") " " value_of("cpu-receiver") " " value_of("cpu-sender")
}

function print_row(cell,    list, n, words, i, others, middle) {
	n = values(cell, list)
	if (!n)
		return
	split(cell, words, " ")
	middle = median(list, n)
	printf "%-16s %-15s %5s %6s %7s %9.4g %9.4g %9.4g %3d %8s ", words[1], words[2], words[3], words[4],
		words[5], middle, list[1], list[n], n, mean(batch, cell)
	for (i = 1; i <= rivals_count && words[2] ~ /^dmp/; i++)
		if (ratio(cell, with_peer(cell, rivals[i])))
			printf " %5.2f x %s", ratio(cell, with_peer(cell, rivals[i])), rivals[i]
	printf "\n"
}

function print_table(title, pattern,    i) {
	printf "\n%s\n%-16s %-15s %5s %6s %7s %9s %9s %9s %3s %8s  %s\n", title, "test", "peer", "bytes", "slots",
		"publish", "median", "min", "max", "n", "batch", "ratio"
	for (i = 1; i <= cell_count; i++)
		if (cells[i] ~ pattern)
			print_row(cells[i])
}

function print_idle(    i, words, w) {
	printf "\nwaiting, 10 s: the receiver of an empty channel, the sender to a full one\n"
	printf "%-10s %14s %14s %12s %12s\n", "peer", "ticks r / s", "calls r / s", "% CPU r", "% CPU s"
	for (i = 1; i <= cell_count; i++)
		if (cells[i] in idle) {
			split(cells[i], words, " ")
			split(idle[cells[i]], w, " ")
			printf "%-10s %14s %14s %12.3f %12.3f\n", words[2], w[1] " / " w[2], w[3] " / " w[4], w[5], w[6]
		}
}

function verdict(what, is, passed) {
	printf "%-4s  %-60s %s\n", passed ? "ok" : "MISS", what, is
}

# Against the faster of LMAX's variants.
function verdict_topology(cell,    i, least, x, range, words) {
	split(cell, words, " ")
	for (i = 1; i <= rivals_count; i++) {
		x = ratio(cell, with_peer(cell, rivals[i]))
		if (x && (!least || x < least)) {
			least = x
			range = ratio_range
		}
	}
	if (least)
		verdict(words[1] ", " words[5] " per publish, " words[2] " against LMAX >= 1.0, aim 2", sprintf("%.2f ", least) range,
			least >= 1)
}

function print_verdicts(    i, w) {
	printf "\nacceptance\n"
	for (i = 1; i <= cell_count; i++)
		if (cells[i] ~ /^(one-to-one|pipeline|diamond) dmp/)
			verdict_topology(cells[i])
	for (i = 1; i <= cell_count; i++)
		if (cells[i] ~ /^idle dmp-(sleep|block)/ && cells[i] in idle) {
			split(idle[cells[i]], w, " ")
			verdict(substr(cells[i], 6, 9) " idle: 0 ticks, 0 system calls over 10 s", w[1] " ticks, " w[3] " calls",
				w[1] == "0" && w[3] == "0")
		}
}

function write_json(    i, k, list, n, words, keys, separator) {
	printf "[" >json
	for (i = 1; i <= cell_count; i++) {
		n = values(cells[i], list)
		if (!n)
			continue
		split(cells[i], words, " ")
		printf "%s\n{\"test\": \"%s\", \"peer\": \"%s\", \"size\": %s, \"slots\": %s, \"publish\": %s, \"unit\": \"%s\", ",
			separator, words[1], words[2], words[3], words[4], words[5], unit[cells[i]] >json
		printf "\"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"rounds\": %d", median(list, n), list[1], list[n],
			n >json
		if (ratio(cells[i], with_peer(cells[i], "lmax-yield")))
			printf ", \"ratio\": %.4g", ratio(cells[i], with_peer(cells[i], "lmax-yield")) >json
		n = split(also_keys[cells[i]], keys, " ")
		for (k = 1; k <= n; k++)
			printf ", \"%s\": %.6g", keys[k], median_of(cells[i], keys[k]) >json
		printf "}" >json
		separator = ","
	}
	printf "\n]\n" >json
}

END {
	rivals_count = split("lmax-yield lmax-yield-read lmax-spin", rivals, " ")
	print_table("LMAX's topologies, M events/s; ratio: paired, to LMAX in the same round", "^(one-to|pipeline|diamond)")
	print_table("bursts and pauses, ns per event", "^burst")
	print_idle()
	print_verdicts()
	if (refused)
		printf "\n%d of the measurements were refused: the machine was disturbed\n", refused
	if (failed)
		printf "\n%d of the measurements failed\n", failed
	write_json()
	exit failed > 0
}
