// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_liveness.c: required consumers that are there and do not get on: who is told, when, and what follows */
#include <time.h>

#include "liveness.h"

static const struct dmp_wait_strategy *const strategies[] = { &dmp_wait_block, &dmp_wait_sleep, &dmp_wait_yield,
							      &dmp_wait_spin };

/* ---- the alert ---- */

static void a_stall_alerts_once_with_who_and_where(void **state)
{
	struct dmp_stall stall;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct scene *s = make_scene(strategies[i], DMP_STALL_WAIT, LONG_NS, NULL);

		release(s->a, 7);
		assert_int_equal(dmp_last_stall(s->p, &stall), -ENOENT);
		be_blocked_until_alert(s);
		be_blocked(s, 30);
		assert_int_equal(s->alerts, 1);
		assert_int_equal(ring_info(s->fd).stalls, 1);
		assert_string_equal(s->last.name, "a");
		assert_int_equal(s->last.position, 7);
		assert_true(s->last.stalled_for >= SHORT);
		assert_int_equal(dmp_last_stall(s->p, &stall), 0);
		assert_memory_equal(&stall, &s->last, sizeof(stall));
		end_scene(s);
	}
}

static void release_one(struct scene *s)
{
	release(s->a, s->alerts);
	release(s->x, s->alerts);
}

/* It releases one event at each alert: each time it is a new stall, and never one for too long. */
static void progress_within_the_grace_clears_a_stall(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, release_one);

	(void)state;
	assert_int_equal(claim(s, 8), 0);
	assert_int_equal(s->alerts, 8);
	assert_int_equal(s->last.position, 7);
	assert_int_equal(ring_info(s->fd).stalls, 8);
	end_scene(s);
}

static void one_that_has_caught_up_is_not_stalled(void **state)
{
	struct scene *s = make_scene(NULL, DMP_STALL_FAIL, 0, NULL);

	(void)state;
	drain(s->a);
	be_blocked(s, 30); /* by "x", which nobody requires */
	assert_int_equal(s->alerts, 0);
	assert_int_equal(ring_info(s->fd).stalls, 0);
	end_scene(s);
}

/* "b" reads after "x" and cannot get on; "a", which could, is told of. */
static void one_that_waits_for_another_is_not_stalled(void **state)
{
	static const char *const after[] = { "x" };
	struct scene *s = make_scene(NULL, DMP_STALL_WAIT, LONG_NS, NULL);
	struct dmp_member *b;

	(void)state;
	drain(s->a);
	drain(s->x);
	b = join_after(s->ring, "b", after, 1);
	assert_int_equal(dmp_ring_require(s->ring, getuid(), names, 2), 0);
	fill(s);
	be_blocked_until_alert(s);
	be_blocked(s, 30);
	assert_int_equal(s->alerts, 1);
	assert_string_equal(s->last.name, "a");
	drain(s->x);
	be_blocked(s, 30);
	assert_int_equal(s->alerts, 2);
	assert_string_equal(s->last.name, "b");
	dmp_leave(b);
	end_scene(s);
}

static void an_idle_ring_never_alerts(void **state)
{
	const struct timespec idle = { .tv_nsec = 20 * SHORT };
	struct scene *s = make_scene(NULL, DMP_STALL_FAIL, 0, NULL);
	uint64_t pos;

	(void)state;
	drain(s->x);
	release(s->a, 8);
	assert_int_equal(claim(s, 1), 0); /* and read it no further */
	nanosleep(&idle, NULL);
	assert_int_equal(claim(s, 7), 0);
	nanosleep(&idle, NULL);
	assert_int_equal(dmp_try_claim(s->p, 1, &pos), -EAGAIN); /* nor does one that does not wait */
	assert_int_equal(s->alerts, 0);
	assert_int_equal(ring_info(s->fd).stalls, 0);
	end_scene(s);
}

static void a_ring_that_requires_nobody_is_not_watched(void **state)
{
	struct scene *s = make_scene(NULL, DMP_STALL_FAIL, 0, NULL);

	(void)state;
	assert_int_equal(dmp_ring_require(s->ring, getuid(), NULL, 0), 0);
	be_blocked(s, 30);
	assert_int_equal(s->alerts, 0);
	end_scene(s);
}

/* ---- the action ---- */

static void a_stall_beyond_the_grace_fails_the_claim(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct scene *s = make_scene(strategies[i], DMP_STALL_FAIL, 5 * SHORT, NULL);
		struct dmp_stall stall;

		assert_int_equal(claim(s, 1), -EHOSTDOWN);
		assert_int_equal(s->alerts, 1);
		assert_int_equal(dmp_last_stall(s->p, &stall), 0);
		assert_string_equal(stall.name, "a");
		assert_true(stall.stalled_for >= s->last.stalled_for + 5 * SHORT);
		end_scene(s);
	}
}

