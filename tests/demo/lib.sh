# SPDX-License-Identifier: LGPL-2.1 OR MIT
# shellcheck shell=dash
#
# What the parts of the demonstration share. Any POSIX shell, busybox's too. show
# sets $work, a folder, and $input, the file, and $input_sum.
# shellcheck disable=SC2034,SC2154

SLOTS=4096
SIZE=248 # with its stamp four cache lines
ring=demo-$$

broken() {
	echo "   FAILED: $*"
	[ ! -s "$work/errors" ] || sed 's/^/   /' "$work/errors"
	exit 1
}

# Try until it succeeds.
await() { # WHAT COMMAND...
	local what=$1 tries=0

	shift
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || broken "waited in vain until $what"
		sleep 0.1
	done
}

# One moment of the ring, for the questions below.
look() {
	dmp info "$ring" --json >"$work/info"
}

# A field of the ring (by its name) or of a member.
field() { # NAME KEY
	awk -v name="\"$1\"," -v key="\"$2\":" '
		$1 == "\"name\":" { here = $2 == name }
		here && $1 == key { gsub(/[",]/, "", $2); print $2; exit }
	' "$work/info"
}

has_joined() { # NAME
	look && [ "$(field "$1" state)" = joined ]
}

make_ring() {
	dmp create "$ring" --slots $SLOTS --size $SIZE --stamped || broken 'no ring'
}

remove_ring() {
	dmp rm "$ring" || broken 'the ring does not go'
}

# Start a consumer and wait until it has joined: what is published from now on
# waits for it. Its output is $work/NAME, its pid in $pid.
consumer() { # NAME [OPTION]...
	local name=$1

	shift
	$COUNT "$work/$name.calls" dmp consume "$ring" --as "$name" --stats "$@" \
		>"$work/$name" 2>"$work/$name.stats" &
	pid=$!
	await "$name has joined" has_joined "$name"
}

# What consumers are run by, to be counted or not.
counted() {
	COUNT=count_syscalls
}

uncounted() {
	COUNT=plainly
}

plainly() {
	shift
	exec "$@" # in the background: $! is the command's
}

sha256() { # of the standard input
	sha256sum | cut -d ' ' -f 1
}

succeeds() { # PID WHO
	wait "$1" || broken "$2 failed: $(cat "$work/$2.stats")"
}

# The value of KEY=VALUE in a line of a file.
value() { # FILE KEY
	tr ' ' '\n' <"$1" | sed -n "s/^$2=//p"
}

expect_whole() { # NAME
	[ "$(sha256 <"$work/$1")" = "$input_sum" ] || broken "$1 has not written what was published"
	echo "   $1: $(wc -c <"$work/$1") bytes, the same sha256"
}
