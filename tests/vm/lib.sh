# SPDX-License-Identifier: LGPL-2.1 OR MIT
# shellcheck shell=bash
#
# What the scripts of tests/vm share. Only bash, coreutils and Debian's own
# tools: it runs before anything else is installed.

# shellcheck disable=SC2034 # used by those who source this
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dmp
export LC_ALL=C.UTF-8
KERNELS='6.1 6.12 6.12-rt debug'

say() { printf '%s\n' "$*" >&2; }

die() {
	say "${0##*/}: $*"
	exit 1
}

# Runs a command silently; its output only matters when it fails.
quietly() {
	local log status=0

	if [ -n "${V:-}" ]; then
		"$@" >&2
		return
	fi
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || cat "$log" >&2
	rm -f "$log"
	return $status
}

# Runs a command as root: with sudo when it works without asking, or when
# there is somebody to ask.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		sudo "$@"
	else
		return 1
	fi
}

have_apt_lists() {
	compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

# Waits until nobody else works on the same thing: lock NAME. It is held until
# this shell ends; children that outlive it close the descriptor with 9>&-.
lock() {
	mkdir -p "$CACHE"
	exec 9>"$CACHE/$1.lock"
	flock -n 9 && return
	say "waiting for another process that prepares $1"
	flock 9
}

# Downloads packages into the current folder. Lists that are too old name files
# the archive no longer has.
apt_download() {
	quietly apt-get -q download "$@" && return
	say 'apt could not download; trying again after apt-get update'
	quietly as_root apt-get -q update && quietly apt-get -q download "$@"
}
