// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_liveness.c: when a required consumer stalls, on a clock of the test's own */
#include "fake.h"

#include "liveness.h"

#define SLOTS	 64
#define TIMEOUT	 100
#define GRACE	 50
#define INTERVAL 10000

/* ---- judging one ---- */

static const struct dmp_liveness options = { .progress_timeout = TIMEOUT, .grace = GRACE };

static enum dmp_verdict_ judge(struct dmp_watched_ *w, uint64_t incarnation, uint64_t position, bool behind,
			       uint64_t now)
{
	const struct dmp_sight_ seen = {
		.there = true, .behind = behind, .incarnation = incarnation, .position = position
	};

	return dmp_judge_(w, &seen, now, &options);
}

static enum dmp_verdict_ judge_missing(struct dmp_watched_ *w, uint64_t now)
{
	const struct dmp_sight_ seen = { .there = false };

	return dmp_judge_(w, &seen, now, &options);
}

static void a_stall_takes_the_timeout_and_then_the_grace(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	assert_int_equal(judge(&w, 1, 5, true, 1000), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT - 1), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT), DMP_ALERT_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT), DMP_STALLED_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT + GRACE - 1), DMP_STALLED_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT + GRACE), DMP_OVERDUE_);
	assert_int_equal(judge(&w, 1, 5, true, 2000 + TIMEOUT + GRACE), DMP_OVERDUE_);
}

/* Looked at late, it is alerted first, and has its grace. */
static void the_grace_begins_with_the_alert(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	assert_int_equal(judge(&w, 1, 5, true, 1000), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 5, true, 9000), DMP_ALERT_);
	assert_int_equal(judge(&w, 1, 5, true, 9000 + GRACE - 1), DMP_STALLED_);
	assert_int_equal(judge(&w, 1, 5, true, 9000 + GRACE), DMP_OVERDUE_);
}

static void a_position_that_goes_to_and_fro_is_no_progress(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	assert_int_equal(judge(&w, 1, 5, true, 1000), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 4, true, 1000 + TIMEOUT - 1), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 5, true, 1000 + TIMEOUT), DMP_ALERT_);
	assert_int_equal(judge(&w, 1, 3, true, 1000 + TIMEOUT + GRACE), DMP_OVERDUE_);
}

static void progress_begins_it_anew(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	judge(&w, 1, 5, true, 0);
	assert_int_equal(judge(&w, 1, 6, true, TIMEOUT), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 6, true, 2 * TIMEOUT - 1), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 6, true, 2 * TIMEOUT), DMP_ALERT_);
	assert_int_equal(judge(&w, 1, 7, true, 2 * TIMEOUT + GRACE), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 7, true, 3 * TIMEOUT + GRACE), DMP_ALERT_);
}

static void to_have_caught_up_is_no_stall(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	judge(&w, 1, 5, false, 0);
	assert_int_equal(judge(&w, 1, 5, false, 10 * TIMEOUT), DMP_ALIVE_);
	assert_int_equal(judge(&w, 1, 5, true, 11 * TIMEOUT - 1), DMP_ALIVE_); /* since it was last seen so */
	assert_int_equal(judge(&w, 1, 5, true, 11 * TIMEOUT), DMP_ALERT_);
}

static void another_incarnation_is_progress(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	judge(&w, 1, 5, true, 0);
	assert_int_equal(judge(&w, 1, 5, true, TIMEOUT), DMP_ALERT_);
	assert_int_equal(judge(&w, 3, 5, true, TIMEOUT + GRACE), DMP_ALIVE_);
	assert_int_equal(judge(&w, 3, 5, true, 2 * TIMEOUT + GRACE), DMP_ALERT_);
}

static void a_place_that_is_held_stands_where_it_was(void **state)
{
	struct dmp_sight_ held = { .there = true, .held = true, .behind = true, .incarnation = 2, .position = 5 };
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	judge(&w, 1, 5, true, 0);
	assert_int_equal(dmp_judge_(&w, &held, TIMEOUT, &options), DMP_ALERT_);
	assert_int_equal(dmp_judge_(&w, &held, TIMEOUT + GRACE, &options), DMP_OVERDUE_);
	assert_int_equal(judge(&w, 3, 5, true, TIMEOUT + GRACE), DMP_ALIVE_); /* who goes on there has come */
	held.position = 6; /* its last release came before its death */
	assert_int_equal(dmp_judge_(&w, &held, 2 * TIMEOUT + GRACE, &options), DMP_ALIVE_);
}