static void without_grace_it_alerts_and_fails_at_once(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 0, NULL);
	struct dmp_stall stall;

	(void)state;
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	assert_int_equal(s->alerts, 1);
	assert_int_equal(dmp_last_stall(s->p, &stall), 0);
	assert_int_equal(stall.stalled_for, s->last.stalled_for);
	end_scene(s);
}

/* Whatever room there is, and whoever comes; what was published can still be read. */
static void a_failure_is_remembered(void **state)
{
	struct scene *s = make_scene(NULL, DMP_STALL_FAIL, 0, NULL);
	struct dmp_batch batch;
	uint64_t pos;

	(void)state;
	drain(s->x);
	release(s->a, 3);
	assert_int_equal(claim(s, 8), -EHOSTDOWN);
	assert_int_equal(claim(s, 1), -EHOSTDOWN); /* of the three that were free */
	assert_int_equal(dmp_try_claim(s->p, 1, &pos), -EHOSTDOWN);
	dmp_leave(s->a);
	s->a = join(s->ring, DMP_ROLE_CONSUMER, "a");
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	assert_int_equal(dmp_claim_until(s->p, 1, &pos, 0), -EHOSTDOWN);
	assert_int_equal(claim(s, 0), -EINVAL);
	assert_int_equal(dmp_try_wait(s->a, 1, &batch), -EAGAIN);
	dmp_leave(s->p);
	s->p = join_producer(s, NULL); /* of that member */
	assert_int_equal(claim(s, 1), 0);
	assert_int_equal(s->alerts, 1);
	end_scene(s);
}

static void the_backlog_of_a_failed_producer_can_be_drained(void **state)
{
	struct scene *s = make_scene(NULL, DMP_STALL_FAIL, 0, NULL);

	(void)state;
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	dmp_leave(s->a);
	s->a = join_oldest(s->ring, "a");
	assert_int_equal(dmp_position(s->a), 0);
	drain(s->a);
	assert_int_equal(dmp_position(s->a), SLOTS);
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	end_scene(s);
}

/* ---- several producers ---- */

static void each_of_several_producers_alerts_and_the_kernel_counts_once(void **state)
{
	struct scene s = { .ring = make_ring(SLOTS, 56, DMP_RING_STAMPED | DMP_RING_MULTI) };
	struct dmp_member *other;
	uint64_t pos, i;

	(void)state;
	s.fd = dmp_ring_fd(s.ring);
	s.liveness = dmp_liveness_default;
	s.liveness.progress_timeout = s.liveness.check_interval = s.liveness.grace = SHORT;
	s.liveness.alert = on_alert;
	s.liveness.arg = &s;
	assert_int_equal(dmp_ring_require(s.ring, getuid(), names, 1), 0);
	s.p = join_producer(&s, &dmp_wait_block);
	other = join_producer(&s, &dmp_wait_yield);
	assert_int_equal(dmp_try_claim(s.p, 1, &pos), -EUNATCH);
	assert_int_equal(dmp_try_claim(other, 1, &pos), -EUNATCH);
	s.a = join(s.ring, DMP_ROLE_CONSUMER, "a");
	for (i = 0; i < SLOTS; i++) {
		struct dmp_member *p = i % 2 ? s.p : other;

		assert_int_equal(dmp_claim(p, 1, &pos), 0);
		dmp_slot(p, pos);
		dmp_publish(p, pos, 1);
	}
	assert_int_equal(claim(&s, 1), -EHOSTDOWN);
	assert_int_equal(dmp_claim(other, 1, &pos), -EHOSTDOWN);
	assert_int_equal(s.alerts, 2);
	assert_int_equal(s.last.position, 0);
	assert_int_equal(ring_info(s.fd).stalls, 1);
	drain(s.a);
	assert_int_equal(dmp_try_claim(s.p, 1, &pos), -EHOSTDOWN);
	assert_int_equal(dmp_position(s.a), SLOTS);
	dmp_leave(other);
	dmp_leave(s.p);
	dmp_leave(s.a);
	dmp_ring_close(s.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_alerts_once_with_who_and_where),
		cmocka_unit_test(progress_within_the_grace_clears_a_stall),
		cmocka_unit_test(one_that_has_caught_up_is_not_stalled),
		cmocka_unit_test(one_that_waits_for_another_is_not_stalled),
		cmocka_unit_test(an_idle_ring_never_alerts),
		cmocka_unit_test(a_ring_that_requires_nobody_is_not_watched),
		cmocka_unit_test(a_stall_beyond_the_grace_fails_the_claim),
		cmocka_unit_test(without_grace_it_alerts_and_fails_at_once),
		cmocka_unit_test(a_failure_is_remembered),
		cmocka_unit_test(the_backlog_of_a_failed_producer_can_be_drained),
		cmocka_unit_test(each_of_several_producers_alerts_and_the_kernel_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
