// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_recovery.c: what ends a stall: one of the same name, none of another, eviction; deaths, and places that are held */
#include "liveness.h"

/* ---- who clears it ---- */

/* Once with another of its name, which does not get on either: a stall of its own. Then there is room. */
static void rejoin_then_make_room(struct scene *s)
{
	if (s->alerts == 1) {
		dmp_leave(s->a);
		s->a = join_oldest(s->ring, "a");
		return;
	}
	drain(s->a);
	drain(s->x);
}

static void one_of_the_same_name_clears_a_stall(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, rejoin_then_make_room);

	(void)state;
	assert_int_equal(claim(s, 1), 0);
	assert_int_equal(s->alerts, 2);
	assert_int_equal(ring_info(s->fd).stalls, 2); /* the same position, another incarnation */
	end_scene(s);
}

static struct dmp_member *stranger;

static void let_another_join(struct scene *s)
{
	stranger = join(s->ring, DMP_ROLE_CONSUMER, "another");
}

static void one_of_another_name_does_not_clear_a_stall(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, let_another_join);

	(void)state;
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	assert_int_equal(s->alerts, 1);
	dmp_leave(stranger);
	end_scene(s);
}

static int consume_as_a(void *arg)
{
	struct scene *s = arg;

	join_oldest(s->ring, "a");
	pause();
	return 0;
}

static bool is_there(void *arg)
{
	struct scene *s = arg;

	return !dmp_missing(s->p, NULL, 0);
}

static bool is_missing(void *arg)
{
	return !is_there(arg);
}

static pid_t start_a(struct scene *s)
{
	pid_t pid = start_child(consume_as_a, s);

	await(is_there, s, "a consumer that joins");
	return pid;
}

static pid_t victim;

/* Killed while it is waited for: missing then, which is a stall as well, until another process comes by its name. */
static void kill_then_rejoin_then_make_room(struct scene *s)
{
	if (s->alerts == 1) {
		kill_child(victim);
		await(is_missing, s, "a consumer that has died");
		victim = start_a(s);
		return;
	}
	kill_child(victim);
	drain(s->x);
}

static void one_that_is_killed_may_be_replaced_within_the_grace(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, kill_then_rejoin_then_make_room);

	(void)state;
	dmp_leave(s->a);
	s->a = NULL;
	victim = start_a(s);
	assert_int_equal(claim(s, 1), 0);
	assert_int_equal(s->alerts, 2);
	end_scene(s);
}

static void one_that_is_missing_is_stalled(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 0, NULL);

	(void)state;
	release(s->a, 5);
	dmp_leave(s->a);
	s->a = NULL;
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	assert_string_equal(s->last.name, "a");
	assert_int_equal(ring_info(s->fd).stalls, 0); /* it gates nobody */
	end_scene(s);
}

/* ---- eviction ---- */

static void an_evicted_consumer_makes_room_and_learns_it(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_EVICT, 1, NULL);
	struct dmp_batch batch;

	(void)state;
	drain(s->x);
	assert_int_equal(dmp_try_wait(s->a, 1, &batch), 0);
	assert_int_equal(claim(s, SLOTS), 0);
	assert_int_equal(s->alerts, 1);
	assert_int_equal(ring_info(s->fd).evicted, 1);
	assert_int_equal(ring_info(s->fd).stalls, 1);
	assert_int_equal(dmp_release(s->a, batch.end), -ESTALE);
	end_scene(s);
}

/* Another holds the ring up; the one that was evicted is not told of, until it is back and stalls again. */
static void an_evicted_consumer_is_let_be_until_it_is_back(void **state)
{
	struct scene *s = make_scene(NULL, DMP_STALL_EVICT, 1, NULL);

	(void)state;
	while (!ring_info(s->fd).evicted)
		be_blocked(s, 1);
	be_blocked(s, 30);
	assert_int_equal(s->alerts, 1);
	dmp_leave(s->a);
	s->a = join_oldest(s->ring, "a");
	while (ring_info(s->fd).evicted != 2)
		be_blocked(s, 1);
	assert_int_equal(s->alerts, 2);
	end_scene(s);
}

