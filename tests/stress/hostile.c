/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * hostile: members that write whatever they can, wherever they may, and call the kernel at random meanwhile
 *
 *   a hostile consumer   scribbles over its own pages            the others see nothing but a slow consumer
 *   a hostile producer   scribbles over cursor, claimed, stamps  the others read rubbish, but stay in the mapping
 *
 * Work is counted in operations, so that it does not hang on the machine. Every call's result is one that the ABI header
 * names. The kernel's own view (KASAN, lockdep, its log) is judged by whoever runs the test.
 */
#define _GNU_SOURCE
#include "stress.h"

#include "../raw.h"
#include "hostile_calls.h"

/* ---- a hostile consumer ---- */

struct attack {
	struct dmp_ring *ring;
	uint32_t event_size;
	uint64_t operations, seed;
	uint64_t *ready, *stop; /* shared */
	struct raw *own;	/* a hostile member's */
	uint32_t role;
};

/* Backwards, far ahead, near, random: what a cursor may not be. */
static uint64_t bad_position(uint64_t *seed, uint64_t near)
{
	switch (stress_below(seed, 6)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - stress_below(seed, 2);
	case 2:
		return near + stress_below(seed, 4 * SLOTS);
	case 3:
		return near - stress_below(seed, 4 * SLOTS);
	case 4:
		return 1ULL << stress_below(seed, 64);
	default:
		return stress_random(seed);
	}
}
