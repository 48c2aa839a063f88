/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * dmp with several producers, through its public interface, on a ring in plain memory: see memory_ring.h. dmp_single: a
 * stamped ring for a single producer, beside dmp_multi with one.
 */
#define _GNU_SOURCE
#include "../peer.h"

#include <stdlib.h>

#include "../latency_ring.h"
#include "../memory_ring.h"
#include "../tally.h"

static const struct peer peers[] = {
	{ .name = "dmp_multi",
	  .tests = PRODUCERS | THREE_TO_ONE,
	  .publish = { 1, 8, 32 },
	  .variant = DMP_RING_STAMPED | DMP_RING_MULTI },
	{ .name = "dmp_single", .tests = ONE_PRODUCER, .publish = { 1, 8, 32 }, .variant = DMP_RING_STAMPED },
};

struct ring {
	struct dmp_ring *ring; /* a child inherits it and joins for itself */
};

struct port {
	struct dmp_member *member;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	const struct dmp_ring_options options = { .slots = slots, .event_size = SIZE, .flags = peer->variant };
	struct ring *ring = bench_shared(sizeof(*ring));

	ring_must(dmp_ring_create(&ring->ring, NULL, &options), "create");
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	const struct dmp_join_options options = { .name = role == SENDER ? NULL : "receiver", .wait = &dmp_wait_yield };

	port->member = ring_join(ring->ring, role == SENDER ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER, &options);
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct dmp_member *member = port->member;
	uint64_t pos;
	char *to;

	bench_check(!dmp_claim(member, n, &pos));
	dmp_for_each_slot(to, member, pos, n)
		message_fill(to, seq++);
	dmp_publish(member, pos, n);
}

BENCH_INLINE uint32_t port_receive(struct port *port, struct tally *tally)
{
	struct dmp_member *member = port->member;
	struct dmp_batch batch;
	const char *from;

	bench_check(!dmp_wait(member, 1, &batch));
	dmp_for_each(from, member, &batch)
		tally_check(tally, from);
	bench_check(!dmp_release(member, batch.end));
	return (uint32_t)(batch.end - batch.pos);
}

#include "../producers.h"
