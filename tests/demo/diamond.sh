# SPDX-License-Identifier: LGPL-2.1 OR MIT
# shellcheck shell=dash
#
# Everything arrives everywhere, and what it took.
# shellcheck disable=SC2154 # from show and lib.sh

MEMBERS='publish journal replicate apply'

run_diamond() {
	counted
	make_ring
	consumer journal
	journal=$pid
	consumer replicate
	replicate=$pid
	consumer apply --after journal,replicate
	apply=$pid
	count_syscalls "$work/publish.calls" dmp publish "$ring" "$input" --stats \
		2>"$work/publish.stats" || broken "publish: $(cat "$work/publish.stats")"
	succeeds "$journal" journal
	succeeds "$replicate" replicate
	succeeds "$apply" apply
	look
	remove_ring
}

# A member's row: what it did with how many events.
work_row() { # NAME
	local stats=$work/$1.stats key

	printf '%s' "$1"
	for key in events batches mean_batch max_batch sleeps woken futile wakes empty; do
		printf ' %s' "$(value "$stats" $key)"
	done
	echo
}

work_table() {
	local name

	echo 'process events batches mean max sleeps woken futile wakes empty'
	for name in $MEMBERS; do work_row "$name"; done
}

# System calls per million events, by what they are for.
calls_row() { # NAME
	local calls=$work/$1.calls

	awk -v name="$1" -v events="$(value "$work/$1.stats" events)" \
		-v all="$(value "$calls" calls)" -v dmp="$(value "$calls" ioctl)" \
		-v files=$(($(value "$calls" read) + $(value "$calls" write))) \
		'BEGIN { m = 1000000 / events; printf "%s %d %.0f %.0f %.0f %.0f\n",
			name, all, all * m, dmp * m, files * m, (all - dmp - files) * m }'
}

calls_table() {
	local name

	echo 'process calls all/million dmp/million files/million other/million'
	for name in $MEMBERS; do calls_row "$name"; done
}

# Words in columns of WIDTH: the first to the left, numbers to the right.
align() { # WIDTH
	awk -v cell=" %$1s" '{
		printf "   %-10s", $1
		for (i = 2; i <= NF; i++) printf i == 2 ? " %8s" : cell, $i
		print ""
	}'
}

# One who slept was woken once: by what it waited for, or, at most once, by the
# end of the stream. Nobody was woken for nothing, nor found what nobody told it.
check_sleeps() { # NAME AT-END
	local stats=$work/$1.stats rest

	rest=$(($(value "$stats" sleeps) - $(value "$stats" woken) - $(value "$stats" changed)))
	[ $rest -ge 0 ] || broken "$1 was woken $((-rest)) times more than it slept"
	[ $rest -le "$2" ] || broken "$1 slept $rest times more than it was woken"
	[ "$(value "$stats" futile)" = 0 ] || broken "$1 was woken in vain"
	[ "$(value "$stats" late)" = 0 ] || broken "a wake of $1 was lost"
}

# Whoever runs makes no calls: all of a member's calls to the module, setting up
# included, must be few against its batches and fewer yet against its events.
check_calls() { # NAME
	local events dmp

	events=$(value "$work/$1.stats" events)
	dmp=$(value "$work/$1.calls" ioctl)
	[ $((dmp * 50)) -lt "$events" ] || broken "$1 made $dmp calls to the module for $events events"
}

check_all_sleeps() {
	local name

	check_sleeps publish 0
	for name in journal replicate apply; do check_sleeps $name 1; done
	for name in $MEMBERS; do check_calls "$name"; done
	[ "$(field "$ring" stream)" = finished ] || broken 'the stream has not ended cleanly'
}

show_diamond() {
	echo
	echo '1. journal and replicate read everything; apply each event only after both'
	echo
	run_diamond
	for name in journal replicate apply; do expect_whole $name; done
	echo
	work_table | align 7
	echo
	calls_table | align 14
	echo
	cat <<-'END'
		   sleeps: waits that went to sleep; woken: by what they waited for, each once (the
		   end of the stream may be what wakes a consumer from its last sleep); futile: woken
		   in vain; wakes: calls to wake others; empty: wakes that found nobody.
		   Calls were counted by the kernel, from outside. dmp: all calls to the module, to
		   join, sleep, wake and leave; files: reading the input, writing the output; other:
		   starting the program.
	END
	check_all_sleeps
}
