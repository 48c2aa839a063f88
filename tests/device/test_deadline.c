// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_deadline.c: WAIT against the clock, time namespaces and signals */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static void a_deadline_that_has_passed_ends_the_wait_at_once(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(raw_wait(c.fd, 1, 0), -ETIMEDOUT);
	assert_int_equal(raw_wait(c.fd, 1, 1), -ETIMEDOUT);
	assert_int_equal(raw_wait(c.fd, 1, now_ns() - 1), -ETIMEDOUT);
	assert_int_equal(member_info(ring, "c").waiting, 0);
	assert_int_equal(member_info(ring, "c").late, 0);
	raw_leave(&c);
	close(ring);
}

static void a_deadline_to_come_is_slept_out(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t deadline = now_ns() + 20000000;

	(void)state;
	assert_int_equal(raw_wait(c.fd, 1, deadline), -ETIMEDOUT);
	assert_true(now_ns() >= deadline); /* never early */
	assert_int_equal(member_info(ring, "c").waiting, 0);
	assert_int_equal(member_info(ring, "c").sleeps, 1);
	assert_int_equal(member_info(ring, "c").woken, 0);
	raw_leave(&c);
	close(ring);
}

/* The largest times there are must not wrap to some in the past. */
static void a_deadline_far_ahead_is_no_deadline(void **state)
{
	static const uint64_t far[] = { UINT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1, INT64_MAX - 1 };
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct sleeper s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		start_sleeper(&s, c.fd, i + 1, far[i]);
		await_asleep(ring, "c");
		raw_publish(&p, 1);
		assert_int_equal(finish_sleeper(&s), 0);
	}
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

/* ---- a clock of one's own ---- */

struct own_time {
	int ring;
	const char *offset; /* of its clock */
	child_fn then;
};

static int enter_time_namespace(void *arg)
{
	const struct own_time *t = arg;
	int fd;

	assert_int_equal(unshare(CLONE_NEWTIME), 0);
	fd = xopen("/proc/self/timens_offsets", O_WRONLY);
	assert_int_equal(write(fd, t->offset, strlen(t->offset)), (int)strlen(t->offset));
	close(fd);
	return run_child(t->then, arg); /* a child is in it */
}

static int sleep_out_a_deadline(void *arg)
{
	struct raw c = raw_join(((struct own_time *)arg)->ring, DMP_ROLE_CONSUMER, "c");
	uint64_t deadline = now_ns() + 50000000;

	alarm(60); /* else a clock that is ten days off would have to be waited for */
	assert_int_equal(raw_wait(c.fd, 1, deadline), -ETIMEDOUT);
	assert_true(now_ns() >= deadline);
	assert_int_equal(raw_wait(c.fd, 1, now_ns() - 1), -ETIMEDOUT);
	raw_leave(&c);
	return 0;
}

static int wait_for_three_events(void *arg)
{
	struct raw c = raw_join(((struct own_time *)arg)->ring, DMP_ROLE_CONSUMER, "c");

	assert_int_equal(raw_wait(c.fd, 1, NEVER), 0);
	assert_int_equal(raw_wait(c.fd, 2, wait_long()), 0);
	assert_int_equal(raw_wait(c.fd, 3, NEVER - 1), 0);
	raw_leave(&c);
	return 0;
}

static void a_deadline_is_in_the_time_namespace_of_the_caller(void **state)
{
	struct own_time later = { new_ring(), "monotonic 864000 0\n", sleep_out_a_deadline }, sooner = later;

	(void)state;
	sooner.offset = "monotonic -1 0\n";
	assert_int_equal(run_child(enter_time_namespace, &later), 0);
	assert_int_equal(run_child(enter_time_namespace, &sooner), 0);
	close(later.ring);
}

static void a_sleeper_in_a_time_namespace_is_woken_like_any(void **state)
{
	struct own_time t = { new_ring(), "monotonic 864000 0\n", wait_for_three_events };
	struct raw p = raw_join(t.ring, DMP_ROLE_PRODUCER, "p");
	pid_t child = start_child(enter_time_namespace, &t);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		await_asleep(t.ring, "c");
		raw_publish(&p, 1);
	}
	assert_int_equal(finish_child(child), 0);
	assert_int_equal(ring_info(t.ring).late, 0);
	raw_leave(&p);
	close(t.ring);
}

/* ---- signals ---- */

struct signalled {
	int ring, flags; /* of sigaction */
	uint64_t *caught;
};

static uint64_t *caught;

static void catch_signal(int unused)
{
	(void)unused;
	__atomic_fetch_add(caught, 1, __ATOMIC_SEQ_CST);
}

static struct raw join_with_handler(const struct signalled *s)
{
	struct sigaction action = { .sa_handler = catch_signal, .sa_flags = s->flags };

	caught = s->caught;
	sigaction(SIGUSR1, &action, NULL);
	return raw_join(s->ring, DMP_ROLE_CONSUMER, "c");
}

static int be_interrupted(void *arg)
{
	const struct signalled *s = arg;
	struct raw c = join_with_handler(s);

	assert_int_equal(raw_wait(c.fd, 1, NEVER), -EINTR);
	store_shared(&s->caught[1], 1);
	await_shared(&s->caught[2], 1); /* published meanwhile */
	assert_int_equal(raw_wait(c.fd, 1, NEVER), 0);
	raw_leave(&c);
	return 0;
}

