/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ref_slotseq: a ring by hand with the sequence in the slot, so that one line carries message and news; there is no
 * cursor to read; released one by one
 */
#include "../peer.h"

static const struct peer peers[] = {
	{ .name = "ref_slotseq", .tests = STREAM | ROUND_TRIP, .slots = { 1024, 65536 }, .publish = { 1 } },
};

struct slot {
	uint64_t news; /* sequence + 1 once it is there */
	char message[SIZE];
};

struct ring {
	uint64_t released __attribute__((aligned(64)));
	uint64_t slots __attribute__((aligned(64)));
	struct slot slot[] __attribute__((aligned(64)));
};

struct port {
	struct ring *ring;
	uint64_t mask;
	uint64_t limit; /* the sender's */
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring) + slots * sizeof(struct slot));

	(void)peer;
	ring->slots = slots;
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = ring;
	port->mask = ring->slots - 1;
	port->limit = ring->slots;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct slot *slot = &port->ring->slot[seq & port->mask];

	(void)n;
	while (seq >= port->limit) {
		port->limit = bench_load_acquire(&port->ring->released) + port->mask + 1;
		if (seq >= port->limit)
			bench_pause();
	}
	message_fill(slot->message, seq);
	bench_store_release(&slot->news, seq + 1);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct slot *slot = &port->ring->slot[seq & port->mask];

	if (bench_load_acquire(&slot->news) != seq + 1)
		return 0;
	message_check(slot->message, seq, verdict);
	bench_store_release(&port->ring->released, seq + 1);
	return 1;
}

#include "../loops.h"
