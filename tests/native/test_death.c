// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_death.c: processes that die in the middle of a change of membership, of a publish, of a wake, in shared memory */
#include <dmp/test_point.h>

#include "native.h"

#define N	  NATIVE_SLOTS
#define MANY	  1000 /* more than any change has steps */
#define COMPLETES 0

static struct {
	enum dmp_test_point point;
	uint64_t passes; /* until it dies there */
} doom;

static void die_at_point(enum dmp_test_point point)
{
	if (point == doom.point && doom.passes && !--doom.passes)
		kill(getpid(), SIGKILL);
}

/* ---- a change of membership, killed at every step ---- */

struct scene {
	struct dmp_ring *ring;
	struct dmp_member *watch; /* a consumer that stays, and sees to it that its gate does */
	uint32_t flags;
	void (*prepare)(struct scene *s); /* in the child, before it is doomed */
	void (*act)(struct scene *s);
	struct dmp_member *m;
	uint64_t step;
	uint32_t role;
};

static void join_one(struct scene *s)
{
	s->m = join(s->ring, s->role, "doomed");
}

static void leave_one(struct scene *s)
{
	dmp_leave(s->m);
}

static void nothing(struct scene *s)
{
	(void)s;
}

/* Whoever asks sees to the dead: two, one of them a producer whose last batch is stamped and its cursor is not. */
static int join_and_die(void *arg)
{
	join(arg, DMP_ROLE_CONSUMER, "dead");
	kill(getpid(), SIGKILL);
	return 0;
}

static int publish_and_die(void *arg)
{
	doom.point = DMP_POINT_PUBLISH_STAMPED;
	doom.passes = 1;
	dmp_test_hook = die_at_point;
	try_publish(join(arg, DMP_ROLE_PRODUCER, "dead"), 3);
	return 0;
}

static void leave_two_dead(struct scene *s)
{
	assert_int_equal(run_child(join_and_die, s->ring), 128 + SIGKILL);
	assert_int_equal(run_child(publish_and_die, s->ring), 128 + SIGKILL);
}

static void ask(struct scene *s)
{
	info_of(s->ring);
}

static int act_until_step(void *arg)
{
	struct scene *s = arg;

	s->prepare(s);
	doom.point = DMP_POINT_MEMBERSHIP;
	doom.passes = s->step;
	dmp_test_hook = die_at_point;
	s->act(s);
	dmp_test_hook = NULL;
	return COMPLETES;
}

/* The ring works, and nobody is there but who is. */
static void check_ring(struct scene *s)
{
	uint64_t next = info_of(s->ring).cursor;
	struct dmp_member *p, *c;

	assert_int_equal(info_of(s->ring).joined, 1);
	assert_int_equal(info_of(s->ring).producers, 0);
	consume(s->watch);
	assert_int_equal(dmp_position(s->watch), next);
	p = join(s->ring, DMP_ROLE_PRODUCER, "p");
	c = join(s->ring, DMP_ROLE_CONSUMER, "doomed");
	assert_int_equal(info_of(s->ring).ended, DMP_END_OPEN);
	publish(p, N);
	assert_int_equal(consume(c), N);
	assert_int_equal(try_publish(p, 1), -EAGAIN); /* watch gates, and nobody else */
	assert_int_equal(consume(s->watch), N);
	publish(p, N);
	assert_int_equal(consume(c), N);
	assert_int_equal(consume(s->watch), N);
	dmp_leave(c);
	dmp_leave(p);
	assert_int_equal(info_of(s->ring).joined, 1);
}

static void die_at_every_step(struct scene *s)
{
	struct address a = new_shm("step");
	int code = 128 + SIGKILL;

	s->ring = create_ring(&a, s->flags);
	s->watch = join(s->ring, DMP_ROLE_CONSUMER, "watch");
	for (s->step = 1; code; s->step++) {
		assert_in_range(s->step, 1, MANY);
		code = run_child(act_until_step, s);
		assert_true(code == COMPLETES || code == 128 + SIGKILL);
		check_ring(s);
	}
	assert_in_range(s->step, 5, MANY);
	dmp_leave(s->watch);
	dmp_ring_close(s->ring);
}

static void each_role(struct scene s)
{
	for (s.role = DMP_ROLE_PRODUCER; s.role <= DMP_ROLE_OBSERVER; s.role++)
		die_at_every_step(&s);
}

static void a_death_at_any_step_of_a_join_leaves_no_trace(void **state)
{
	(void)state;
	each_role((struct scene){ .prepare = nothing, .act = join_one });
}

static void a_death_at_any_step_of_a_leave_leaves_no_trace(void **state)
{
	(void)state;
	each_role((struct scene){ .prepare = join_one, .act = leave_one });
}

