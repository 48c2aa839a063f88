/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* lost_wake_lane.h: the lanes of lost_wake.c: who is on which, one wait, and what each does there in a cycle */
#ifndef DMP_LOST_WAKE_LANE_H
#define DMP_LOST_WAKE_LANE_H

#include <poll.h>

#include <dmp/order.h>

#include "stress.h"

#define MOST_LANES  32
#define EVENTS	    16 /* per lane and cycle */
#define RESTS_EVERY 6  /* cycles, and before the second: then all lanes start from quiet */
#define NO_MORE	    UINT64_MAX

enum how { BY_WAIT, BY_POLL, UNDER_SIGNALS, HOWS };

static const char *const how_names[HOWS] = { "WAIT", "ARM and poll", "WAIT under signals" };

enum role { PRODUCER, FIRST, DEPENDANT, SECOND, ROLES };

/* Shared by all. */
struct board {
	uint64_t joined;  /* roles */
	uint64_t resting; /* all but the producer that have come to the end of a cycle, over all */
	uint64_t cycle;	  /* that may run; NO_MORE: that was the last */
	/* The producer's account. */
	uint64_t cycles, switches, sleeps, woken, futile, late, wakes, empty, arms, fences;
};

struct job {
	struct dmp_ring *rings[MOST_LANES];
	struct dmp_member *members[MOST_LANES];
	enum role role;
	enum how how;
	unsigned int cpus;
	int lanes;
	uint64_t goal; /* sleepers woken */
	uint64_t seed;
	struct board *board;
};

static inline bool has_two_producers(int lane)
{
	return lane & 8;
}

static inline bool is_on_lane(enum role role, int lane)
{
	if (role == SECOND)
		return has_two_producers(lane);
	return role != DEPENDANT || lane % 2;
}

/* One slot or two, all kinds. */
static inline struct dmp_ring *make_lane(int lane)
{
	bool two = has_two_producers(lane), stamped = two || lane & 4;
	uint64_t slots = lane & 2 ? 2 : 1;
	uint32_t stride = DMP_PAGE / slots;

	return make_ring(slots, stamped ? stride - 8 : stride,
			 (stamped ? DMP_RING_STAMPED : 0) | (two ? DMP_RING_MULTI : 0));
}

static inline struct dmp_member *join_lane(const struct job *j, int lane)
{
	if (j->role == PRODUCER)
		return stress_join(j->rings[lane], DMP_ROLE_PRODUCER, "producer", &dmp_wait_block);
	if (j->role == SECOND)
		return stress_join(j->rings[lane], DMP_ROLE_PRODUCER, "second", &dmp_wait_block);
	if (j->role == FIRST)
		return stress_join(j->rings[lane], DMP_ROLE_CONSUMER, "first", &dmp_wait_block);
	return stress_after(j->rings[lane], "dependant", "first", NULL, &dmp_wait_block);
}

/* ---- one wait ---- */

static inline int poll_for(struct dmp_member *m)
{
	struct pollfd p = { .fd = dmp_member_fd(m), .events = POLLIN };
	int ret = dmp_arm(m, 1);

	if (ret)
		return ret < 0 ? ret : 0;
	assert_int_equal(poll(&p, 1, LONG_NS / 1000000), 1);
	assert_int_equal(p.revents & POLLIN, POLLIN);
	return 0;
}

static inline int claim(const struct job *j, struct dmp_member *m, uint64_t *pos)
{
	uint64_t deadline = wait_long();
	int ret;

	if (j->how != BY_POLL) {
		do
			ret = dmp_claim_until(m, 1, pos, deadline);
		while (ret == -EINTR);
		return ret;
	}
	while ((ret = dmp_try_claim(m, 1, pos)) == -EAGAIN)
		assert_int_equal(poll_for(m), 0);
	return ret;
}

static inline int wait_for(const struct job *j, struct dmp_member *m, struct dmp_batch *batch)
{
	uint64_t deadline = wait_long();
	int ret;

	if (j->how != BY_POLL) {
		do
			ret = dmp_wait_until(m, 1, batch, deadline);
		while (ret == -EINTR);
		return ret;
	}
	while ((ret = dmp_try_wait(m, 1, batch)) == -EAGAIN)
		assert_int_equal(poll_for(m), 0);
	return ret;
}

/* ---- one lane, one cycle ---- */

static inline void produce(struct job *j, struct dmp_member *m, int events)
{
	while (events--) {
		uint64_t pos;

		assert_int_equal(claim(j, m, &pos), 0);
		*(uint64_t *)dmp_slot(m, pos) = stress_word(pos, 0);
		stress_delay(&j->seed, 12);
		dmp_publish(m, pos, 1);
	}
}

static inline void consume(struct job *j, struct dmp_member *m)
{
	uint64_t next = dmp_position(m), end = next + EVENTS;

	while (next < end) {
		struct dmp_batch batch;

		assert_int_equal(wait_for(j, m, &batch), 0);
		assert_int_equal(batch.pos, next);
		for (; next < batch.end; next++)
			assert_true(*(const uint64_t *)dmp_event(m, next) == stress_word(next, 0));
		stress_delay(&j->seed, 12);
		assert_int_equal(dmp_release(m, next), 0);
	}
}

#endif /* DMP_LOST_WAKE_LANE_H */
