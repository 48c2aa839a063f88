// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_sleep.c: what every backend promises of processes that wait for each other: strategies, deadlines, ends, deaths */
#include "native.h"

#define N NATIVE_SLOTS

static uint32_t flags; /* of the rings that the tests make */

static const struct {
	const char *name;
	const struct dmp_wait_strategy *wait;
} strategies[] = {
	{ "spin", &dmp_wait_spin },
	{ "yield", &dmp_wait_yield },
	{ "sleep", &dmp_wait_sleep },
	{ "block", &dmp_wait_block },
};

/* A ring between two processes. */
struct pair {
	struct dmp_ring *ring;
	const struct dmp_wait_strategy *wait;
	uint64_t events;
	uint64_t *shared; /* what the child tells */
};

static struct pair new_pair(void)
{
	struct address a = new_address("pair");

	return (struct pair){
		.ring = create_ring(&a, flags),
		.wait = &dmp_wait_sleep,
		.shared = shared_memory(sizeof(uint64_t)),
	};
}

static void end_pair(struct pair *x)
{
	free_shared_memory(x->shared, sizeof(uint64_t));
	dmp_ring_close(x->ring);
}

/* ---- strategies ---- */

static int produce(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *p = stress_join(x->ring, DMP_ROLE_PRODUCER, "p", x->wait);

	publish(p, x->events);
	assert_int_equal(dmp_finish(p), 0);
	dmp_leave(p);
	return 0;
}

/* More events than slots, so that both wait. */
static void pass_events(const struct dmp_wait_strategy *wait)
{
	struct pair x = new_pair();
	struct dmp_member *c = stress_join(x.ring, DMP_ROLE_CONSUMER, "c", wait);
	struct dmp_batch batch;
	pid_t pid;

	x.wait = wait;
	x.events = rounds(50 * N, 5000 * N);
	pid = start_child(produce, &x);
	assert_int_equal(consume_up_to(c, x.events), 0);
	assert_int_equal(dmp_wait_until(c, 1, &batch, wait_long()), -EPIPE);
	assert_int_equal(dmp_ended(c), DMP_END_CLEAN);
	assert_int_equal(finish_child(pid), 0);
	dmp_leave(c);
	end_pair(&x);
}

static void events_pass_with_every_strategy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++)
		pass_events(strategies[i].wait);
}

static int observe_all(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *o = stress_join(x->ring, DMP_ROLE_OBSERVER, "o", x->wait);
	uint64_t event[8], pos, lost, next = 0;
	int err;

	store_shared(x->shared, 1);
	while (!(err = dmp_observe_until(o, event, &pos, &lost, wait_long()))) {
		assert_true(stress_intact(event, event_size_of(flags), pos));
		assert_int_equal(pos, next + lost);
		next = pos + 1;
	}
	assert_int_equal(err, -EPIPE);
	assert_int_equal(next, x->events);
	dmp_leave(o);
	return 0;
}

static void observers_follow_with_every_strategy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct pair x = new_pair();
		pid_t pid;

		x.wait = strategies[i].wait;
		x.events = rounds(20 * N, 5000 * N);
		pid = start_child(observe_all, &x);
		await_shared(x.shared, 1);
		assert_int_equal(run_child(produce, &x), 0);
		assert_int_equal(finish_child(pid), 0);
		end_pair(&x);
	}
}

/* ---- deadlines ---- */

static void a_deadline_that_has_passed_is_told_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct pair x = new_pair();
		struct dmp_member *c = stress_join(x.ring, DMP_ROLE_CONSUMER, "c", strategies[i].wait);
		struct dmp_member *o = stress_join(x.ring, DMP_ROLE_OBSERVER, "o", strategies[i].wait);
		struct dmp_member *p = stress_join(x.ring, DMP_ROLE_PRODUCER, "p", strategies[i].wait);
		struct dmp_batch batch;
		uint64_t event[8], pos, lost;

		assert_int_equal(dmp_wait_until(c, 1, &batch, 1), -ETIMEDOUT);
		assert_int_equal(dmp_observe_until(o, event, &pos, &lost, 1), -ETIMEDOUT);
		publish(p, N);
		assert_int_equal(dmp_claim_until(p, 1, &pos, 1), -ETIMEDOUT);
		assert_int_equal(dmp_wait_until(c, N, &batch, 1), 0); /* what is there comes, late or not */
		dmp_leave(p);
		dmp_leave(o);
		dmp_leave(c);
		end_pair(&x);
	}
}

