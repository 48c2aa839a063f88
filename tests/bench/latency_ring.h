/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* latency_ring.h: dmp's rings and members, for the benchmarks of latency and of topologies: an error ends the cell */
#ifndef LATENCY_RING_H
#define LATENCY_RING_H

#include <dmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static inline void ring_must(int err, const char *what)
{
	if (err)
		bench_fail("dmp: %s: %s", what, strerror(-err));
}

/* Nameless once it is open: children inherit it and join for themselves. BENCH_BACKEND: "dmp:" for the module. */
static inline struct dmp_ring *ring_of(uint32_t event_size, uint32_t slots, uint32_t flags)
{
	struct dmp_ring_options options = { .slots = slots, .event_size = event_size, .flags = flags };
	const char *backend = getenv("BENCH_BACKEND");
	struct dmp_ring *ring;
	char name[64];

	snprintf(name, sizeof(name), "%sbench-%d", backend ? backend : "shm:", getpid());
	ring_must(dmp_ring_create(&ring, name, &options), "create");
	ring_must(dmp_ring_unlink(name), "unlink");
	return ring;
}

static inline struct dmp_member *ring_join(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options)
{
	struct dmp_member *member;

	ring_must(dmp_join(ring, role, options, &member), "join");
	return member;
}

/* "dmp-spin" and so on, as peers are called. */
static inline const struct dmp_wait_strategy *ring_strategy(const char *peer)
{
	if (!strcmp(peer, "dmp-spin"))
		return &dmp_wait_spin;
	if (!strcmp(peer, "dmp-yield"))
		return &dmp_wait_yield;
	if (!strcmp(peer, "dmp-sleep"))
		return &dmp_wait_sleep;
	if (!strcmp(peer, "dmp-block"))
		return &dmp_wait_block;
	bench_fail("%s is no wait strategy", peer);
}

#endif /* LATENCY_RING_H */
