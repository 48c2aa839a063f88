/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ref_cursor: the classic ring by hand: two cursors, each side caches the other's, messages are copied in and out;
 * one message or 32 per store of a cursor
 */
#include "../peer.h"

#define BATCH_MAX 32

static const struct peer peers[] = {
	{ .name = "ref_cursor", .tests = USUAL_TESTS, .slots = { 1024, 65536 }, .publish = { 1 }, .variant = 1 },
	{ .name = "ref_batch",
	  .tests = USUAL_TESTS & STREAM,
	  .slots = { 1024, 65536 },
	  .publish = { 32 },
	  .variant = BATCH_MAX },
};

struct message {
	char bytes[SIZE];
};

struct ring {
	uint64_t cursor __attribute__((aligned(64)));
	uint64_t released __attribute__((aligned(64)));
	uint64_t slots __attribute__((aligned(64)));
	uint32_t batch; /* received at once */
	struct message message[] __attribute__((aligned(64)));
};

struct port {
	struct ring *ring;
	uint64_t mask;
	uint64_t limit; /* the other's cursor, as last seen: may send below, has been sent below */
	uint32_t batch;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring) + (size_t)slots * SIZE);

	ring->slots = slots;
	ring->batch = peer->variant;
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	port->ring = ring;
	port->mask = ring->slots - 1;
	port->limit = role == SENDER ? ring->slots : 0;
	port->batch = ring->batch;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct ring *ring = port->ring;
	struct message message[BATCH_MAX];

	for (uint32_t i = 0; i < n; i++)
		message_fill(&message[i], seq + i);
	while (seq + n > port->limit) {
		port->limit = bench_load_acquire(&ring->released) + port->mask + 1;
		if (seq + n > port->limit)
			bench_pause();
	}
	for (uint32_t i = 0; i < n; i++)
		ring->message[(seq + i) & port->mask] = message[i];
	bench_store_release(&ring->cursor, seq + n);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct ring *ring = port->ring;
	struct message message[BATCH_MAX];
	uint64_t n;

	if (seq == port->limit)
		port->limit = bench_load_acquire(&ring->cursor);
	n = port->limit - seq < port->batch ? port->limit - seq : port->batch;
	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		message[i] = ring->message[(seq + i) & port->mask];
	bench_store_release(&ring->released, seq + n);
	for (uint32_t i = 0; i < n; i++)
		message_check(&message[i], seq + i, verdict);
	return (uint32_t)n;
}

#include "../loops.h"
