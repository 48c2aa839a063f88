// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_strategy.c: how members wait: spin, pause, yield, sleep, deadlines, signals */
#include "fake.h"

static struct dmp_member *p, *c;

static int setup(void **state)
{
	(void)state;
	fake_create(64, 56, DMP_RING_STAMPED);
	p = fake_producer();
	c = fake_consumer("c", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	p = c = NULL;
	fake_destroy();
	return 0;
}

static int publish_one(void)
{
	fake_publish(p, 1);
	return 0;
}

static int wait_until(uint64_t n, uint64_t deadline)
{
	struct dmp_batch b;

	return dmp_wait_until(c, n, &b, deadline);
}

static void each_step_has_its_budget(void **state)
{
	const struct dmp_wait_strategy strategy = { .spins = 3, .pauses = 5, .yields = 7, .sleep = true };

	(void)state;
	c->wait = strategy;
	fake.on_wait = publish_one;
	assert_int_equal(wait_until(1, DMP_FOREVER), 0);
	assert_int_equal(fake.yields, 7);
	assert_int_equal(fake.waits, 1);
	assert_int_equal(fake.wait.target, 1);
}

static void blocking_sleeps_at_once(void **state)
{
	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = publish_one;
	assert_int_equal(wait_until(2, DMP_FOREVER), 0);
	assert_int_equal(fake.waits, 2); /* the first came too early */
	assert_int_equal(fake.wait.target, 2);
	assert_int_equal(fake.yields, 0);
}

static void the_default_sleeps_and_never_yields(void **state)
{
	const struct dmp_join_options named = { .name = "d" };
	struct dmp_member *d = fake_member(DMP_ROLE_CONSUMER, &named);
	struct dmp_batch b;

	(void)state;
	fake.on_wait = publish_one;
	assert_int_equal(dmp_wait(d, 1, &b), 0);
	assert_int_equal(fake.waits, 1);
	assert_int_equal(fake.yields, 0);
	dmp_leave(d);
}

static void without_sleep_the_last_step_goes_on(void **state)
{
	(void)state;
	c->wait = dmp_wait_yield;
	assert_int_equal(wait_until(1, 1000), -ETIMEDOUT);
	assert_int_equal(fake.waits, 0);
	assert_true(fake.yields > 900); /* the clock is read, and moves, once per yield */
	fake.yields = 0;
	c->wait = dmp_wait_spin;
	assert_int_equal(wait_until(1, 2000), -ETIMEDOUT);
	c->wait = (struct dmp_wait_strategy){ .spins = 1 };
	assert_int_equal(wait_until(1, 3000), -ETIMEDOUT);
	c->wait = (struct dmp_wait_strategy){ 0 };
	assert_int_equal(wait_until(1, 4000), -ETIMEDOUT);
	assert_int_equal(fake.yields, 0);
	assert_int_equal(fake.waits, 0);
}

static void what_is_there_needs_no_clock_and_no_call(void **state)
{
	uint64_t pos, i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		fake_publish(p, 8);
		assert_int_equal(wait_until(8, 0), 0); /* nor does a deadline that has passed matter */
		assert_int_equal(dmp_release(c, c->pos + 8), 0);
		assert_int_equal(dmp_claim_until(p, 1, &pos, 0), 0);
		dmp_publish(p, pos, 1);
		assert_int_equal(wait_until(1, DMP_FOREVER), 0);
		assert_int_equal(dmp_release(c, c->pos + 1), 0);
	}
	assert_int_equal(fake.clock_reads, 0);
	assert_int_equal(fake.waits + fake.wakes + fake.yields, 0);
}

static void a_deadline_is_the_kernels_while_asleep(void **state)
{
	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = publish_one;
	assert_int_equal(wait_until(1, 123456), 0);
	assert_int_equal(fake.wait.deadline, 123456);
	assert_int_equal(fake.clock_reads, 0);
}

static int answer;

static int give_answer(void)
{
	return answer;
}

static void what_the_kernel_says_of_a_sleep_is_passed_on(void **state)
{
	static const int answers[] = { -EINTR, -ETIMEDOUT, -ESTALE, -EBUSY };
	size_t i;

	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = give_answer;
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		answer = answers[i];
		assert_int_equal(wait_until(1, DMP_FOREVER), answers[i]);
	}
}

static int end_with_one_left(void)
{
	fake_publish(p, 1);
	fake_end(DMP_END_CLEAN);
	return -EPIPE;
}

static void an_end_in_mid_sleep_still_gives_what_is_left(void **state)
{
	struct dmp_batch b;

	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = end_with_one_left;
	assert_int_equal(dmp_wait(c, 5, &b), 0);
	assert_int_equal(b.end - b.pos, 1);
	assert_int_equal(dmp_release(c, b.end), 0);
	assert_int_equal(dmp_wait(c, 5, &b), -EPIPE);
	assert_int_equal(fake.waits, 1);
}

static int end_and_come_back(void)
{
	if (fake.waits > 1)
		return publish_one();
	fake_end(DMP_END_CLEAN);
	fake_end(DMP_END_OPEN);
	return -EPIPE;
}

static void an_end_that_is_over_is_slept_through(void **state)
{
	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = end_and_come_back;
	assert_int_equal(wait_until(1, DMP_FOREVER), 0);
	assert_int_equal(fake.waits, 2);
}

static int shrink(void)
{
	if (fake.waits == 1) {
		fake_publish(p, 3);
		fake_end(DMP_END_CLEAN);
	} else {
		fake_own(c->index)->cursor = 3;
	}
	return 0;
}

static void a_sleeper_at_the_end_waits_for_no_more_than_there_will_be(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");
	struct dmp_batch b;

	(void)state;
	d->wait = dmp_wait_block;
	fake.on_wait = shrink;
	assert_int_equal(dmp_wait(d, 8, &b), 0);
	assert_int_equal(b.end, 3);
	assert_int_equal(fake.wait.target, 3);
	dmp_leave(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_step_has_its_budget),
		TEST(blocking_sleeps_at_once),
		TEST(the_default_sleeps_and_never_yields),
		TEST(without_sleep_the_last_step_goes_on),
		TEST(what_is_there_needs_no_clock_and_no_call),
		TEST(a_deadline_is_the_kernels_while_asleep),
		TEST(what_the_kernel_says_of_a_sleep_is_passed_on),
		TEST(an_end_in_mid_sleep_still_gives_what_is_left),
		TEST(an_end_that_is_over_is_slept_through),
		TEST(a_sleeper_at_the_end_waits_for_no_more_than_there_will_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
