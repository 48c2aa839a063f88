// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * segment_lock.c: locks that the kernel drops when their process ends
 *
 * POSIX record locks on bytes far behind the file's end: they belong to a process and a file, a child made by fork has
 * none of them, and they go with the process, however it ends, and at exec, whose close-on-exec descriptors they die
 * with. Two things follow. They tell processes apart, not threads: within a process a mutex goes first. And they are
 * gone as soon as the process closes *any* descriptor of the file: a segment therefore keeps all of them to the last
 * (segment.c), and who opens and closes the file behind the library's back has left the ring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

#define FIRST_BYTE ((off_t)1 << 60)

static int apply(int fd, int command, enum dmp_lock_ byte, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = FIRST_BYTE + byte, .l_len = 1 };

	return fcntl(fd, command, &lock) ? -errno : 0;
}

/* A circle that the kernel sees among processes is none among threads: the lock comes free all the same. */
static int wait_for(int fd, enum dmp_lock_ byte, short type)
{
	int err;

	for (;;) {
		err = apply(fd, F_SETLKW, byte, type);
		if (err != -EINTR && err != -EDEADLK)
			return err;
		sched_yield();
	}
}

int dmp_lock_shared_(int fd, enum dmp_lock_ byte)
{
	return wait_for(fd, byte, F_RDLCK);
}

int dmp_lock_(int fd, enum dmp_lock_ byte)
{
	return wait_for(fd, byte, F_WRLCK);
}

int dmp_try_lock_(int fd, enum dmp_lock_ byte)
{
	int err = apply(fd, F_SETLK, byte, F_WRLCK);

	return err == -EACCES ? -EAGAIN : err;
}

int dmp_try_lock_shared_(int fd, enum dmp_lock_ byte)
{
	int err = apply(fd, F_SETLK, byte, F_RDLCK);

	return err == -EACCES ? -EAGAIN : err;
}

void dmp_unlock_(int fd, enum dmp_lock_ byte)
{
	apply(fd, F_SETLK, byte, F_UNLCK);
}

bool dmp_is_locked_(int fd, enum dmp_lock_ byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST_BYTE + byte, .l_len = 1 };

	return fcntl(fd, F_GETLK, &lock) || lock.l_type != F_UNLCK; /* who cannot ask buries nobody */
}

/* ---- membership ---- */

void dmp_segment_adopt_(struct dmp_segment_ *s)
{
	uint32_t pid = (uint32_t)getpid(), was = dmp_load_acquire(s->pid);

	if (was == pid || !dmp_replace(s->pid, &was, pid))
		return;
	pthread_mutex_init(&s->mutex, NULL); /* whoever held it is not in this process */
	memset(s->mine, 0, sizeof(s->mine));
	dmp_lock_shared_(s->fds[0], DMP_LOCK_USERS_);
}

/* Whoever had the lock before may have died at any instruction. */
static void enter(struct dmp_segment_ *s)
{
	bool died = s->head->busy;

	s->head->busy = 1;
	DMP_TEST_POINT(MEMBERSHIP);
	if (died)
		dmp_segment_settle_(s);
}

int dmp_segment_lock_(struct dmp_segment_ *s)
{
	int err;

	dmp_segment_adopt_(s);
	pthread_mutex_lock(&s->mutex);
	err = dmp_lock_(s->fds[0], DMP_LOCK_MEMBERSHIP_);
	if (err)
		pthread_mutex_unlock(&s->mutex);
	else
		enter(s);
	return err;
}

bool dmp_segment_trylock_(struct dmp_segment_ *s)
{
	dmp_segment_adopt_(s);
	if (pthread_mutex_trylock(&s->mutex))
		return false;
	if (dmp_try_lock_(s->fds[0], DMP_LOCK_MEMBERSHIP_)) {
		pthread_mutex_unlock(&s->mutex);
		return false;
	}
	enter(s);
	return true;
}

void dmp_segment_unlock_(struct dmp_segment_ *s)
{
	s->head->busy = 0;
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_unlock_(s->fds[0], DMP_LOCK_MEMBERSHIP_);
	pthread_mutex_unlock(&s->mutex);
}
