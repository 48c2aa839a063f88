/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * storm_cast.h: the members of a storm: what each does until it is killed or told to stop
 *
 *   4 producers ---> a ---> b ---> d       audit comes after nobody and is never killed: it sees every position
 *                     \---> c --->/
 */
#ifndef DMP_STORM_CAST_H
#define DMP_STORM_CAST_H

#include <dmp/test_point.h>

#include "storm_log.h"

#define PRODUCERS  4
#define AUDIT	   (SEATS - 1)
#define MOST	   64 /* of a claim */
#define MARGIN	   (4 * SEATS * MOST)
#define EVENT_SIZE 56
#define HAS_FAILED 3 /* exit code: what it came after has died */

static const char *const seat_names[SEATS] = { "p", "p", "p", "p", "a", "b", "c", "d", "audit" };
static const char *const comes_after[SEATS][2] = { [5] = { "a" }, [6] = { "a" }, [7] = { "b", "c" } };
static const uint32_t after_seats[SEATS][2] = { [5] = { 4, 4 }, [6] = { 4, 4 }, [7] = { 5, 6 } };

struct actor {
	struct dmp_ring *ring;
	struct log *log;
	struct dmp_member *member;
	uint64_t seed, slots;
	uint32_t seat, life;
	uint32_t policy; /* a consumer's */
	bool may_fail;	 /* by the policy of those it comes after */
	bool ordered;	 /* no edge is ever cut under a consumer that lives */
	bool slow;	 /* the others wait for it, rather than it for them */
	bool unrecorded; /* a producer that keeps no record of what it claims: see the controls */
	/* Consumer. */
	uint64_t next;	  /* to be given or skipped */
	uint64_t skipped; /* in its place, by those before it too */
};

static struct actor *acting; /* in this process, for the hook */

/* A wait that takes so long is a fault. */
static inline uint64_t stuck_at(void)
{
	return now_ns() + STUCK_NS;
}

static inline bool is_over(const struct actor *a)
{
	return dmp_load_acquire(a->log->stop);
}

static inline void dawdle(struct actor *a, uint32_t most)
{
	if (!stress_below(&a->seed, 8))
		stress_delay(&a->seed, most);
}

/* As dawdle, and now and then long enough for the others to come to a halt. Of any order of magnitude up to 4 ms. */
static inline void linger(struct actor *a)
{
	struct timespec t = { 0 };

	if (stress_below(&a->seed, a->slow ? 4 : 64)) {
		dawdle(a, 12);
		return;
	}
	t.tv_nsec = (long)stress_below(&a->seed, 1ULL << stress_below(&a->seed, 23));
	nanosleep(&t, NULL);
}

static inline const struct dmp_wait_strategy *some_strategy(struct actor *a)
{
	static const struct dmp_wait_strategy *const all[] = { &dmp_wait_yield, &dmp_wait_sleep };
	uint64_t i = stress_below(&a->seed, 8);

	return i < ARRAY_SIZE(all) ? all[i] : &dmp_wait_block; /* who yields takes the time of the others */
}

/* What a wait came to that did not give what it waited for. */
static inline void judge(struct actor *a, int err, uint64_t pos)
{
	if (err == -EPIPE) {
		sched_yield(); /* all producers have been killed at once; the next are on their way */
		return;
	}
	if ((err == -EOWNERDEAD || err == -ESTALE) && a->may_fail)
		_exit(HAS_FAILED);
	fault(a->log, err == -ETIMEDOUT ? STUCK : BROKE_DOWN, pos);
	if (!a->log->quiet)
		print_message("  %s, life %u: %s\n", seat_names[a->seat], a->life, strerror(-err));
	_exit(1);
}

/* ---- producers ---- */

/* The library has stored its record and is about to claim. */
static inline void at_point(enum dmp_test_point point)
{
	struct dmp_own *own = acting->member->own;

	if (point == DMP_POINT_CLAIM_RECORDED) {
		note_try(acting->log, acting->life, own->claim_lo, own->claim_hi);
		if (acting->unrecorded)
			dmp_store_release(own->claim_hi, 0);
	}
	if (point == DMP_POINT_CLAIM_AFTER)
		linger(acting); /* it has it, and cannot say so yet */
	if (point == DMP_POINT_CLAIM_RECORDED || point == DMP_POINT_PUBLISH_STAMPED ||
	    point == DMP_POINT_PUBLISH_CURSOR)
		dawdle(acting, 14);
}