static void a_death_while_burying_the_dead_leaves_no_trace(void **state)
{
	struct scene s = { .prepare = leave_two_dead, .act = ask, .flags = DMP_RING_STAMPED };

	(void)state;
	die_at_every_step(&s);
}

/* ---- in the middle of a publish ---- */

struct doomed {
	struct dmp_ring *ring;
	enum dmp_test_point point;
	uint64_t n;
};

static int publish_in_two(void *arg)
{
	const struct doomed *d = arg;
	struct dmp_member *p = join(d->ring, DMP_ROLE_PRODUCER, "p");

	assert_int_equal(try_publish(p, 4), 0);
	doom.point = d->point;
	doom.passes = 1;
	dmp_test_hook = die_at_point;
	try_publish(p, d->n);
	return 1;
}

/* How many events there are after a death at the point, and that they are whole. */
static void expect_events(uint32_t flags, enum dmp_test_point point, uint64_t expected)
{
	struct address a = new_shm("publish");
	struct doomed d = { create_ring(&a, flags), point, 5 };
	struct dmp_member *c = join(d.ring, DMP_ROLE_CONSUMER, "c"), *p;
	struct dmp_batch batch;

	assert_int_equal(run_child(publish_in_two, &d), 128 + SIGKILL);
	assert_int_equal(consume_up_to(c, expected), 0);
	assert_int_equal(dmp_wait_until(c, 1, &batch, wait_long()), -EPIPE);
	assert_int_equal(dmp_ended(c), DMP_END_CRASHED);
	assert_int_equal(info_of(d.ring).cursor, expected);
	p = join(d.ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(dmp_position(p), expected); /* what could be read is not overwritten */
	publish(p, 1);
	assert_int_equal(consume(c), 1);
	dmp_leave(p);
	dmp_leave(c);
	dmp_ring_close(d.ring);
}

static void what_could_be_read_stays_and_what_could_not_is_gone(void **state)
{
	(void)state;
	expect_events(0, DMP_POINT_CLAIM_AFTER, 4);
	expect_events(0, DMP_POINT_PUBLISH_STAMPED, 4);
	expect_events(0, DMP_POINT_PUBLISH_CURSOR, 9);
	expect_events(DMP_RING_STAMPED, DMP_POINT_SLOT_WRITING, 4);
	expect_events(DMP_RING_STAMPED, DMP_POINT_PUBLISH_STAMPED, 9);
	expect_events(DMP_RING_STAMPED, DMP_POINT_PUBLISH_CURSOR, 9);
}

/* ---- in the middle of a wake ---- */

static int wait_and_count(void *arg)
{
	const struct doomed *d = arg;
	struct dmp_member *c = stress_join(d->ring, DMP_ROLE_CONSUMER, "sleeper", &dmp_wait_block);
	struct dmp_batch batch;
	int err = dmp_wait_until(c, 1, &batch, wait_long());

	if (!err && batch.end != 1)
		err = -ERANGE;
	if (!err)
		err = dmp_release(c, 1);
	if (!err)
		err = dmp_wait_until(c, 1, &batch, wait_long());
	return -err;
}

static int publish_to_the_sleeper(void *arg)
{
	const struct doomed *d = arg;
	struct dmp_member *p = join(d->ring, DMP_ROLE_PRODUCER, "p");

	await_sleeper(d->ring, "sleeper");
	assert_true(stress_until(dmp_load_once(p->line->notify) == 1));
	doom.point = d->point;
	doom.passes = 1;
	dmp_test_hook = die_at_point;
	try_publish(p, 1);
	return 1;
}

static void who_sleeps_is_not_left_behind_by_a_waker_that_dies(void **state)
{
	static const enum dmp_test_point points[] = { DMP_POINT_PUBLISH_CURSOR, DMP_POINT_WAKE_BEFORE,
						      DMP_POINT_WAKE_TAKEN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct address a = new_shm("waker");
		struct doomed d = { create_ring(&a, 0), points[i], 1 };
		pid_t sleeper = start_child(wait_and_count, &d);

		assert_int_equal(run_child(publish_to_the_sleeper, &d), 128 + SIGKILL);
		assert_int_equal(finish_child(sleeper), EPIPE);
		dmp_ring_close(d.ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_at_any_step_of_a_join_leaves_no_trace),
		cmocka_unit_test(a_death_at_any_step_of_a_leave_leaves_no_trace),
		cmocka_unit_test(a_death_while_burying_the_dead_leaves_no_trace),
		cmocka_unit_test(what_could_be_read_stays_and_what_could_not_is_gone),
		cmocka_unit_test(who_sleeps_is_not_left_behind_by_a_waker_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