/* ---- held places ---- */

static int consume_as_a_and_be_held(void *arg)
{
	const struct dmp_join_options options = {
		.name = "a", .from = DMP_FROM_OLDEST, .policy = DMP_POLICY_HOLD, .hold = 100 * LONG_NS
	};
	struct scene *s = arg;
	struct dmp_member *a;

	assert_int_equal(dmp_join(s->ring, DMP_ROLE_CONSUMER, &options, &a), 0);
	pause();
	return 0;
}

static bool is_held(void *arg)
{
	struct scene *s = arg;

	return ring_info(s->fd).held == 1;
}

/* "a" is a process whose place is held when it dies; the one that the scene began with has gone. */
static void replace_by_one_to_be_held(struct scene *s)
{
	dmp_leave(s->a);
	s->a = NULL;
	victim = start_child(consume_as_a_and_be_held, s);
	await(is_there, s, "a consumer that joins");
}

static void kill_to_be_held(struct scene *s)
{
	if (s->alerts != 1)
		return;
	kill_child(victim);
	await(is_held, s, "a place that is held");
	assert_int_equal(dmp_missing(s->p, NULL, 0), 0); /* it counts as there */
}

static void to_die_is_not_to_get_on(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, kill_to_be_held);

	(void)state;
	replace_by_one_to_be_held(s);
	assert_int_equal(claim(s, 1), -EHOSTDOWN);
	assert_int_equal(s->alerts, 1);
	end_scene(s);
}

static void a_held_place_can_be_evicted(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_EVICT, 1, kill_to_be_held);

	(void)state;
	replace_by_one_to_be_held(s);
	drain(s->x);
	assert_int_equal(claim(s, 1), 0);
	assert_int_equal(s->alerts, 1);
	assert_int_equal(ring_info(s->fd).evicted, 1);
	assert_int_equal(ring_info(s->fd).held, 0);
	end_scene(s);
}

static struct dmp_member *resume(struct scene *s)
{
	const struct dmp_join_options options = { .name = "a" };
	struct dmp_member *m = NULL;
	int err;

	do {
		err = dmp_join(s->ring, DMP_ROLE_CONSUMER, &options, &m);
	} while (err == -EEXIST); /* the dead one's file is not closed yet */
	assert_int_equal(err, 0);
	return m;
}

static void kill_then_resume_then_make_room(struct scene *s)
{
	if (s->alerts == 1) {
		kill_to_be_held(s);
		s->a = resume(s);
		assert_int_equal(dmp_position(s->a), 0);
		return;
	}
	drain(s->a);
	drain(s->x);
}

static void one_that_goes_on_in_a_held_place_clears_a_stall(void **state)
{
	struct scene *s = make_scene(&dmp_wait_block, DMP_STALL_FAIL, 1, kill_then_resume_then_make_room);

	(void)state;
	replace_by_one_to_be_held(s);
	assert_int_equal(claim(s, 1), 0);
	assert_int_equal(s->alerts, 2);
	end_scene(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_the_same_name_clears_a_stall),
		cmocka_unit_test(one_of_another_name_does_not_clear_a_stall),
		cmocka_unit_test(one_that_is_killed_may_be_replaced_within_the_grace),
		cmocka_unit_test(one_that_is_missing_is_stalled),
		cmocka_unit_test(an_evicted_consumer_makes_room_and_learns_it),
		cmocka_unit_test(an_evicted_consumer_is_let_be_until_it_is_back),
		cmocka_unit_test(to_die_is_not_to_get_on),
		cmocka_unit_test(a_held_place_can_be_evicted),
		cmocka_unit_test(one_that_goes_on_in_a_held_place_clears_a_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
