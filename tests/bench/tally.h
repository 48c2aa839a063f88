/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * tally.h: what the consumer of several producers' messages counts, and how all of them wait
 *
 * A message's sequence says which producer's it is, and counts them by producer; the rest is as in message.h. So all of
 * every message is read, and what is lost, torn, seen twice or out of order shows.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <sched.h>

#include "bench.h"
#include "message.h"

#define PRODUCERS_MAX  8
#define PRODUCER_SHIFT 56
#define TALLY_PAUSES   16

struct tally {
	uint64_t next[PRODUCERS_MAX]; /* sequence, by producer */
	struct verdict verdict;
};

BENCH_INLINE uint64_t tally_first(uint64_t producer)
{
	return producer << PRODUCER_SHIFT;
}

/* What is expected next is made of what came, not of what was expected: else each message would wait for the one before. */
BENCH_INLINE void tally_check(struct tally *tally, const void *message)
{
	uint64_t sequence = *(const message_word *)message;
	uint64_t *next = &tally->next[(sequence >> PRODUCER_SHIFT) % PRODUCERS_MAX];

	message_check(message, *next, &tally->verdict);
	*next = sequence + 1;
}

/* After a look in vain, as dmp_wait_yield does. */
BENCH_INLINE void give_way(uint32_t *looks)
{
	if (++*looks <= TALLY_PAUSES)
		bench_pause();
	else
		sched_yield();
}

#endif /* BENCH_TALLY_H */
