/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* A ring under a mutex, with two condition variables, shared by processes. */
#include "../peer.h"

#include <pthread.h>

static const struct peer peers[] = {
	{ .name = "mutex_condvar", .tests = USUAL_TESTS, .slots = { 1024 }, .publish = { 1 } },
};

struct message {
	char bytes[SIZE];
};

struct ring {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	uint64_t sent, received, slots;
	struct message message[];
};

struct port {
	struct ring *ring;
};

static void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(condition, &attr);
}

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring) + (size_t)slots * SIZE);
	pthread_mutexattr_t attr;

	(void)peer;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&ring->mutex, &attr);
	condition_init(&ring->not_empty);
	condition_init(&ring->not_full);
	ring->slots = slots;
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = ring;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct ring *ring = port->ring;
	struct message message;

	(void)n;
	message_fill(&message, seq);
	pthread_mutex_lock(&ring->mutex);
	while (ring->sent - ring->received == ring->slots)
		pthread_cond_wait(&ring->not_full, &ring->mutex);
	ring->message[ring->sent++ & (ring->slots - 1)] = message;
	pthread_cond_signal(&ring->not_empty);
	pthread_mutex_unlock(&ring->mutex);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct ring *ring = port->ring;
	struct message message;

	pthread_mutex_lock(&ring->mutex);
	while (ring->sent == ring->received)
		pthread_cond_wait(&ring->not_empty, &ring->mutex);
	message = ring->message[ring->received++ & (ring->slots - 1)];
	pthread_cond_signal(&ring->not_full);
	pthread_mutex_unlock(&ring->mutex);
	message_check(&message, seq, verdict);
	return 1;
}

#include "../loops.h"
