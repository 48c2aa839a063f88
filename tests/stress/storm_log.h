/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * storm_log.h: what happened to each position, written down outside of the ring by those who did it and who saw it
 *
 *   producer                                      consumer, for each position that it is given or that is skipped
 *     tries     before each compare-and-swap        what it saw, for all consumers alike
 *     claimed   when the claim has returned         how often this life of it saw the position
 *     begun     before publish                      releasing, released: around each release
 *     done      after it                          director
 *     aborting, aborted: around an abort            doomed: before it sends SIGKILL
 *
 * A process may die between any two of these: each is noted so that both sides of the gap are right. Whatever cannot be
 * is a fault: counted, not asserted, so that a test can show that the fault is found when it is there.
 */
#ifndef DMP_STORM_LOG_H
#define DMP_STORM_LOG_H

#include "stress.h"

#define POSITIONS (1 << 17) /* of one round */
#define LIVES	  512	    /* of one round; 0 is nobody */
#define SEATS	  9
#define STUCK_NS  (12 * LONG_NS) /* far beyond any honest delay */

enum fault {
	REPAIRED_ALIVE,
	CLAIMED_TWICE,
	NOT_AS_TRIED,
	NEVER_BEGUN,
	LOST,
	NEVER_CAME,
	CAME_TWICE,
	OUT_OF_ORDER,
	BEFORE_ITS_TURN,
	DAMAGED,
	SEEN_AND_SKIPPED,
	BATCH_TORN,
	NOT_RESUMED,
	MISCOUNTED,
	MISREPAIRED,
	WOKEN_IN_VAIN,
	LOST_WAKE,
	UNRESOLVED,
	STUCK,
	BROKE_DOWN,
	FAULTS
};

static const char *const fault_names[FAULTS] = {
	"aborted by the kernel while its producer lived",
	"claimed by two producers",
	"claimed is not what was recorded",
	"seen, and nobody has published it",
	"published or given up, and the ring says otherwise",
	"released or skipped over, and was never given",
	"given twice to one consumer",
	"given out of order",
	"given before those it comes after have released it",
	"not what its producer wrote, or overwritten before it was released",
	"given to one consumer and skipped by another",
	"part of a batch is there and part is aborted",
	"the next consumer in a held place did not go on where the last one was",
	"the consumer's count of aborted positions is not what was skipped",
	"the ring's count of repaired positions is not what the dead have left",
	"woken, and what was waited for was not there",
	"it was there, and who waited for it slept until the deadline",
	"neither published nor aborted in the end",
	"stuck: nothing has moved for two minutes",
	"an error or an end that nobody expected",
};

/* note.written, in this order */
enum { UNNOTED, CLAIMED, BEGUN, DONE, ABORTING, ABORTED };
/* note.seen */
enum { UNSEEN, GIVEN, SKIPPED };

struct note {
	uint32_t claimer; /* a life */
	uint32_t written;
	uint32_t first; /* of the batch, plus 1 */
	uint32_t seen;
};

/* One process in one seat. */
struct life {
	uint64_t doomed;
	uint64_t seat;
	uint64_t joined, start;
	/* Producer: its last try, which is its last claim if it got it. */
	uint64_t try_lo, try_hi;
	/* Consumer. */
	uint64_t releasing, released;
	uint64_t drained; /* it has seen the end of the stream */
};

struct log {
	struct note note[POSITIONS];
	struct life life[LIVES];
	uint8_t given[LIVES][POSITIONS]; /* how often; touched only where it was */
	uint64_t upto[SEATS];		 /* the most that a life in the seat has begun to release, or where one began */
	uint64_t settled[SEATS];	 /* the life in the seat now has noted where it began */
	uint64_t faults[FAULTS];
	uint64_t quiet; /* faults are expected: do not print them */
	uint64_t stop;
};

