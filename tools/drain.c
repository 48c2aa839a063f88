// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* drain.c: a consumer: written in place from the ring, released once it is written */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "block.h"
#include "tool.h"

void block_at(const struct reader *r, uint64_t pos, const void *event, struct iovec *bytes)
{
	uint32_t size = dmp_event_size(r->member);

	bytes->iov_base = block_bytes(event);
	bytes->iov_len = block_length(event, size);
	if (!bytes->iov_len)
		fail("event %llu is not what 'dmp publish' writes (no length from 1 to %u at its start): this ring is "
		     "not for 'dmp consume'",
		     (unsigned long long)pos, block_room(size));
}

void write_or_fail(struct iovec *iov, unsigned int count, int *err)
{
	*err = write_vector(STDOUT_FILENO, iov, count);
	if (*err && *err != -EINTR)
		fail("cannot write to the standard output: %s", strerror(-*err));
}

/* A batch has DMP_BATCH_MAX events at most, for we wait for one. */
static int write_batch(struct reader *r, const struct dmp_batch *batch)
{
	struct iovec iov[DMP_BATCH_MAX];
	uint64_t pos = batch->pos, bytes = 0;
	unsigned int n = 0;
	const void *event;
	int err;

	dmp_for_each(event, r->member, batch) {
		block_at(r, pos++, event, &iov[n]);
		bytes += iov[n++].iov_len;
	}
	write_or_fail(iov, n, &err);
	if (!err)
		err = dmp_release(r->member, batch->end);
	if (!err)
		count_batch(&r->stats, n, bytes);
	return err;
}

/*
 * The end of a stream is a state, and POLLHUP says so all the time; a change of membership is an event: edges. The
 * caller looks again after each, so that none is missed, not even a producer that has come and gone: the first edge is
 * that of being added, and from then on they are kept until they are asked for.
 */
int await_change(struct reader *r)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };

	if (r->epoll < 0) {
		r->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (r->epoll < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, dmp_member_fd(r->member), &event))
			fail("cannot wait for the next producer: %s", strerror(errno));
	}
	return epoll_wait(r->epoll, &event, 1, -1) < 0 ? -errno : 0;
}

/* The next batch, of no more events than are wanted. */
static int next_batch(struct reader *r, struct dmp_batch *batch)
{
	int err = was_signalled() ? -EINTR : dmp_wait(r->member, 1, batch);

	if (err)
		return err;
	if (batch->end - batch->pos > r->left)
		batch->end = batch->pos + r->left;
	r->left -= batch->end - batch->pos;
	return 0;
}

int drain(struct reader *r)
{
	struct dmp_batch batch;
	int err = 0;

	while (!err && r->left) {
		err = next_batch(r, &batch);
		if (!err)
			err = write_batch(r, &batch);
		else if (err == -EPIPE && r->follow)
			err = await_change(r);
		if (err == -EINTR && !was_signalled())
			err = 0;
	}
	return err;
}