static inline void write_event(struct actor *a, uint64_t *word, uint64_t pos)
{
	word[0] = a->life;
	stress_fill(word + 1, EVENT_SIZE - 8, pos ^ (uint64_t)a->life << 40);
}

/* The two ways to write: the loop stamps as it goes, but for the first. */
static inline void write_events(struct actor *a, uint64_t pos, uint64_t n)
{
	bool loop = stress_below(&a->seed, 2);
	uint64_t *word, i = pos;

	if (loop)
		dmp_for_each_slot(word, a->member, pos, n)
			write_event(a, word, i++);
	for (; i < pos + n; i++)
		write_event(a, dmp_slot(a->member, i), i);
}

static inline void publish_part(struct actor *a, uint64_t pos, uint64_t n)
{
	write_events(a, pos, n);
	linger(a);
	note_written(a->log, pos, n, BEGUN);
	dmp_publish(a->member, pos, n);
	note_written(a->log, pos, n, DONE);
}

static inline void abort_part(struct actor *a, uint64_t pos, uint64_t n)
{
	note_written(a->log, pos, n, ABORTING);
	if (dmp_abort(a->member, pos, n))
		fault(a->log, BROKE_DOWN, pos);
	note_written(a->log, pos, n, ABORTED);
}

static inline void use_part(struct actor *a, uint64_t pos, uint64_t n)
{
	if (stress_below(&a->seed, 12))
		publish_part(a, pos, n);
	else
		abort_part(a, pos, n);
}

static inline int claim(struct actor *a, uint64_t n, uint64_t *pos)
{
	int err = stress_below(&a->seed, 2) ? dmp_try_claim(a->member, n, pos) : -EAGAIN;

	return err == -EAGAIN && stress_below(&a->seed, 8) ? dmp_claim_until(a->member, n, pos, stuck_at()) : err;
}

static inline void produce_some(struct actor *a)
{
	uint64_t n = 1 + stress_below(&a->seed, MOST), part, pos;
	int err = claim(a, n, &pos);

	if (err == -EAGAIN) {
		sched_yield();
		return;
	}
	if (err) {
		judge(a, err, dmp_position(a->member));
		return;
	}
	note_claim(a->log, a->life, pos, n);
	linger(a);
	part = stress_below(&a->seed, 6) ? n : 1 + stress_below(&a->seed, n);
	use_part(a, pos, part);
	if (part < n)
		use_part(a, pos + part, n - part);
}

static inline void produce(struct actor *a)
{
	dmp_test_hook = at_point;
	while (!is_over(a)) {
		if (dmp_load_acquire(a->member->ring->claimed) + MARGIN < POSITIONS)
			produce_some(a);
		else
			stress_pause(); /* the log is full, the round about to end */
	}
}

/* ---- consumers ---- */

/* Whole, from who has claimed it. */
static inline bool is_right(const struct actor *a, uint64_t pos)
{
	const uint64_t *word = dmp_event(a->member, pos);
	uint64_t writer = dmp_load_once(word[0]);

	return writer == dmp_load_acquire(a->log->note[pos].claimer) &&
	       stress_intact(word + 1, EVENT_SIZE - 8, pos ^ writer << 40);
}

/* Between the last release and the batch there are only aborted slots, and the library has counted them. */
static inline void skip_to(struct actor *a, uint64_t pos)
{
	if (pos < a->next)
		fault(a->log, OUT_OF_ORDER, pos);
	for (; a->next < pos; a->next++, a->skipped++)
		note_skipped(a->log, a->next);
	if (dmp_aborted(a->member) != a->skipped)
		fault(a->log, MISCOUNTED, pos);
}

/* What is found too early is not too early any more when it is told: so it is looked at when the events come. */
static inline bool is_early(const struct actor *a, uint64_t end)
{
	const uint32_t *after = after_seats[a->seat];

	for (int i = 0; a->ordered && after[i] && i < 2; i++)
		if (dmp_load_acquire(a->log->settled[after[i]]) && dmp_load_acquire(a->log->upto[after[i]]) < end)
			return true;
	return false;
}