static inline void fault(struct log *log, enum fault f, uint64_t pos)
{
	if (dmp_raise(log->faults[f], 1) <= 3 && !log->quiet)
		print_message("  position %" PRIu64 ": %s\n", pos, fault_names[f]);
}

static inline uint64_t count_faults(const struct log *log)
{
	uint64_t sum = 0;

	for (int f = 0; f < FAULTS; f++)
		sum += dmp_load_acquire(log->faults[f]);
	return sum;
}

/* ---- the producers' ---- */

static inline void note_try(struct log *log, uint32_t life, uint64_t lo, uint64_t hi)
{
	dmp_store_release(log->life[life].try_lo, lo);
	dmp_store_release(log->life[life].try_hi, hi);
}

static inline void note_claim(struct log *log, uint32_t life, uint64_t pos, uint64_t n)
{
	struct note *note = &log->note[pos];

	assert_true(pos + n <= POSITIONS);
	if (log->life[life].try_lo != pos || log->life[life].try_hi != pos + n)
		fault(log, NOT_AS_TRIED, pos);
	for (uint64_t i = 0; i < n; i++) {
		if (dmp_exchange(note[i].claimer, life))
			fault(log, CLAIMED_TWICE, pos + i);
		dmp_store_release(note[i].written, CLAIMED);
	}
}

static inline void note_written(struct log *log, uint64_t pos, uint64_t n, uint32_t what)
{
	for (uint64_t i = pos; i < pos + n; i++) {
		dmp_store_release(log->note[i].first, pos + 1);
		dmp_store_release(log->note[i].written, what);
	}
}

/* ---- the consumers' ---- */

/* A dead producer's last try had it: of all that it did, this alone can have been left open. */
static inline bool died_with(const struct log *log, uint32_t life, uint64_t pos)
{
	const struct life *l = &log->life[life];

	return dmp_load_acquire(l->doomed) && l->try_lo <= pos && pos < l->try_hi;
}

/* Whether the kernel may have aborted it. Who claimed and died before it could say so may be any of those who tried. */
static inline bool is_orphan(const struct log *log, uint64_t pos)
{
	uint32_t claimer = dmp_load_acquire(log->note[pos].claimer);

	if (claimer)
		return died_with(log, claimer, pos);
	for (uint32_t life = 1; life < LIVES; life++)
		if (died_with(log, life, pos))
			return true;
	return false;
}

static inline void note_seen(struct log *log, uint64_t pos, uint32_t what)
{
	uint32_t before = dmp_exchange(log->note[pos].seen, what);

	if (before && before != what)
		fault(log, SEEN_AND_SKIPPED, pos);
}

static inline void note_skipped(struct log *log, uint64_t pos)
{
	note_seen(log, pos, SKIPPED);
	if (dmp_load_acquire(log->note[pos].written) < ABORTING && !is_orphan(log, pos))
		fault(log, REPAIRED_ALIVE, pos);
}

static inline void note_given(struct log *log, uint32_t life, uint64_t pos)
{
	uint32_t written = dmp_load_acquire(log->note[pos].written);

	note_seen(log, pos, GIVEN);
	if (written < BEGUN)
		fault(log, NEVER_BEGUN, pos);
	if (log->given[life][pos]++)
		fault(log, CAME_TWICE, pos);
}

static inline void note_upto(struct log *log, uint64_t seat, uint64_t end)
{
	if (log->upto[seat] < end)
		dmp_store_release(log->upto[seat], end);
}

static inline void note_releasing(struct log *log, uint32_t life, uint64_t end)
{
	dmp_store_release(log->life[life].releasing, end);
	note_upto(log, log->life[life].seat, end);
}

static inline void note_joined(struct log *log, uint32_t life, uint64_t start)
{
	struct life *l = &log->life[life];

	l->start = l->releasing = l->released = start;
	note_upto(log, l->seat, start);
	dmp_store_release(log->settled[l->seat], 1);
	dmp_store_release(l->joined, 1);
}

#endif /* DMP_STORM_LOG_H */
