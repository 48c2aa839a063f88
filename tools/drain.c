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
 * The end of a stream is a state (POLLHUP is there all the time), the beginning of the next one an event: edges. None is
 * missed, for the member is looked at after each, the one of adding it included.
 */
int await_producer(struct dmp_member *member)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), err = 0;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, dmp_member_fd(member), &event))
		fail("cannot wait for the next producer: %s", strerror(errno));
	while (!err && dmp_ended(member) != DMP_END_OPEN)
		if (epoll_wait(epoll, &event, 1, -1) < 0 && (errno != EINTR || was_signalled()))
			err = -errno;
	close(epoll);
	return err;
}

int drain(struct reader *r)
{
	struct dmp_batch batch;
	int err = 0;

	while (!err && r->left) {
		err = was_signalled() ? -EINTR : dmp_wait(r->member, 1, &batch);
		if (err == -EPIPE && r->follow) {
			err = await_producer(r->member);
			continue;
		}
		if (err == -EINTR && !was_signalled()) {
			err = 0;
			continue;
		}
		if (err)
			break;
		if (batch.end - batch.pos > r->left)
			batch.end = batch.pos + r->left;
		r->left -= batch.end - batch.pos;
		err = write_batch(r, &batch);
	}
	return err;
}
