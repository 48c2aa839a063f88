/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* storm_check.h: whether all that was written down in a storm fits together, once everybody has left */
#ifndef DMP_STORM_CHECK_H
#define DMP_STORM_CHECK_H

#include "storm_log.h"

/* What the ring says in the end, and what has become of the positions. */
struct outcome {
	uint64_t end;			  /* positions below it were claimed */
	uint64_t repaired;		  /* as the ring counts */
	uint64_t given, gave_up, orphans; /* published, aborted by their producer, by the kernel */
	uint64_t unsaid; /* of the orphans: their producer died before it could note that it had them */
	uint64_t either; /* it died while it gave them up: by itself or by the kernel */
	uint64_t read;	 /* events, by all consumers */
};

/* ---- each position ---- */

static inline void check_given(struct log *log, uint64_t pos, struct outcome *o)
{
	const struct note *note = &log->note[pos];

	o->given++;
	if (note->written < BEGUN)
		fault(log, NEVER_BEGUN, pos);
	if (note->written >= ABORTING)
		fault(log, LOST, pos);
	if (note->written == BEGUN && !died_with(log, note->claimer, pos))
		fault(log, UNRESOLVED, pos);
}

static inline void check_skipped(struct log *log, uint64_t pos, struct outcome *o)
{
	const struct note *note = &log->note[pos];

	if (note->written == ABORTED) {
		o->gave_up++;
		return;
	}
	if (note->written == DONE)
		fault(log, LOST, pos);
	if (!is_orphan(log, pos))
		fault(log, REPAIRED_ALIVE, pos);
	if (note->written == ABORTING) {
		o->either++;
		return;
	}
	o->orphans++;
	o->unsaid += note->written == UNNOTED;
}

/* Every position is in one batch, which is there or is not; a batch that its producer had not begun to publish is not. */
static inline void check_batch(struct log *log, uint64_t pos)
{
	const struct note *note = &log->note[pos];

	if (pos && note->first && note->first == note[-1].first && note->seen != note[-1].seen)
		fault(log, BATCH_TORN, pos);
}

static inline void check_positions(struct log *log, struct outcome *o)
{
	for (uint64_t pos = 0; pos < o->end; pos++) {
		check_batch(log, pos);
		if (log->note[pos].seen == GIVEN)
			check_given(log, pos, o);
		else if (log->note[pos].seen == SKIPPED)
			check_skipped(log, pos, o);
		else
			fault(log, NEVER_CAME, pos);
	}
	for (uint64_t pos = o->end; pos < POSITIONS; pos++)
		if (log->note[pos].claimer)
			fault(log, UNRESOLVED, pos);
	if (o->repaired < o->orphans || o->repaired > o->orphans + o->either)
		fault(log, MISREPAIRED, o->repaired);
}

/* ---- each consumer ---- */

/* Exactly once what it has released and what is published; what it died with, once at most. */
static inline void check_life(struct log *log, uint32_t life, struct outcome *o)
{
	const struct life *l = &log->life[life];

	for (uint64_t pos = l->start; pos < o->end; pos++) {
		uint8_t given = log->given[life][pos];

		o->read += given;
		if (pos < l->released && given < (log->note[pos].seen == GIVEN))
			fault(log, NEVER_CAME, pos);
		if (given > 1)
			fault(log, CAME_TWICE, pos);
		if (given && log->note[pos].seen != GIVEN)
			fault(log, SEEN_AND_SKIPPED, pos);
	}
	if (l->drained && l->released != o->end)
		fault(log, NEVER_CAME, l->released);
}

/* From where the one before had got to by its own account, over aborted slots, to where the next one began. */
static inline void check_resumed(struct log *log, const struct life *before, const struct life *next)
{
	if (next->start < before->released)
		fault(log, NOT_RESUMED, next->start);
	for (uint64_t pos = before->released; pos < next->start; pos++)
		if (pos >= before->releasing && log->note[pos].seen != SKIPPED)
			fault(log, NOT_RESUMED, pos);
}

static inline void check_lives(struct log *log, uint32_t first_consumer, bool held, struct outcome *o)
{
	const struct life *last[SEATS] = { NULL };

	for (uint32_t life = 1; life < LIVES; life++) {
		const struct life *l = &log->life[life];

		if (!l->joined || l->seat < first_consumer)
			continue;
		check_life(log, life, o);
		if (held && last[l->seat])
			check_resumed(log, last[l->seat], l);
		last[l->seat] = l;
	}
}

#endif /* DMP_STORM_CHECK_H */
