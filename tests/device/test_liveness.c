// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_liveness.c: required consumers that are there and do not get on
 *
 * What happens in time happens in the alert hook, within the claim: so nothing here depends on how fast the machine is.
 * The times are short, or too long to pass. tests/unit/test_liveness.c has the same with a clock of its own.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <dmp.h>

#include "helpers.h"

#define SLOTS 64
#define SHORT 1000000ULL /* 1 ms */
#define NAMES 2

/*
 * A full ring: "a", which is required, has released up to read, "x", which is not, nothing. The producer "p" wants room.
 */
struct scene {
	struct dmp_ring *ring;
	struct dmp_member *p, *a, *x;
	int fd;
	struct dmp_liveness liveness;
	uint32_t alerts;
	struct dmp_stall last;
	void (*then)(struct scene *s); /* what the alert does */
};

static const char *const names[NAMES] = { "a", "b" };

static void on_alert(void *arg, const struct dmp_stall *stall)
{
	struct scene *s = arg;

	s->alerts++;
	s->last = *stall;
	if (s->then)
		s->then(s);
}

static struct dmp_member *join_oldest(struct dmp_ring *ring, const char *name)
{
	struct dmp_join_options options = { .name = name, .from = DMP_FROM_OLDEST };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &m), 0);
	return m;
}

static struct dmp_member *join_producer(struct scene *s, const struct dmp_wait_strategy *wait)
{
	struct dmp_join_options options = { .name = "p", .wait = wait, .liveness = &s->liveness };
	struct dmp_member *p = NULL;

	assert_int_equal(dmp_join(s->ring, DMP_ROLE_PRODUCER, &options, &p), 0);
	return p;
}

static void release(struct dmp_member *c, uint64_t end)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), 0);
	assert_int_equal(dmp_release(c, end), 0);
}

/* Whatever is there. */
static void drain(struct dmp_member *c)
{
	struct dmp_batch batch;

	while (!dmp_try_wait(c, 1, &batch))
		assert_int_equal(dmp_release(c, batch.end), 0);
}

static void fill(struct scene *s)
{
	uint64_t pos;

	assert_int_equal(dmp_claim(s->p, SLOTS, &pos), 0);
	dmp_publish(s->p, pos, SLOTS);
}

static struct scene *make_scene(const struct dmp_wait_strategy *wait, uint32_t action, uint64_t grace,
				void (*then)(struct scene *s))
{
	static struct scene scene;
	struct scene *s = &scene;

	scene = (struct scene){ .ring = make_ring(SLOTS, 64, 0), .then = then };
	s->fd = dmp_ring_fd(s->ring);
	s->liveness = (struct dmp_liveness){
		.startup_wait = LONG_NS,
		.progress_timeout = SHORT,
		.check_interval = SHORT,
		.grace = grace,
		.action = action,
		.alert = on_alert,
		.arg = s,
	};
	assert_int_equal(dmp_ring_require(s->ring, getuid(), names, 1), 0);
	s->a = join(s->ring, DMP_ROLE_CONSUMER, "a");
	s->x = join(s->ring, DMP_ROLE_CONSUMER, "x");
	s->p = join_producer(s, wait);
	fill(s);
	return s;
}

static void end_scene(struct scene *s)
{
	dmp_leave(s->a);
	dmp_leave(s->x);
	dmp_leave(s->p);
	dmp_ring_close(s->ring);
}

static int claim(struct scene *s, uint64_t n)
{
	uint64_t pos;

	return dmp_claim(s->p, n, &pos);
}

/* Blocked for so many short claims: at least one check each. */
static void be_blocked(struct scene *s, uint32_t claims)
{
	uint64_t pos;

	for (; claims; claims--)
		assert_int_equal(dmp_claim_until(s->p, 1, &pos, now_ns() + 2 * SHORT), -ETIMEDOUT);
}

static void be_blocked_until_alert(struct scene *s)
{
	while (!s->alerts)
		be_blocked(s, 1);
}

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
		cmocka_unit_test(one_of_the_same_name_clears_a_stall),
		cmocka_unit_test(one_of_another_name_does_not_clear_a_stall),
		cmocka_unit_test(one_that_is_killed_may_be_replaced_within_the_grace),
		cmocka_unit_test(one_that_is_missing_is_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