/* Read twice, with a delay between: what is not released must stay. Returns how far it is all right. */
static inline uint64_t read_events(struct actor *a, uint64_t pos, uint64_t end)
{
	uint64_t right[2];

	for (int look = 0; look < 2; look++) {
		for (right[look] = pos; right[look] < end && is_right(a, right[look]); right[look]++)
			;
		linger(a);
	}
	return right[0] < right[1] ? right[0] : right[1];
}

static inline void note_batch(struct actor *a, uint64_t end, uint64_t right, bool early)
{
	if (right < end)
		fault(a->log, DAMAGED, right);
	if (early)
		fault(a->log, BEFORE_ITS_TURN, a->next);
	for (; a->next < end; a->next++)
		note_given(a->log, a->life, a->next);
	dmp_store_release(a->log->life[a->life].released, end);
}

/* Who has been removed may learn it by the release: what it has read is void then, and it may have read anything. */
static inline void take_batch(struct actor *a, const struct dmp_batch *batch)
{
	uint64_t end = batch->end, right;
	bool early;
	int err;

	assert_true(batch->pos < end && end <= POSITIONS);
	skip_to(a, batch->pos);
	if (!stress_below(&a->seed, 8))
		end = batch->pos + 1 + stress_below(&a->seed, end - batch->pos);
	early = is_early(a, end);
	right = read_events(a, batch->pos, end);
	note_releasing(a->log, a->life, end);
	err = dmp_release(a->member, end);
	if (!err)
		note_batch(a, end, right, early);
	else
		judge(a, err, end);
}

/* To want several leaves room for the largest claim all the same. */
static inline int wait_some(struct actor *a, struct dmp_batch *batch)
{
	uint64_t n = a->slots > MOST ? 1 + stress_below(&a->seed, 8) : 1;

	return dmp_wait_until(a->member, n, batch, stuck_at());
}

static inline void consume(struct actor *a)
{
	struct life *l = &a->log->life[a->life];
	struct dmp_batch batch;
	int err;

	a->next = l->start;
	a->skipped = dmp_aborted(a->member);
	for (;;) {
		bool over = is_over(a);

		err = wait_some(a, &batch);
		if (!err)
			take_batch(a, &batch);
		else if (err == -EPIPE && over)
			break;
		else
			judge(a, err, a->next);
	}
	skip_to(a, dmp_position(a->member));
	l->released = a->next;
	l->drained = 1;
}

/* ---- being born ---- */

static inline int try_join(struct actor *a)
{
	const char *const *after = comes_after[a->seat];
	struct dmp_join_options options = {
		.name = seat_names[a->seat],
		.after = after,
		.after_count = !!after[0] + !!after[1],
		.policy = a->seat < PRODUCERS ? 0 : a->policy,
		.hold = a->seat >= PRODUCERS && a->policy == DMP_POLICY_HOLD ? 10 * STUCK_NS : 0,
		.wait = some_strategy(a),
	};

	return dmp_join(a->ring, a->seat < PRODUCERS ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER, &options, &a->member);
}

/* Those it comes after are on their way, too; the one before it is not quite gone; or it failed before it was there. */
static inline bool is_passing(const struct actor *a, int err)
{
	return err == -ENOENT || err == -EEXIST || (err == -ESTALE && a->may_fail);
}

/* A place that is held may have fewer dependencies by now than it had: then that one is not to be had. */
static inline bool join_storm(struct actor *a)
{
	uint64_t end = stuck_at();
	int err;

	while ((err = try_join(a))) {
		if (is_over(a))
			return false;
		if (err == -EINVAL && !a->ordered)
			dmp_evict(a->ring, seat_names[a->seat]);
		else if (now_ns() > end || !is_passing(a, err))
			judge(a, now_ns() > end ? -ETIMEDOUT : err, 0);
		stress_pause();
	}
	return true;
}

static inline int act(void *arg)
{
	struct actor *a = arg;

	acting = a;
	if (!join_storm(a))
		return 0;
	note_joined(a->log, a->life, dmp_position(a->member));
	if (a->seat < PRODUCERS)
		produce(a);
	else
		consume(a);
	dmp_leave(a->member);
	return 0;
}

#endif /* DMP_STORM_CAST_H */