static void one_that_is_missing_stands_where_it_was(void **state)
{
	struct dmp_watched_ w = { .since = 0 }, never = { .since = 7 };

	(void)state;
	judge(&w, 1, 5, true, 0);
	assert_int_equal(judge_missing(&w, TIMEOUT - 1), DMP_ALIVE_);
	assert_int_equal(judge_missing(&w, TIMEOUT), DMP_ALERT_);
	assert_int_equal(w.position, 5);
	assert_int_equal(judge_missing(&w, TIMEOUT + GRACE), DMP_OVERDUE_);
	assert_int_equal(judge(&w, 3, 0, true, TIMEOUT + GRACE + 1), DMP_ALIVE_);
	assert_int_equal(judge_missing(&never, 7 + TIMEOUT - 1), DMP_ALIVE_);
	assert_int_equal(judge_missing(&never, 7 + TIMEOUT), DMP_ALERT_);
}

static void one_that_was_evicted_is_let_be_until_it_is_back(void **state)
{
	struct dmp_watched_ w = { .since = 0 };

	(void)state;
	judge(&w, 1, 5, true, 0);
	w.evicted = true;
	assert_int_equal(judge_missing(&w, 10 * TIMEOUT), DMP_ALIVE_);
	assert_int_equal(judge(&w, 3, 0, true, 10 * TIMEOUT), DMP_ALIVE_);
	assert_int_equal(judge_missing(&w, 11 * TIMEOUT), DMP_ALERT_);
}

/* ---- waiting: a full ring, whose one consumer is required ---- */

static struct dmp_member *p, *c;
static struct dmp_ops_ ops;
static uint32_t checks, told, alerts;
static uint64_t slept; /* where WAIT should have slept until */

static int read_required(struct dmp_member *m, struct dmp_required_info *infos, uint32_t count)
{
	(void)m;
	assert_true(count >= 1);
	checks++;
	infos[0] = (struct dmp_required_info){
		.name = "c",
		.there = 1,
		.index = c->index,
		.incarnation = c->incarnation,
		.cursor = fake_own(c->index)->cursor,
	};
	return 1;
}

static int tell(struct dmp_member *m, struct dmp_stalled *args)
{
	(void)m;
	assert_int_equal(args->index, c->index);
	told++;
	return 1;
}

static void on_alert(void *arg, const struct dmp_stall *stall)
{
	(void)arg;
	assert_string_equal(stall->name, "c");
	alerts++;
}

/* Nothing happens until the deadline. */
static int sleep_through(void)
{
	slept = fake.wait.deadline;
	assert_true(slept != DMP_FOREVER);
	if (fake.now < slept)
		fake.now = slept;
	return -ETIMEDOUT;
}

static void make_ring_full(const struct dmp_wait_strategy *wait, uint64_t timeout, uint64_t grace)
{
	const struct dmp_liveness liveness = {
		.startup_wait = 1,
		.progress_timeout = timeout,
		.check_interval = INTERVAL,
		.grace = grace,
		.alert = on_alert,
	};
	const struct dmp_join_options join = { .name = "p", .wait = wait, .liveness = &liveness };

	fake_create(SLOTS, 56, DMP_RING_STAMPED);
	p = fake_member(DMP_ROLE_PRODUCER, &join);
	c = fake_consumer("c", NULL);
	ops = *p->ops;
	ops.read_required = read_required;
	ops.stalled = tell;
	p->ops = &ops;
	fake.meta->required = 1;
	fake.on_wait = sleep_through;
	checks = told = alerts = 0;
	fake_publish(p, SLOTS);
}

static int teardown(void **state)
{
	(void)state;
	if (c)
		dmp_leave(c);
	if (p)
		dmp_leave(p);
	p = c = NULL;
	fake_destroy();
	return 0;
}

static int claim_for(uint64_t time)
{
	uint64_t pos;

	return dmp_claim_until(p, 1, &pos, fake.now + time);
}

static void who_sleeps_wakes_for_each_check(void **state)
{
	uint64_t begin;

	(void)state;
	make_ring_full(&dmp_wait_block, 1000 * INTERVAL, 0);
	begin = fake.now;
	assert_int_equal(claim_for(10 * INTERVAL + INTERVAL / 2), -ETIMEDOUT);
	assert_int_equal(checks, 10);
	assert_int_equal(slept, begin + 10 * INTERVAL + INTERVAL / 2); /* and for the claim's own deadline */
	assert_int_equal(alerts, 0);
}

