/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* ck_ring of Concurrency Kit, several producers; it has no batches (libck-dev). Its one consumer dequeues as such. */
#include "../peer.h"

#include <ck_ring.h>

#include "../tally.h"

static const struct peer peers[] = {
	{ .name = "ck_ring_mpmc", .tests = PRODUCERS | THREE_TO_ONE, .publish = { 1 } },
};

struct message {
	char bytes[SIZE];
};

CK_RING_PROTOTYPE(message, message)

struct ring {
	ck_ring_t ring;
	struct message message[] __attribute__((aligned(64)));
};

struct port {
	struct ring *ring;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring) + (size_t)slots * SIZE);

	(void)peer;
	ck_ring_init(&ring->ring, slots);
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = ring;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct message message;
	uint32_t looks = 0;

	(void)n;
	message_fill(&message, seq);
	while (!ck_ring_enqueue_mpmc_message(&port->ring->ring, port->ring->message, &message))
		give_way(&looks);
}

BENCH_INLINE uint32_t port_receive(struct port *port, struct tally *tally)
{
	struct message message;

	if (!ck_ring_dequeue_mpsc_message(&port->ring->ring, port->ring->message, &message))
		return 0;
	tally_check(tally, &message);
	return 1;
}

#include "../producers.h"