static void a_deadline_ends_a_sleep(void **state)
{
	struct pair x = new_pair();
	struct dmp_member *c = stress_join(x.ring, DMP_ROLE_CONSUMER, "c", &dmp_wait_block);
	struct dmp_batch batch;
	uint64_t deadline = now_ns() + 20000000;

	(void)state;
	assert_int_equal(dmp_wait_until(c, 1, &batch, deadline), -ETIMEDOUT);
	assert_true(now_ns() >= deadline);
	dmp_leave(c);
	end_pair(&x);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static int wait_for_a_signal(void *arg)
{
	const struct pair *x = arg;
	struct sigaction action = { .sa_handler = on_alarm }; /* without SA_RESTART */
	struct dmp_member *c = stress_join(x->ring, DMP_ROLE_CONSUMER, "c", &dmp_wait_block);
	struct dmp_batch batch;
	int err;

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	store_shared(x->shared, 1);
	err = dmp_wait_until(c, 1, &batch, wait_long());
	dmp_leave(c);
	return -err;
}

/* The signal may come before the sleep, so there are many. */
static void a_signal_ends_a_sleep(void **state)
{
	struct pair x = new_pair();
	pid_t pid = start_child(wait_for_a_signal, &x);
	siginfo_t info = { 0 };

	(void)state;
	await_shared(x.shared, 1);
	assert_true(stress_until(!kill(pid, SIGUSR1) && !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
				 info.si_pid == pid));
	assert_int_equal(finish_child(pid), EINTR);
	end_pair(&x);
}

/* ---- who sleeps hears of what changes ---- */

static int wait_for_one(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *c = stress_join(x->ring, DMP_ROLE_CONSUMER, "c", x->wait);
	struct dmp_batch batch;
	int err;

	store_shared(x->shared, 1);
	err = dmp_wait_until(c, 1, &batch, wait_long());
	dmp_leave(c);
	return -err;
}

static int wait_as_the_last(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *c = stress_after(x->ring, "last", "first", NULL, x->wait);
	int err = consume_up_to(c, 1);

	dmp_leave(c);
	return -err;
}

static void the_end_wakes_who_sleeps(void **state)
{
	struct pair x = new_pair();
	struct dmp_member *p = join(x.ring, DMP_ROLE_PRODUCER, "p");
	pid_t pid;

	(void)state;
	x.wait = &dmp_wait_block;
	pid = start_child(wait_for_one, &x);
	await_shared(x.shared, 1);
	await_sleeper(x.ring, "c");
	dmp_leave(p);
	assert_int_equal(finish_child(pid), EPIPE);
	end_pair(&x);
}

static void a_dependency_that_leaves_is_waited_for_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct pair x = new_pair();
		struct dmp_member *p = join(x.ring, DMP_ROLE_PRODUCER, "p");
		struct dmp_member *first = join(x.ring, DMP_ROLE_CONSUMER, "first");
		pid_t pid;

		x.wait = strategies[i].wait;
		publish(p, 1);
		pid = start_child(wait_as_the_last, &x);
		await_members(x.ring, 3);
		dmp_leave(first);
		assert_int_equal(finish_child(pid), 0);
		dmp_leave(p);
		end_pair(&x);
	}
}

/* ---- deaths ---- */

static int consume_and_stay(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *c = join(x->ring, DMP_ROLE_CONSUMER, "c");

	assert_int_equal(consume_up_to(c, 1), 0);
	store_shared(x->shared, 1);
	stay();
}

static int produce_and_stay(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *p = stress_join(x->ring, DMP_ROLE_PRODUCER, "p", x->wait);

	publish(p, x->events);
	store_shared(x->shared, 1);
	stay();
}

static void a_killed_producer_is_a_crash(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct pair x = new_pair();
		struct dmp_member *c = stress_join(x.ring, DMP_ROLE_CONSUMER, "c", strategies[i].wait);
		struct dmp_batch batch;
		pid_t pid;

		x.events = 3;
		pid = start_child(produce_and_stay, &x);
		assert_int_equal(consume_up_to(c, 3), 0);
		kill_child(pid);
		assert_int_equal(dmp_wait_until(c, 1, &batch, wait_long()), -EPIPE); /* without asking for members */
		assert_int_equal(dmp_ended(c), DMP_END_CRASHED);
		assert_int_equal(info_of(x.ring).producers, 0);
		assert_int_equal(try_join(x.ring, DMP_ROLE_PRODUCER, "q"), 0);
		dmp_leave(c);
		end_pair(&x);
	}
}

static int publish_past_the_dead(void *arg)
{
	const struct pair *x = arg;
	struct dmp_member *p = stress_join(x->ring, DMP_ROLE_PRODUCER, "p", x->wait);

	await_members(x->ring, 2);
	publish(p, 3 * N);
	dmp_leave(p);
	return 0;
}

/* Of a file ring the dead hold their places. */
static void the_gate_of_a_killed_consumer_goes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategies) && !is_backend("file"); i++) {
		struct pair x = new_pair();
		pid_t producer, consumer;

		x.wait = strategies[i].wait;
		producer = start_child(publish_past_the_dead, &x);
		consumer = start_child(consume_and_stay, &x);
		await_shared(x.shared, 1);
		assert_true(stress_until(info_of(x.ring).cursor == N + 1)); /* full */
		kill_child(consumer);
		assert_int_equal(finish_child(producer), 0);
		assert_int_equal(info_of(x.ring).cursor, 3 * N);
		end_pair(&x);
	}
}

static int packed(void **state)
{
	(void)state;
	flags = 0;
	return 0;
}

static int stamped(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED;
	return 0;
}

static int fenced(void **state)
{
	(void)state;
	flags = DMP_RING_FENCED;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_pass_with_every_strategy),
		cmocka_unit_test(observers_follow_with_every_strategy),
		cmocka_unit_test(a_deadline_that_has_passed_is_told_at_once),
		cmocka_unit_test(a_deadline_ends_a_sleep),
		cmocka_unit_test(a_signal_ends_a_sleep),
		cmocka_unit_test(the_end_wakes_who_sleeps),
		cmocka_unit_test(a_dependency_that_leaves_is_waited_for_no_more),
		cmocka_unit_test(a_killed_producer_is_a_crash),
		cmocka_unit_test(the_gate_of_a_killed_consumer_goes),
	};
	int failed = cmocka_run_group_tests_name("packed", tests, packed, NULL);

	failed += cmocka_run_group_tests_name("stamped", tests, stamped, NULL);
	return failed + cmocka_run_group_tests_name("fenced", tests, fenced, NULL);
}
