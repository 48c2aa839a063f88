/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * every_step_cast.h: who plays in every_step.c, and what they note outside of the ring
 *
 * Each member is a process. A producer notes what it is about to publish, and at the very test point from which on it is
 * published, that it is: so it is known of every death what must arrive, to the event. A consumer notes what it has read
 * of whom. Events are numbered by their producer, in the order in which it publishes them.
 */
#ifndef DMP_EVERY_STEP_CAST_H
#define DMP_EVERY_STEP_CAST_H

#include <sys/resource.h>

#include <dmp/order.h>

#include "every_step_points.h"
#include "stress.h"

#define SLOTS	       256
#define MOST	       4    /* events per claim */
#define WRITERS	       8192 /* in the life of a ring */
#define LINGER	       1000 /* milliseconds at most, for a mood */
#define PATIENCE_NS    300000
#define VICTIM_STEPS   6
#define STEPS_TO_LEAVE 5

/* What a producer has published, for the judge. Never the same producer twice. */
struct writer {
	uint64_t begun;	    /* events: published, or about to be */
	uint64_t published; /* for certain, for they can be read */
	uint64_t aborting;  /* slots: aborted, or about to be */
	uint64_t aborted;   /* for certain */
};

struct reader {
	uint64_t start, end;	/* positions: joined at, released up to */
	uint64_t received;	/* events */
	uint64_t aborted;	/* slots skipped */
	uint64_t done;		/* it has read to the end of the stream */
	uint64_t seen[WRITERS]; /* by producer: 1 + the number of the next event; 0: none seen */
};

enum seat_number { FIRST, SECOND, SUBJECT, STEADY, RIVAL, SEATS }; /* the first two are consumers, who see it all */

/* Shared by all. */
struct stage {
	uint64_t mood;
	uint64_t hush;	  /* the steady producers pause */
	uint64_t ending;  /* 1: producers leave; 2: consumers, at the end of the stream */
	uint64_t covered; /* positions that the stopped subject has claimed, or was about to: it alone can tell */
	uint64_t holds;	  /* it holds the others up, once the ring is full, or empty */
	uint64_t writers;
	uint64_t hushed[SEATS];
	uint64_t reached[SIDES][DMP_POINT_COUNT];
	struct writer writer[WRITERS];
	struct reader reader[SUBJECT + 1];
};

struct actor {
	struct stage *stage;
	struct dmp_ring *ring;
	enum kind kind;
	enum side side;
	const char *name, *after;
	enum seat_number seat;
	bool exact;	/* a consumer that joins before any producer */
	bool victim;	/* waits for nothing for long, and kills itself in the end */
	uint32_t point; /* where it ends; DMP_POINT_COUNT: nowhere */
	uint64_t nth;	/* when it passes there for the nth time */
	int signal;
	uint64_t seed;

	/* The actor's own. */
	struct dmp_member *member;
	struct writer *writer;
	struct reader *reader;
	uint64_t id;
	uint64_t rest; /* of its claim, when the first part of it is published */
};

/* ---- at the test points ---- */

static struct actor *on_stage; /* in this process, for the hook */

/* From here on it can be read, whatever becomes of the producer. */
static inline void note_published(const struct actor *a, enum dmp_test_point point)
{
	enum dmp_test_point visible = a->kind == PACKED ? DMP_POINT_PUBLISH_CURSOR : DMP_POINT_PUBLISH_STAMPED;

	if (point == visible)
		store_shared(&a->writer->published, a->writer->begun);
	else if (point == DMP_POINT_ABORT_STAMPED)
		store_shared(&a->writer->aborted, a->writer->aborting);
}

/* It has the record, and its room as of its last look: let others take all that, so that it loses. */
static inline void lose(const struct actor *a)
{
	const struct dmp_member *m = a->member;
	uint64_t n = m->own->claim_hi - m->own->claim_lo;

	while (!dmp_load_acquire(a->stage->ending) &&
	       (int64_t)(m->free - dmp_load_acquire(m->ring->claimed)) >= (int64_t)n)
		sched_yield();
}

