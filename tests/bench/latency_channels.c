/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* latency_channels.c: see latency.h. */
#define _GNU_SOURCE
#include "latency.h"

#include <errno.h>
#include <pthread.h>

#include "latency_ring.h"

#define PIPE_MESSAGES 64 /* that are read at once */

struct channel {
	/* dmp */
	struct dmp_ring *ring;
	const struct dmp_wait_strategy *wait;
	struct dmp_member *member;
	/* pipe */
	int ends[2];
	/* condvar */
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	uint64_t sent, received;
	struct message slots[CHANNEL_SLOTS];
};

static void nothing(struct channel *channel)
{
	(void)channel;
}

/* ---- dmp ---- */

static struct channel *dmp_create(const char *name)
{
	struct channel *c = bench_shared(sizeof(*c));

	c->ring = ring_of(MESSAGE_BYTES, CHANNEL_SLOTS, DMP_RING_STAMPED);
	c->wait = ring_strategy(name);
	return c;
}

/* Each process joins for itself: the member is its own memory, and so must be the pointer. */
static struct dmp_member *member;

static void dmp_open_sender(struct channel *c)
{
	struct dmp_join_options options = { .wait = c->wait };

	member = ring_join(c->ring, DMP_ROLE_PRODUCER, &options);
}

static void dmp_open_receiver(struct channel *c)
{
	struct dmp_join_options options = { .name = "receiver", .wait = c->wait };

	member = ring_join(c->ring, DMP_ROLE_CONSUMER, &options);
}

static void dmp_send(struct channel *c, const struct message *message)
{
	uint64_t pos;

	(void)c;
	bench_check(!dmp_claim(member, 1, &pos));
	*(struct message *)dmp_slot(member, pos) = *message;
	dmp_publish(member, pos, 1);
}

static uint64_t dmp_receive(struct channel *c, void (*take)(const struct message *))
{
	const struct message *message;
	struct dmp_batch batch;

	(void)c;
	bench_check(!dmp_wait(member, 1, &batch));
	dmp_for_each(message, member, &batch)
		take(message);
	bench_check(!dmp_release(member, batch.end));
	return batch.end - batch.pos;
}

static void dmp_close(struct channel *c)
{
	(void)c;
	dmp_leave(member);
}

/* ---- pipe ---- */

static struct channel *pipe_create(const char *name)
{
	struct channel *c = bench_shared(sizeof(*c));

	(void)name;
	bench_check(!pipe(c->ends));
	return c;
}

static void pipe_send(struct channel *c, const struct message *message)
{
	bench_check(write(c->ends[1], message, sizeof(*message)) == sizeof(*message)); /* at most PIPE_BUF: all of it */
}

static void read_rest(int fd, char *to, size_t bytes)
{
	ssize_t n;

	for (; bytes; to += n, bytes -= (size_t)n) {
		n = read(fd, to, bytes);
		bench_check(n > 0);
	}
}

static uint64_t pipe_receive(struct channel *c, void (*take)(const struct message *))
{
	struct message messages[PIPE_MESSAGES];
	ssize_t bytes = read(c->ends[0], messages, sizeof(messages));
	size_t whole, part;

	bench_check(bytes > 0);
	part = (size_t)bytes % sizeof(*messages); /* pages end within messages */
	if (part)
		read_rest(c->ends[0], (char *)messages + bytes, sizeof(*messages) - part);
	whole = ((size_t)bytes + sizeof(*messages) - 1) / sizeof(*messages);
	for (size_t i = 0; i < whole; i++)
		take(&messages[i]);
	return whole;
}

/* ---- condvar ---- */

static void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	bench_check(!pthread_condattr_init(&attr));
	bench_check(!pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	bench_check(!pthread_cond_init(condition, &attr));
}

static struct channel *condvar_create(const char *name)
{
	struct channel *c = bench_shared(sizeof(*c));
	pthread_mutexattr_t attr;

	(void)name;
	bench_check(!pthread_mutexattr_init(&attr));
	bench_check(!pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	bench_check(!pthread_mutex_init(&c->mutex, &attr));
	condition_init(&c->not_empty);
	condition_init(&c->not_full);
	return c;
}

static void condvar_send(struct channel *c, const struct message *message)
{
	pthread_mutex_lock(&c->mutex);
	while (c->sent - c->received == CHANNEL_SLOTS)
		pthread_cond_wait(&c->not_full, &c->mutex);
	c->slots[c->sent++ % CHANNEL_SLOTS] = *message;
	pthread_cond_signal(&c->not_empty);
	pthread_mutex_unlock(&c->mutex);
}

static uint64_t condvar_receive(struct channel *c, void (*take)(const struct message *))
{
	struct message message;

	pthread_mutex_lock(&c->mutex);
	while (c->sent == c->received)
		pthread_cond_wait(&c->not_empty, &c->mutex);
	message = c->slots[c->received++ % CHANNEL_SLOTS];
	pthread_cond_signal(&c->not_full);
	pthread_mutex_unlock(&c->mutex);
	take(&message);
	return 1;
}

/* ---- all ---- */

#define DMP(name)                                                                                      \
	{                                                                                              \
		name, dmp_create, dmp_open_sender, dmp_open_receiver, dmp_send, dmp_receive, dmp_close \
	}

const struct channel_kind channel_kinds[] = {
	DMP("dmp-spin"),
	DMP("dmp-yield"),
	DMP("dmp-sleep"),
	DMP("dmp-block"),
	{ "pipe", pipe_create, nothing, nothing, pipe_send, pipe_receive, nothing },
	{ "condvar", condvar_create, nothing, nothing, condvar_send, condvar_receive, nothing },
};

const size_t channel_kind_count = sizeof(channel_kinds) / sizeof(*channel_kinds);

const struct channel_kind *channel_kind_of(const char *name)
{
	for (size_t i = 0; i < channel_kind_count; i++)
		if (!strcmp(channel_kinds[i].name, name))
			return &channel_kinds[i];
	bench_fail("%s is no channel", name);
}