static void who_spins_checks_as_seldom_and_looks_at_the_clock_seldom(void **state)
{
	(void)state;
	make_ring_full(&dmp_wait_spin, 1000 * INTERVAL, 0);
	assert_int_equal(claim_for(10 * INTERVAL + INTERVAL / 2), -ETIMEDOUT); /* each look at the clock takes 1 */
	assert_int_equal(checks, 10);
	assert_int_equal(fake.waits, 0);
}

static void a_stalled_consumer_is_told_of_and_then_fails_the_claim(void **state)
{
	uint64_t pos, begin;

	(void)state;
	make_ring_full(&dmp_wait_block, 5 * INTERVAL, 3 * INTERVAL);
	begin = fake.now;
	assert_int_equal(dmp_claim(p, 1, &pos), -EHOSTDOWN);
	assert_int_equal(alerts, 1);
	assert_int_equal(told, 1);
	/* It was first seen at the first check. */
	assert_in_range(fake.now, begin + 9 * INTERVAL, begin + 10 * INTERVAL);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EHOSTDOWN);
}

static void time_between_claims_does_not_count(void **state)
{
	int i;

	(void)state;
	make_ring_full(&dmp_wait_block, 50 * INTERVAL, 0);
	for (i = 0; i < 20; i++) {
		assert_int_equal(claim_for(2 * INTERVAL), -ETIMEDOUT);
		fake.now += 1000 * INTERVAL;
	}
	assert_int_equal(alerts, 0);
	assert_true(checks >= 39);
}

static void claims_shorter_than_the_interval_add_up(void **state)
{
	int i, err = -ETIMEDOUT;

	(void)state;
	make_ring_full(&dmp_wait_block, 5 * INTERVAL, 0);
	for (i = 0; i < 200 && err == -ETIMEDOUT; i++)
		err = claim_for(INTERVAL / 10);
	assert_int_equal(err, -EHOSTDOWN);
	assert_int_equal(alerts, 1);
	assert_in_range(i, 50, 70);
}

static void room_is_found_without_a_look_at_the_clock(void **state)
{
	uint32_t reads;

	(void)state;
	make_ring_full(&dmp_wait_block, INTERVAL, 0);
	expect_batch(c, SLOTS, 0, SLOTS);
	assert_int_equal(dmp_release(c, 8), 0);
	fake_publish(p, 8);
	assert_int_equal(claim_for(0), -ETIMEDOUT);
	assert_int_equal(dmp_release(c, 16), 0);
	reads = fake.clock_reads;
	assert_int_equal(claim_for(1000), 0);
	assert_int_equal(fake.clock_reads, reads);
	assert_int_equal(checks, 0);
}

static int interrupt(void)
{
	assert_int_equal(fake.wait.deadline, DMP_FOREVER);
	return -EINTR;
}

static void nothing_of_it_is_done_where_nobody_is_required(void **state)
{
	uint32_t reads;
	uint64_t pos;

	(void)state;
	make_ring_full(&dmp_wait_block, 1, 0);
	fake.meta->required = 0;
	fake.on_wait = interrupt;
	reads = fake.clock_reads;
	assert_int_equal(dmp_claim(p, 1, &pos), -EINTR);
	assert_int_equal(fake.clock_reads, reads);
	assert_int_equal(checks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_takes_the_timeout_and_then_the_grace),
		cmocka_unit_test(the_grace_begins_with_the_alert),
		cmocka_unit_test(a_position_that_goes_to_and_fro_is_no_progress),
		cmocka_unit_test(progress_begins_it_anew),
		cmocka_unit_test(to_have_caught_up_is_no_stall),
		cmocka_unit_test(another_incarnation_is_progress),
		cmocka_unit_test(a_place_that_is_held_stands_where_it_was),
		cmocka_unit_test(one_that_is_missing_stands_where_it_was),
		cmocka_unit_test(one_that_was_evicted_is_let_be_until_it_is_back),
		cmocka_unit_test_teardown(who_sleeps_wakes_for_each_check, teardown),
		cmocka_unit_test_teardown(who_spins_checks_as_seldom_and_looks_at_the_clock_seldom, teardown),
		cmocka_unit_test_teardown(a_stalled_consumer_is_told_of_and_then_fails_the_claim, teardown),
		cmocka_unit_test_teardown(time_between_claims_does_not_count, teardown),
		cmocka_unit_test_teardown(claims_shorter_than_the_interval_add_up, teardown),
		cmocka_unit_test_teardown(room_is_found_without_a_look_at_the_clock, teardown),
		cmocka_unit_test_teardown(nothing_of_it_is_done_where_nobody_is_required, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
