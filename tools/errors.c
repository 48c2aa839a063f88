// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* errors.c: one line that says what is wrong and what to do */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define LINE 1024

static const char *command_name;
static const char *ring_name;

void errors_of_command(const char *command)
{
	command_name = command;
}

void errors_of_ring(const char *ring)
{
	ring_name = ring;
}

static void say(const char *format, va_list args)
{
	char line[LINE], clean[LINE], ring[DMP_NAME_MAX];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "dmp: %s%s%s%s%s\n", command_name ? command_name : "", ring_name ? " " : "",
		ring_name ? printable(ring_name, ring, sizeof(ring)) : "", command_name ? ": " : "",
		printable(line, clean, sizeof(clean)));
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

void fail_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

/* Where a command knows more it says more, before it comes to this. */
static const struct {
	int err;
	const char *text;
} sentences[] = {
	{ ENODEV, "/dev/dmp is not there: load the module (make load), take shm:NAME, or set DMP_BACKEND=shm" },
	{ EACCES, "not allowed: 'dmp ls' shows the ring's owner and mode" },
	{ EBADF, "the descriptor is no ring" },
	{ EBUSY, "another is at it already: 'dmp info' shows who" },
	{ EDQUOT,
	  "you have as many rings, or as many bytes in rings, as the module allows one user: remove some "
	  "(dmp ls, dmp rm) or have max_rings_per_uid or max_bytes_per_uid in /sys/module/dmp/parameters raised" },
	{ EEXIST, "the name is taken: choose another" },
	{ EFBIG, "too large, or too many members, for one ring: have max_ring_bytes or max_members in "
		 "/sys/module/dmp/parameters raised, or ask for less" },
	{ EINVAL, "the kernel does not take these arguments: see --help" },
	{ EINTR, "interrupted by a signal: try again" },
	{ EISCONN, "this file is bound to a ring already" },
	{ ENOTCONN, "this file is not bound to a ring" },
	{ EMFILE, "this process has too many files open: raise 'ulimit -n'" },
	{ ENFILE, "the machine has too many files open: have fs.file-max raised" },
	{ ENOBUFS, "the ring does not fit into the memory you may lock: raise 'ulimit -l', or ask for less" },
	{ ENOENT, "there is no such ring here: 'dmp ls' shows those there are, 'dmp create' makes one" },
	{ ENOMEM, "not enough memory: ask for less, or have the limit of the control group (memory.max) raised" },
	{ ENOSPC, "no room for another member: wait until one leaves, or create the ring with more --members" },
	{ EOPNOTSUPP, "this version of dmp, or this kind of ring, knows that but does not have it" },
	{ EPERM, "only the ring's owner may do that: 'dmp ls' shows who it is" },
	{ EPIPE, "the stream has ended" },
	{ ERANGE, "that position cannot be read: 'dmp info' shows the gate and the cursor, which it must lie between" },
	{ EOWNERDEAD, "a consumer that this one comes after has died: start that one again, then this one" },
	{ ESTALE, "this process is no member any more: it was evicted" },
	{ EUNATCH, "consumers that the ring requires are missing: start them; 'dmp info' shows who" },
	{ EHOSTDOWN,
	  "a consumer that the ring requires has stood still for too long: 'dmp info' shows how far each is" },
	{ ETIMEDOUT, "the time is up" },
	{ EPROTO, "the ring and this program are of different versions: build and load all from one tree" },
	{ EMEDIUMTYPE, "that file is no ring: take another path" },
	{ EUCLEAN, "the ring's file is truncated or damaged: nothing in it can be trusted; remove it ('dmp rm') and "
		   "create it anew" },
	{ EIO, "the disk cannot be read or written: see the kernel's log" },
	{ E2BIG, "the module is older than this program: build and load both from one tree" },
	{ ENOTTY, "the module does not know this call: build and load both from one tree" },
	{ EFAULT, "bad address: the module and this program are of different versions" },
};

void fail_errno(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sentences); i++)
		if (sentences[i].err == -err)
			fail("%s", sentences[i].text);
	fail("%s", strerror(-err));
}
