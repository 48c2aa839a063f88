/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * peers.c: dmp.ko, futex, eventfd, pipe and POSIX semaphore
 *
 * Those that carry no payload have it in shared memory beside them, so that each hop moves the same 56 bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dmp.h>

#include "../bench.h"
#include "peers.h"

static struct channel {
	struct message message __attribute__((aligned(64)));
	uint32_t word __attribute__((aligned(64))); /* futex: messages sent */
	sem_t semaphore __attribute__((aligned(64)));
} * channels;

static void create_channels(void)
{
	channels = bench_shared(2 * sizeof(*channels));
}

static void enter_nothing(int side)
{
	(void)side;
}

/* ---- dmp.ko ---- */

static struct dmp_ring *rings[2];
static struct dmp_member *producer, *consumer;

static void dmp_create_rings(void)
{
	const struct dmp_ring_options options = {
		.slots = 1024,
		.event_size = sizeof(struct message),
		.flags = DMP_RING_STAMPED,
	};

	for (int i = 0; i < 2; i++)
		bench_check(!dmp_ring_create(&rings[i], NULL, &options));
}

static void dmp_enter(int side)
{
	const struct dmp_join_options options = { .name = "receiver", .wait = &dmp_wait_block };

	bench_check(!dmp_join(rings[side], DMP_ROLE_PRODUCER, NULL, &producer));
	bench_check(!dmp_join(rings[!side], DMP_ROLE_CONSUMER, &options, &consumer));
}

static void dmp_send(int channel, const struct message *message)
{
	uint64_t pos;

	(void)channel;
	bench_check(!dmp_claim(producer, 1, &pos));
	*(struct message *)dmp_slot(producer, pos) = *message;
	dmp_publish(producer, pos, 1);
}

static void dmp_receive(int channel, struct message *message)
{
	struct dmp_batch batch;

	(void)channel;
	bench_check(!dmp_wait(consumer, 1, &batch));
	*message = *(const struct message *)dmp_event(consumer, batch.pos);
	bench_check(!dmp_release(consumer, batch.pos + 1));
}

static void dmp_report(double trips)
{
	struct dmp_info there, back;

	bench_check(!dmp_ring_info(rings[0], &there));
	bench_check(!dmp_ring_info(rings[1], &back));
	bench_also("sleeps", (double)(there.sleeps + back.sleeps) / trips);
	bench_also("wakes", (double)(there.wakes + back.wakes) / trips);
	bench_also("empty", (double)(there.empty + back.empty) / trips);
	bench_also("futile", (double)(there.futile + back.futile));
	bench_also("fences", (double)(there.fences + back.fences));
}

/* ---- futex: not private, for it is between processes ---- */

static void futex_send(int channel, const struct message *message)
{
	struct channel *c = &channels[channel];

	c->message = *message;
	__atomic_store_n(&c->word, (uint32_t)message->seq, __ATOMIC_RELEASE);
	bench_check(syscall(SYS_futex, &c->word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
}

static void futex_receive(int channel, struct message *message)
{
	static uint32_t seen;
	struct channel *c = &channels[channel];

	while (__atomic_load_n(&c->word, __ATOMIC_ACQUIRE) == seen)
		bench_check(!syscall(SYS_futex, &c->word, FUTEX_WAIT, seen, NULL, NULL, 0) || errno == EAGAIN);
	seen++;
	*message = c->message;
}

/* ---- eventfd ---- */

static int events[2];

static void eventfd_create(void)
{
	create_channels();
	for (int i = 0; i < 2; i++) {
		events[i] = eventfd(0, 0);
		bench_check(events[i] >= 0);
	}
}

static void eventfd_send(int channel, const struct message *message)
{
	uint64_t one = 1;

	channels[channel].message = *message;
	bench_check(write(events[channel], &one, sizeof(one)) == sizeof(one));
}

static void eventfd_receive(int channel, struct message *message)
{
	uint64_t count;

	bench_check(read(events[channel], &count, sizeof(count)) == sizeof(count));
	*message = channels[channel].message;
}

/* ---- pipe ---- */

static int pipes[2][2];

static void pipe_create(void)
{
	for (int i = 0; i < 2; i++)
		bench_check(!pipe(pipes[i]));
}

static void pipe_send(int channel, const struct message *message)
{
	bench_check(write(pipes[channel][1], message, sizeof(*message)) == sizeof(*message));
}

static void pipe_receive(int channel, struct message *message)
{
	bench_check(read(pipes[channel][0], message, sizeof(*message)) == sizeof(*message));
}

/* ---- POSIX semaphore ---- */

static void semaphore_create(void)
{
	create_channels();
	for (int i = 0; i < 2; i++)
		bench_check(!sem_init(&channels[i].semaphore, 1, 0));
}

static void semaphore_send(int channel, const struct message *message)
{
	channels[channel].message = *message;
	bench_check(!sem_post(&channels[channel].semaphore));
}

static void semaphore_receive(int channel, struct message *message)
{
	bench_check(!sem_wait(&channels[channel].semaphore));
	*message = channels[channel].message;
}

const struct peer peers[] = {
	{ "dmp", dmp_create_rings, dmp_enter, dmp_send, dmp_receive, dmp_report },
	{ "futex", create_channels, enter_nothing, futex_send, futex_receive, NULL },
	{ "eventfd", eventfd_create, enter_nothing, eventfd_send, eventfd_receive, NULL },
	{ "pipe", pipe_create, enter_nothing, pipe_send, pipe_receive, NULL },
	{ "semaphore", semaphore_create, enter_nothing, semaphore_send, semaphore_receive, NULL },
};
const size_t peers_count = sizeof(peers) / sizeof(peers[0]);
