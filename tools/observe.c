// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* observe.c: an observer: copied out, and whatever was overwritten in the meantime is lost, and counted */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "tool.h"

#define MOST_EVENTS 256
#define MOST_BYTES  (1U << 20)

/* Copies, until they are written. */
struct copies {
	struct iovec iov[MOST_EVENTS];
	unsigned int count, most;
	uint64_t bytes;
	uint32_t size; /* of an event, rounded up so that each is aligned */
	char *events;
};

static void start(struct copies *c, const struct reader *r)
{
	c->count = 0;
	c->bytes = 0;
	c->size = (dmp_event_size(r->member) + 7) & ~7U;
	c->most = MOST_BYTES / c->size;
	if (c->most > MOST_EVENTS)
		c->most = MOST_EVENTS;
	if (!c->most)
		c->most = 1;
	c->events = malloc((size_t)c->most * c->size);
	if (!c->events)
		fail_errno(-ENOMEM);
}

static int flush(struct reader *r, struct copies *c)
{
	int err = 0;

	if (!c->count)
		return 0;
	write_or_fail(c->iov, c->count, &err);
	if (!err)
		count_batch(&r->stats, c->count, c->bytes);
	c->count = 0;
	c->bytes = 0;
	return err;
}

/* One more, if it is there or may be waited for. */
static int copy_one(struct reader *r, struct copies *c, bool wait)
{
	char *event = c->events + (size_t)c->count * c->size;
	uint64_t pos, lost;
	int err = wait ? dmp_observe(r->member, event, &pos, &lost) : dmp_try_observe(r->member, event, &pos, &lost);

	if (err)
		return err;
	block_at(r, pos, event, &c->iov[c->count]);
	c->bytes += c->iov[c->count++].iov_len;
	r->lost += lost;
	r->left--;
	return 0;
}

/* What is there is written before it waits for more. */
static int observe_some(struct reader *r, struct copies *c)
{
	int err = 0, written;

	while (!err && r->left && c->count < c->most)
		err = copy_one(r, c, !c->count);
	written = flush(r, c);
	return written ? written : err;
}

int observe(struct reader *r)
{
	struct copies c;
	int err = 0;

	start(&c, r);
	while (!err && r->left) {
		err = was_signalled() ? -EINTR : observe_some(r, &c);
		if (err == -EPIPE && r->follow)
			err = await_change(r);
		if (err == -EAGAIN || (err == -EINTR && !was_signalled()))
			err = 0;
	}
	free(c.events);
	return err;
}
