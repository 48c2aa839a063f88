# SPDX-License-Identifier: LGPL-2.1 OR MIT
# shellcheck shell=dash
#
# A consumer holds the others up, then dies, and they go on.
# shellcheck disable=SC2154 # from show and lib.sh

# The ring is full: replicate, stopped, holds the producer and apply; journal
# has read everything else that there is. All have come to rest.
is_held() {
	look
	replicated=$(field replicate cursor)
	published=$(field "$ring" cursor)
	[ "$(field "publish-$publisher" waiting)" = asleep ] &&
		[ "$(field journal cursor)" = "$published" ] &&
		[ "$(field apply cursor)" = "$replicated" ]
}

is_past_a_third() {
	look && [ "$(field replicate cursor)" -gt $((events / 3)) ]
}

start_all() {
	uncounted
	make_ring
	consumer journal
	journal=$pid
	consumer replicate --on-death drop # else those who come after it would fail
	replicate=$pid
	consumer apply --after journal,replicate
	apply=$pid
	dmp publish "$ring" "$input" 2>"$work/publish.stats" &
	publisher=$!
}

hold_up() {
	await 'replicate has read a third' is_past_a_third
	kill -STOP "$replicate"
	await 'all wait for replicate' is_held
	echo "   replicate stopped after $replicated events: the ring is full, the producer sleeps"
	echo "   at $published; journal has read up to there; apply waits at $replicated"
}

# What it wrote before it was killed is the beginning of the input.
expect_beginning() { # NAME
	local size

	size=$(wc -c <"$work/$1")
	[ "$size" -gt 0 ] || broken "$1 has written nothing"
	[ "$size" -lt "$(wc -c <"$input")" ] || broken "$1 had written everything"
	[ "$(head -c "$size" "$input" | sha256)" = "$(sha256 <"$work/$1")" ] || broken "$1 has written what was not published"
	echo "   $1: $size bytes, the beginning of the input"
}

show_kill() {
	local events

	events=$(value "$work/journal.stats" events) # of the first run
	echo
	echo '2. replicate is stopped in mid-stream, then killed with SIGKILL'
	echo
	start_all
	hold_up
	kill -KILL "$replicate"
	succeeds "$publisher" publish
	succeeds "$journal" journal
	succeeds "$apply" apply
	echo "   replicate killed: the producer and the others went on to event $events, the end"
	wait "$replicate"
	remove_ring
	expect_whole journal
	expect_whole apply
	expect_beginning replicate
}
