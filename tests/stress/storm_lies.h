/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * storm_lies.h: logs of a storm in which one thing is wrong
 *
 *   position    0  1   2  3     4           5  6
 *   producer    alive  doomed   gave it up  died while it published them
 *   the ring    given  aborted  aborted     given
 */
#ifndef DMP_STORM_LIES_H
#define DMP_STORM_LIES_H

#include "storm_check.h"

enum { ALIVE = 1, DOOMED, GIVES_UP, DIES_LATE, READER, NEXT_READER };

#define TOLD	    7 /* positions */
#define FIRST_READS 4 /* the first reader dies there, with 5 and 6 to come */
#define A_PRODUCER  0 /* seats */
#define A_CONSUMER  4

/* Positions lo .. hi - 1: what became of them, by the producer's word and by the consumers'. */
static inline void tell(struct log *log, uint32_t life, uint64_t lo, uint64_t hi, uint32_t written, uint32_t seen)
{
	log->life[life] = (struct life){ .seat = A_PRODUCER, .joined = 1, .try_lo = lo, .try_hi = hi };
	for (uint64_t pos = lo; pos < hi; pos++)
		log->note[pos] = (struct note){
			.claimer = life,
			.written = written,
			.first = written == CLAIMED ? 0 : (uint32_t)lo + 1,
			.seen = seen,
		};
}

static inline void tell_read(struct log *log, uint32_t life, uint64_t start, uint64_t end, uint64_t drained)
{
	log->life[life] = (struct life){
		.seat = A_CONSUMER,
		.joined = 1,
		.start = start,
		.releasing = end,
		.released = end,
		.drained = drained,
	};
	for (uint64_t pos = start; pos < end; pos++)
		log->given[life][pos] = log->note[pos].seen == GIVEN;
}

static inline void tell_truth(struct log *log)
{
	tell(log, ALIVE, 0, 2, DONE, GIVEN);
	tell(log, DOOMED, 2, 4, CLAIMED, SKIPPED);
	tell(log, GIVES_UP, 4, 5, ABORTED, SKIPPED);
	tell(log, DIES_LATE, 5, 7, BEGUN, GIVEN);
	log->life[DOOMED].doomed = log->life[DIES_LATE].doomed = 1;
	tell_read(log, READER, 0, FIRST_READS, 0);
	tell_read(log, NEXT_READER, FIRST_READS, TOLD, 1);
}

/* ---- one thing is wrong ---- */

static inline void it_lived(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[DOOMED].doomed = 0;
}

static inline void it_had_others(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[DOOMED].try_lo = 3;
}

static inline void nobody_who_died_had_it(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[2].claimer = log->note[3].claimer = 0;
	log->life[DOOMED].doomed = 0;
}

static inline void a_published_one_was_skipped(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[0].seen = log->note[1].seen = SKIPPED;
}

static inline void half_a_batch_was_skipped(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[6].seen = SKIPPED;
}

static inline void one_given_up_was_given(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[4].seen = GIVEN;
}

static inline void one_unwritten_was_given(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[2].seen = GIVEN;
}

static inline void one_is_still_open(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[DIES_LATE].doomed = 0;
}

static inline void nobody_saw_it(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[3].seen = UNSEEN;
}

static inline void one_reader_missed_it(struct log *log, struct outcome *o)
{
	(void)o;
	log->given[READER][1] = 0;
}

static inline void one_reader_had_it_twice(struct log *log, struct outcome *o)
{
	(void)o;
	log->given[NEXT_READER][5] = 2;
}

static inline void one_reader_had_what_others_skipped(struct log *log, struct outcome *o)
{
	(void)o;
	log->given[READER][2] = 1;
}

static inline void the_end_was_not_read(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[NEXT_READER].released = TOLD - 1;
}

static inline void the_next_began_late(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[NEXT_READER].start = TOLD - 1;
}

static inline void the_next_began_early(struct log *log, struct outcome *o)
{
	(void)o;
	log->life[NEXT_READER].start = FIRST_READS - 1;
}

static inline void claimed_beyond_the_end(struct log *log, struct outcome *o)
{
	(void)o;
	log->note[TOLD].claimer = ALIVE;
}

static inline void repairs_counted_twice(struct log *log, struct outcome *o)
{
	(void)log;
	o->repaired *= 2;
}

static inline void a_repair_not_counted(struct log *log, struct outcome *o)
{
	(void)log;
	o->repaired--;
}

struct lie {
	void (*tell)(struct log *log, struct outcome *o);
	const char *name;
	enum fault fault;
};

#define LIE(what, fault)           \
	{                          \
		what, #what, fault \
	}

static const struct lie lies[] = {
	LIE(it_lived, REPAIRED_ALIVE),
	LIE(it_had_others, REPAIRED_ALIVE),
	LIE(nobody_who_died_had_it, REPAIRED_ALIVE),
	LIE(a_published_one_was_skipped, LOST),
	LIE(half_a_batch_was_skipped, BATCH_TORN),
	LIE(one_given_up_was_given, LOST),
	LIE(one_unwritten_was_given, NEVER_BEGUN),
	LIE(one_is_still_open, UNRESOLVED),
	LIE(nobody_saw_it, NEVER_CAME),
	LIE(one_reader_missed_it, NEVER_CAME),
	LIE(one_reader_had_it_twice, CAME_TWICE),
	LIE(one_reader_had_what_others_skipped, SEEN_AND_SKIPPED),
	LIE(the_end_was_not_read, NEVER_CAME),
	LIE(the_next_began_late, NOT_RESUMED),
	LIE(the_next_began_early, NOT_RESUMED),
	LIE(claimed_beyond_the_end, UNRESOLVED),
	LIE(repairs_counted_twice, MISREPAIRED),
	LIE(a_repair_not_counted, MISREPAIRED),
};

/* Which are found, as bits. */
static inline uint32_t faults_after(const struct lie *lie)
{
	struct log *log = shared_memory(sizeof(*log));
	struct outcome o = { .end = TOLD, .repaired = 2 };
	uint32_t found = 0;

	log->quiet = 1;
	tell_truth(log);
	if (lie)
		lie->tell(log, &o);
	check_positions(log, &o);
	check_lives(log, A_CONSUMER, true, &o);
	for (int f = 0; f < FAULTS; f++)
		found |= (log->faults[f] > 0) << f;
	free_shared_memory(log, sizeof(*log));
	return found;
}

#endif /* DMP_STORM_LIES_H */
