// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* strerror.c: what an error is, and what to do about it, in a sentence */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const char *const sentences[] = {
	[ENODEV] = "/dev/dmp is not there: load the module (make load), take shm:NAME, or set DMP_BACKEND=shm",
	[EACCES] = "not allowed to this user, or to a member of this role: 'dmp ls' shows the ring's owner and mode",
	[EAGAIN] = "nothing there, or no room, right now: try again, or wait",
	[EBADF] = "the descriptor is no ring",
	[EBUSY] = "another is at it already, or a claim is still open: 'dmp info' shows who",
	[EDEADLK] = "the aggregator cannot be stopped by its own recorder: stop it from another thread",
	[EDQUOT] =
		"you have as many rings, or as many bytes in rings, as the module allows one user: remove some "
		"(dmp ls, dmp rm) or have max_rings_per_uid or max_bytes_per_uid in /sys/module/dmp/parameters raised",
	[EEXIST] = "the name is taken: choose another",
	[EFBIG] = "too large, or too many members, for one ring: have max_ring_bytes or max_members in "
		  "/sys/module/dmp/parameters raised, or ask for less",
	[EINVAL] = "these arguments are not taken: see <dmp.h>, or --help",
	[EINTR] = "interrupted by a signal: try again",
	[EISCONN] = "this file is bound to a ring already",
	[ENOTCONN] = "this file is not bound to a ring",
	[EMFILE] = "this process has too many files open: raise 'ulimit -n'",
	[ENFILE] = "the machine has too many files open: have fs.file-max raised",
	[ENOBUFS] = "the ring does not fit into the memory you may lock: raise 'ulimit -l', or ask for less",
	[ENOENT] = "there is no such ring (or member) here: 'dmp ls' shows the rings there are, 'dmp create' makes one",
	[ENOMEM] = "not enough memory: ask for less, or have the limit of the control group (memory.max) raised",
	[ENOSPC] = "no room for another member (wait until one leaves, or create the ring with more) or counter",
	[EOPNOTSUPP] = "this version of dmp, or this kind of ring, knows that but does not have it",
	[EPERM] = "only the owner may do that: of the ring ('dmp ls' shows who), of the name, or of the member",
	[EPIPE] = "the stream has ended",
	[ERANGE] = "that position cannot be read: 'dmp info' shows the gate and the cursor, which it must lie between",
	[EOWNERDEAD] = "a consumer that this one comes after has died: start that one again, then this one",
	[ESTALE] = "this process is no member any more: it was evicted, or has left",
	[EUNATCH] = "consumers that the ring requires are missing: start them; 'dmp info' shows who",
	[EHOSTDOWN] =
		"a consumer that the ring requires has stood still for too long: 'dmp info' shows each one's place",
	[ETIMEDOUT] = "the time is up",
	[EPROTO] = "the ring and this program are of different versions: build and load all from one tree",
	[EMEDIUMTYPE] = "that file is no ring: take another path",
	[EUCLEAN] = "the ring's file is truncated or damaged: nothing in it can be trusted; remove it ('dmp rm') "
		    "and create it anew",
	[EIO] = "the disk cannot be read or written: see the kernel's log",
	[E2BIG] = "the module is older than this program: build and load both from one tree",
	[ENOTTY] = "the module does not know this call: build and load both from one tree",
	[EFAULT] = "bad address: what was handed over is not memory of this process, or may not be written",
};

const char *dmp_strerror(int err)
{
	unsigned int n = 0U - (unsigned int)err;

	if (n < sizeof(sentences) / sizeof(*sentences) && sentences[n])
		return sentences[n];
	return strerror((int)n);
}
