/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* rte_ring of DPDK, single producer and single consumer, one by one and in bursts (libdpdk-dev); works without EAL. */
#include "../peer.h"

#include <rte_ring_elem.h>

#define BURST_MAX 32

static const struct peer peers[] = {
	{ .name = "rte_ring", .tests = USUAL_TESTS, .slots = { 1024, 65536 }, .publish = { 1 }, .variant = 1 },
	{ .name = "rte_ring_burst",
	  .tests = USUAL_TESTS & STREAM,
	  .slots = { 1024, 65536 },
	  .publish = { 32 },
	  .variant = BURST_MAX },
};

struct message {
	char bytes[SIZE];
};

struct ring {
	uint32_t burst;
	struct rte_ring ring; /* the messages behind it */
};

struct port {
	struct rte_ring *ring;
	uint32_t burst;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	ssize_t bytes = rte_ring_get_memsize_elem(SIZE, slots);
	struct ring *ring;

	bench_check(bytes > 0);
	ring = bench_shared(sizeof(*ring) + (size_t)bytes);
	ring->burst = peer->variant;
	bench_check(!rte_ring_init(&ring->ring, "bench", slots, RING_F_SP_ENQ | RING_F_SC_DEQ));
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->ring = &ring->ring;
	port->burst = ring->burst;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct message message[BURST_MAX];
	uint32_t sent = 0;

	for (uint32_t i = 0; i < n; i++)
		message_fill(&message[i], seq + i);
	if (n == 1)
		while (rte_ring_sp_enqueue_elem(port->ring, message, SIZE))
			bench_pause();
	else
		while ((sent += rte_ring_sp_enqueue_burst_elem(port->ring, &message[sent], SIZE, n - sent, NULL)) < n)
			bench_pause();
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct message message[BURST_MAX];
	uint32_t n = 1;

	if (port->burst > 1)
		n = rte_ring_sc_dequeue_burst_elem(port->ring, message, SIZE, BURST_MAX, NULL);
	else if (rte_ring_sc_dequeue_elem(port->ring, message, SIZE))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		message_check(&message[i], seq + i, verdict);
	return n;
}

#include "../loops.h"