static void a_signal_interrupts_a_wait_that_stays_armed(void **state)
{
	struct signalled s = { new_ring(), 0, shared_memory(DMP_PAGE) };
	struct raw p = raw_join(s.ring, DMP_ROLE_PRODUCER, "p");
	pid_t child = start_child(be_interrupted, &s);
	struct dmp_member_info m;

	(void)state;
	await_asleep(s.ring, "c");
	kill(child, SIGUSR1);
	await_shared(&s.caught[1], 1);
	m = member_info(s.ring, "c");
	assert_int_equal(m.waiting, DMP_WAITING_ARMED | DMP_WAITING_CURSOR);
	assert_int_equal(m.waits_target, 1);
	raw_publish(&p, 1); /* rings: it is armed; nobody is asleep to be woken */
	assert_int_equal(member_info(s.ring, "c").waiting, 0);
	assert_int_equal(ring_info(s.ring).empty, 0);
	store_shared(&s.caught[2], 1);
	assert_int_equal(finish_child(child), 0);
	assert_int_equal(*s.caught, 1);
	assert_int_equal(ring_info(s.ring).futile, 0);
	raw_leave(&p);
	close(s.ring);
	free_shared_memory(s.caught, DMP_PAGE);
}

static int sleep_on(void *arg)
{
	const struct signalled *s = arg;
	struct raw c = join_with_handler(s);

	assert_int_equal(raw_wait(c.fd, 1, wait_long()), 0);
	raw_leave(&c);
	return 0;
}

static void with_sa_restart_the_wait_goes_on_by_itself(void **state)
{
	struct signalled s = { new_ring(), SA_RESTART, shared_memory(DMP_PAGE) };
	struct raw p = raw_join(s.ring, DMP_ROLE_PRODUCER, "p");
	pid_t child = start_child(sleep_on, &s);
	uint64_t i;

	(void)state;
	for (i = 1; i <= 3; i++) {
		await_asleep(s.ring, "c");
		kill(child, SIGUSR1);
		await_shared(s.caught, i);
	}
	await_asleep(s.ring, "c");
	assert_int_equal(member_info(s.ring, "c").arms, 1); /* it was armed all the time */
	raw_publish(&p, 1);
	assert_int_equal(finish_child(child), 0);
	assert_int_equal(ring_info(s.ring).woken, 1);
	raw_leave(&p);
	close(s.ring);
	free_shared_memory(s.caught, DMP_PAGE);
}

/* Stopped and continued without any handler: nobody notices. */
static void a_stopped_sleeper_sleeps_on(void **state)
{
	struct signalled s = { new_ring(), 0, shared_memory(DMP_PAGE) };
	struct raw p = raw_join(s.ring, DMP_ROLE_PRODUCER, "p");
	pid_t child = start_child(sleep_on, &s);

	(void)state;
	await_asleep(s.ring, "c");
	kill(child, SIGSTOP);
	await_armed(s.ring, "c");
	kill(child, SIGCONT);
	await_asleep(s.ring, "c");
	raw_publish(&p, 1);
	assert_int_equal(finish_child(child), 0);
	raw_leave(&p);
	close(s.ring);
	free_shared_memory(s.caught, DMP_PAGE);
}

static int sleep_on_cpu_0(void *arg)
{
	pin_to_cpu(0);
	return sleep_on(arg);
}

/* On one CPU with a sleeper that it never lets run in between: first the wake, then the signal. */
static int publish_then_signal(void *arg)
{
	const struct sched_param first = { .sched_priority = 10 };
	struct signalled *s = arg;
	struct raw p = raw_join(s->ring, DMP_ROLE_PRODUCER, "p");
	pid_t child = start_child(sleep_on_cpu_0, s);
	int result;

	pin_to_cpu(0);
	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &first), 0);
	await_asleep(s->ring, "c");
	raw_publish(&p, 1);
	kill(child, SIGUSR1);
	result = finish_child(child);
	raw_leave(&p);
	return result;
}

static void a_result_that_was_obtained_counts_even_if_a_signal_came(void **state)
{
	struct signalled s = { new_ring(), 0, shared_memory(DMP_PAGE) };

	(void)state;
	assert_int_equal(run_child(publish_then_signal, &s), 0);
	assert_int_equal(*s.caught, 1);
	close(s.ring);
	free_shared_memory(s.caught, DMP_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_that_has_passed_ends_the_wait_at_once),
		cmocka_unit_test(a_deadline_to_come_is_slept_out),
		cmocka_unit_test(a_deadline_far_ahead_is_no_deadline),
		cmocka_unit_test(a_deadline_is_in_the_time_namespace_of_the_caller),
		cmocka_unit_test(a_sleeper_in_a_time_namespace_is_woken_like_any),
		cmocka_unit_test(a_signal_interrupts_a_wait_that_stays_armed),
		cmocka_unit_test(with_sa_restart_the_wait_goes_on_by_itself),
		cmocka_unit_test(a_stopped_sleeper_sleeps_on),
		cmocka_unit_test(a_result_that_was_obtained_counts_even_if_a_signal_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
