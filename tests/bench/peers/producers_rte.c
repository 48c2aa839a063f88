/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * rte_ring of DPDK, several producers, single consumer, in bulk (libdpdk-dev): as it is by default, and in the two ways
 * meant for more producers than CPUs (rts: relaxed tail; hts: one enqueues at a time)
 */
#include "../peer.h"

#include <rte_ring_elem.h>

#include "../tally.h"

#define BULK_MAX 32

static const struct peer peers[] = {
	{ .name = "rte_ring_mp", .tests = PRODUCERS | THREE_TO_ONE, .publish = { 1, 8, 32 }, .variant = 0 },
	{ .name = "rte_ring_mp_rts", .tests = PRODUCERS, .publish = { 1, 32 }, .variant = RING_F_MP_RTS_ENQ },
	{ .name = "rte_ring_mp_hts", .tests = PRODUCERS, .publish = { 1, 32 }, .variant = RING_F_MP_HTS_ENQ },
};

struct message {
	char bytes[SIZE];
};

struct ring {
	struct rte_ring *ring; /* the messages behind it */
};

struct port {
	struct rte_ring *ring;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	ssize_t bytes = rte_ring_get_memsize_elem(SIZE, slots);
	struct ring *ring = bench_shared(sizeof(*ring));

	bench_check(bytes > 0);
	ring->ring = bench_shared((size_t)bytes);
	bench_check(!rte_ring_init(ring->ring, "bench", slots, peer->variant | RING_F_SC_DEQ));
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = ring->ring;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct message message[BULK_MAX];
	uint32_t looks = 0;

	for (uint32_t i = 0; i < n; i++)
		message_fill(&message[i], seq + i);
	while (!rte_ring_enqueue_bulk_elem(port->ring, message, SIZE, n, NULL))
		give_way(&looks);
}

BENCH_INLINE uint32_t port_receive(struct port *port, struct tally *tally)
{
	struct message message[BULK_MAX];
	uint32_t n = rte_ring_sc_dequeue_burst_elem(port->ring, message, SIZE, BULK_MAX, NULL);

	for (uint32_t i = 0; i < n; i++)
		tally_check(tally, &message[i]);
	return n;
}

#include "../producers.h"