static inline uint64_t open_claim(const struct actor *a)
{
	const struct dmp_own *own = a->member && a->side == PRODUCER ? a->member->own : NULL;

	return own && own->claim_hi > own->claim_lo ? own->claim_hi - own->claim_lo : 0;
}

static inline void stop_here(const struct actor *a, enum dmp_test_point point)
{
	bool alone = a->kind != SEVERAL && a->side == PRODUCER;

	store_shared(&a->stage->covered, open_claim(a));
	store_shared(&a->stage->holds, alone || a->rest || steps[point].of[a->side].holds);
}

static inline void pass(enum dmp_test_point point)
{
	struct actor *a = on_stage;

	dmp_count(a->stage->reached[a->side][point], 1);
	if (a->side == PRODUCER)
		note_published(a, point);
	if (point == DMP_POINT_CLAIM_RECORDED && a->point == DMP_POINT_CLAIM_LOST && !a->victim)
		lose(a);
	if (point != a->point || --a->nth)
		return;
	a->point = DMP_POINT_COUNT;
	if (!a->victim)
		stop_here(a, point);
	kill(getpid(), a->signal);
}

/* ---- moods ---- */

/* Until somebody sleeps on this one's sequence: then the next publish or release wakes. */
static inline void linger(const struct actor *a)
{
	const struct timespec ms = { .tv_nsec = 1000000 }; /* those who are waited for need the CPU */
	uint64_t mood = dmp_load_acquire(a->stage->mood);

	for (uint32_t i = 0; i < LINGER && dmp_load_acquire(a->stage->mood) == mood; i++) {
		if (dmp_load_acquire(a->member->line->notify) != DMP_NOBODY)
			break;
		nanosleep(&ms, NULL);
	}
}

static inline void follow_mood(const struct actor *a)
{
	uint64_t mood = dmp_load_acquire(a->stage->mood);

	if (mood == (a->side == PRODUCER ? EMPTY : FULL))
		linger(a);
}

static inline uint64_t patience(const struct actor *a)
{
	return a->victim ? now_ns() + PATIENCE_NS : DMP_FOREVER;
}

/* ---- producers ---- */

static inline uint64_t signed_position(uint64_t pos, uint64_t writer)
{
	return pos ^ writer << 40;
}

static inline void write_event(const struct actor *a, uint64_t *word, uint64_t pos, uint64_t number)
{
	word[0] = a->id;
	word[1] = number;
	stress_fill(word + 2, dmp_event_size(a->member) - 16, signed_position(pos, a->id));
}

/* By the loop, which stamps the slots as it goes, or by position. */
static inline void write_events(struct actor *a, uint64_t pos, uint64_t n, uint64_t number)
{
	uint64_t *event, i = 0;

	if (stress_below(&a->seed, 2)) {
		dmp_for_each_slot(event, a->member, pos, n) {
			write_event(a, event, pos + i, number + i);
			i++;
		}
		return;
	}
	for (; i < n; i++)
		write_event(a, dmp_slot(a->member, pos + i), pos + i, number + i);
}

static inline void publish_some(struct actor *a, uint64_t pos, uint64_t n)
{
	uint64_t number = a->writer->begun;

	store_shared(&a->writer->begun, number + n);
	write_events(a, pos, n, number);
	dmp_publish(a->member, pos, n);
	assert_int_equal(a->writer->published, number + n);
}

/* Now and then with something written already, which nobody must ever see. */
static inline void abort_some(struct actor *a, uint64_t pos, uint64_t n)
{
	store_shared(&a->writer->aborting, a->writer->aborting + n);
	if (stress_below(&a->seed, 2))
		write_events(a, pos, n, UINT64_MAX / 2);
	assert_int_equal(dmp_abort(a->member, pos, n), 0);
}

