/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ref_inplace: what one would write by hand: two cursors, each side's cached copy of the other's beside its own, messages
 * written and read in place, published n at once, released once per batch of at most 256
 */
#include "../peer.h"

#define BATCH_MAX 256

#ifndef SHARED_MEMORY /* ref_memory.c includes this file */
#define SHARED_MEMORY(peer, bytes) bench_shared(bytes)

static const struct peer peers[] = {
	{ .name = "ref_inplace", .tests = STREAM, .slots = { 1024, 65536 }, .publish = { 1, 32, 256 } },
};
#endif

struct message {
	char bytes[SIZE];
};

struct ring {
	uint64_t cursor __attribute__((aligned(64))); /* the sender's line */
	uint64_t gate;
	uint64_t released __attribute__((aligned(64))); /* the receiver's line */
	uint64_t slots __attribute__((aligned(64)));
	struct message message[] __attribute__((aligned(64)));
};

struct port {
	struct ring *ring;
	uint64_t mask;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = SHARED_MEMORY(peer, sizeof(*ring) + (size_t)slots * SIZE);

	(void)peer;
	ring->slots = slots;
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = ring;
	port->mask = ring->slots - 1;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct ring *ring = port->ring;

	while (seq + n - ring->gate > port->mask + 1) {
		ring->gate = bench_load_acquire(&ring->released);
		if (seq + n - ring->gate > port->mask + 1)
			bench_pause();
	}
	for (uint32_t i = 0; i < n; i++)
		message_fill(&ring->message[(seq + i) & port->mask], seq + i);
	bench_store_release(&ring->cursor, seq + n);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct ring *ring = port->ring;
	uint64_t n = bench_load_acquire(&ring->cursor) - seq;

	if (!n)
		return 0;
	if (n > BATCH_MAX)
		n = BATCH_MAX;
	for (uint64_t i = 0; i < n; i++)
		message_check(&ring->message[(seq + i) & port->mask], seq + i, verdict);
	bench_store_release(&ring->released, seq + n);
	return (uint32_t)n;
}

#include "../loops.h"
