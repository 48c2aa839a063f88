/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * dmp through its public interface, as a user writes it: events in place; tiny packed events as the array they are, all
 * others by the library's loops
 *
 * BENCH_BACKEND: "dmp:" for the module; shm: unless set. dmp_unchecked.c includes this file.
 */
#include "../peer.h"

#include <dmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PUBLISH
#define PUBLISH dmp_publish
#define RELEASE dmp_release
#endif

#define PACKED	0
#define STAMPED DMP_RING_STAMPED
#define FENCED	DMP_RING_FENCED
#define BLOCK	(1u << 31) /* sleep at once instead of spinning */

#ifndef UNCHECKED
/* What fills lines: 56, 120, ... bytes beside a stamp, 64, 128, ... without. */
#define STAMPED_TESTS (SIZE == 8 || SIZE == 56 ? STREAM | ROUND_TRIP : SIZE == 248 ? STREAM : 0)
#define PACKED_TESTS  (SIZE == 8 || SIZE == 64 ? STREAM | ROUND_TRIP : SIZE == 256 ? STREAM : 0)
#define LINE_TESTS    (SIZE == 56 || SIZE == 64 ? STREAM : 0)
#define TRIP_TESTS    (SIZE == 8 || SIZE == 56 ? ROUND_TRIP : 0)
#define SLOTS               \
	{                   \
		1024, 65536 \
	}

static const struct peer peers[] = {
	{ .name = "dmp_stamped",
	  .tests = STAMPED_TESTS,
	  .slots = SLOTS,
	  .publish = { 1, 8, 32, 256 },
	  .variant = STAMPED },
	{ .name = "dmp_packed",
	  .tests = PACKED_TESTS,
	  .slots = SLOTS,
	  .publish = { 1, 8, 32, 256 },
	  .variant = PACKED },
	{ .name = "dmp_stamped_fenced",
	  .tests = TRIP_TESTS | (LINE_TESTS & -(SIZE == 56)),
	  .slots = SLOTS,
	  .publish = { 1, 32 },
	  .variant = STAMPED | FENCED },
	{ .name = "dmp_packed_fenced",
	  .tests = LINE_TESTS & -(SIZE == 64),
	  .slots = SLOTS,
	  .publish = { 1, 32 },
	  .variant = PACKED | FENCED },
	{ .name = "dmp_block",
	  .tests = SIZE == 8 ? ROUND_TRIP | SAME_CPU : 0,
	  .slots = SLOTS,
	  .variant = STAMPED | BLOCK },
};
#endif

struct ring {
	struct dmp_ring *ring; /* a child inherits it and joins for itself */
	uint32_t variant;
};

struct port {
	struct dmp_member *member;
	uint32_t array; /* tiny packed events */
};

static void must(int err, const char *what)
{
	if (err)
		bench_fail("dmp: %s: %s", what, strerror(-err));
}

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct dmp_ring_options options = { .slots = slots,
					    .event_size = SIZE,
					    .flags = peer->variant & (DMP_RING_STAMPED | DMP_RING_FENCED) };
	const char *backend = getenv("BENCH_BACKEND");
	struct ring *ring = bench_shared(sizeof(*ring));
	static int created;
	char name[64];

	snprintf(name, sizeof(name), "%sbench-%d-%d", backend ? backend : "shm:", getpid(), created++);
	ring->variant = peer->variant;
	must(dmp_ring_create(&ring->ring, name, &options), "create");
	dmp_ring_unlink(name);
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	struct dmp_join_options options = { .name = "receiver",
					    .wait = ring->variant & BLOCK ? &dmp_wait_block : &dmp_wait_spin };

	must(dmp_join(ring->ring, role == SENDER ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER, &options, &port->member),
	     "join");
	port->array = SIZE < 64 && !(ring->variant & STAMPED);
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	struct dmp_member *member = port->member;
	uint64_t pos;
	char *to;

	bench_check(!dmp_claim(member, n, &pos));
	if (port->array) {
		to = dmp_slot(member, pos);
		for (uint32_t i = 0; i < n; i++)
			message_fill(to + i * SIZE, seq + i);
	} else {
		dmp_for_each_slot(to, member, pos, n)
			message_fill(to, seq++);
	}
	PUBLISH(member, pos, n);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct dmp_member *member = port->member;
	struct dmp_batch batch;
	const char *from;
	uint32_t n;

	bench_check(!dmp_wait(member, 1, &batch));
	n = (uint32_t)(batch.end - batch.pos);
	if (port->array) {
		from = dmp_event(member, batch.pos);
		for (uint32_t i = 0; i < n; i++)
			message_check(from + i * SIZE, seq + i, verdict);
	} else {
		dmp_for_each(from, member, &batch)
			message_check(from, seq++, verdict);
	}
	bench_check(!RELEASE(member, batch.end));
	return n;
}

#include "../loops.h"