static inline void produce_some(struct actor *a)
{
	uint64_t n = 1 + stress_below(&a->seed, MOST), first = stress_below(&a->seed, 2 * n), pos;
	int ret;

	ret = dmp_claim_until(a->member, n, &pos, patience(a));
	if (ret == -ETIMEDOUT && a->victim)
		return;
	assert_int_equal(ret, 0);
	if (first > n)
		first = n;
	a->rest = n - first;
	if (first)
		publish_some(a, pos, first);
	a->rest = 0;
	if (first < n)
		abort_some(a, pos + first, n - first);
	stress_delay(&a->seed, 8);
}

static inline void keep_silence(const struct actor *a)
{
	store_shared(&a->stage->hushed[a->seat], 1);
	while (dmp_load_acquire(a->stage->hush) && !dmp_load_acquire(a->stage->ending))
		stress_pause();
	store_shared(&a->stage->hushed[a->seat], 0);
}

/* ---- consumers ---- */

static inline void check_event(const struct actor *a, uint64_t pos)
{
	const uint64_t *word = dmp_event(a->member, pos);
	uint64_t id = word[0], number = word[1], *seen = &a->reader->seen[id % WRITERS];

	assert_true(id < dmp_load_acquire(a->stage->writers));
	assert_true(stress_intact(word + 2, dmp_event_size(a->member) - 16, signed_position(pos, id)));
	assert_true(number < dmp_load_acquire(a->stage->writer[id].begun));
	if (*seen || a->exact)
		assert_int_equal(number, *seen ? *seen - 1 : 0);
	*seen = number + 2;
}

/* True at the end of the stream. */
static inline bool consume_some(struct actor *a)
{
	struct dmp_batch batch;
	int ret;

	ret = dmp_wait_until(a->member, 1, &batch, patience(a));
	if (ret == -EPIPE || (ret == -ETIMEDOUT && a->victim)) {
		stress_pause(); /* the next producer may not be there yet */
		return ret == -EPIPE;
	}
	assert_int_equal(ret, 0);
	for (uint64_t pos = batch.pos; pos < batch.end; pos++)
		check_event(a, pos);
	stress_delay(&a->seed, 8);
	store_shared(&a->reader->received, a->reader->received + batch.end - batch.pos);
	assert_int_equal(dmp_release(a->member, batch.end), 0);
	return false;
}

/* ---- playing ---- */

/* False: it is time to leave. */
static inline bool play_once(struct actor *a)
{
	uint64_t ending = dmp_load_acquire(a->stage->ending);

	follow_mood(a);
	if (a->side == CONSUMER) {
		bool ended = consume_some(a);

		store_shared(&a->reader->done, ended && ending == 2);
		return !a->reader->done;
	}
	if (ending)
		return false;
	if (a->seat != SUBJECT && dmp_load_acquire(a->stage->hush))
		keep_silence(a);
	else
		produce_some(a);
	return true;
}

static inline void enter(struct actor *a)
{
	struct dmp_join_options options = {
		.name = a->name,
		.after = &a->after,
		.after_count = a->after ? 1 : 0,
		.wait = &dmp_wait_block,
	};
	uint32_t role = a->side == PRODUCER ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER;

	on_stage = a;
	dmp_test_hook = pass;
	assert_int_equal(dmp_join(a->ring, role, &options, &a->member), 0);
	if (a->side == CONSUMER)
		a->reader->start = dmp_position(a->member);
}

static inline int act(void *arg)
{
	struct actor *a = arg;
	uint64_t last = UINT64_MAX;

	if (a->seat != SUBJECT)
		assert_int_equal(setpriority(PRIO_PROCESS, 0, 19),
				 0); /* those who come and die do not queue behind them */
	if (a->victim)
		last = VICTIM_STEPS;
	else if (is_leaving(a->point))
		last = STEPS_TO_LEAVE;
	enter(a);
	for (uint64_t i = 0; i < last && play_once(a); i++)
		;
	if (a->victim && !is_leaving(a->point))
		kill(getpid(), SIGKILL);
	if (a->side == CONSUMER) {
		a->reader->end = dmp_position(a->member);
		a->reader->aborted = dmp_aborted(a->member);
	}
	dmp_leave(a->member);
	return 0;
}

#endif /* DMP_EVERY_STEP_CAST_H */
