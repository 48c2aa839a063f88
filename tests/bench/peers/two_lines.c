/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* The floor of round trips, with the clock and the loops of everybody else: one line per direction, and no ring. */
#include "../peer.h"

static const struct peer peers[] = {
	{ .name = "two_lines", .tests = ROUND_TRIP },
};

struct ring {
	uint64_t line __attribute__((aligned(128)));
};

struct port {
	uint64_t *line;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	(void)peer, (void)slots;
	return bench_shared(sizeof(struct ring));
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->line = &ring->line;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	(void)n;
	bench_store_release(port->line, seq + 1);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	uint64_t value = bench_load_acquire(port->line);

	verdict->words |= value != seq && value != seq + 1;
	return value == seq + 1;
}

#include "../loops.h"
