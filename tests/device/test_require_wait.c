// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_require_wait.c: a producer sleeps until no required consumer is missing; poll tells of who comes */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "require.h"

/* ---- WAIT ---- */

static int wait_required(int fd, uint64_t deadline)
{
	struct dmp_wait args = { .size = sizeof(args), .flags = DMP_WAIT_REQUIRED, .deadline = deadline };

	return xioctl(fd, DMP_IOC_WAIT, &args);
}

static void *required_sleeper(void *arg)
{
	struct sleeper *s = arg;

	s->result = wait_required(s->fd, s->deadline);
	return NULL;
}

static void start_required_sleeper(struct sleeper *s, int fd, uint64_t deadline)
{
	*s = (struct sleeper){ .fd = fd, .deadline = deadline };
	assert_int_equal(pthread_create(&s->thread, NULL, required_sleeper, s), 0);
}

static void a_producer_sleeps_until_nobody_is_missing(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a, b;
	struct sleeper s;

	(void)state;
	assert_int_equal(wait_required(p.fd, NEVER), 0);
	require(ring, 2);
	start_required_sleeper(&s, p.fd, wait_long());
	await_asleep(ring, "p");
	assert_int_equal(member_info(ring, "p").waiting, DMP_WAITING_ASLEEP | DMP_WAITING_MISSING);
	assert_int_equal(wait_required(p.fd, NEVER), -EBUSY);
	assert_int_equal(raw_wait(p.fd, 0, NEVER), -EBUSY);
	a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	assert_true(member_info(ring, "p").waiting & DMP_WAITING_ASLEEP);
	b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(member_info(ring, "p").waiting, 0);
	assert_int_equal(member_info(ring, "p").sleeps, 1);
	assert_int_equal(member_info(ring, "p").woken, 1);
	assert_int_equal(member_info(ring, "p").late, 0);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

static void a_ring_that_requires_nobody_any_more_wakes_its_producer(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s;

	(void)state;
	require(ring, 2);
	start_required_sleeper(&s, p.fd, wait_long());
	await_asleep(ring, "p");
	require(ring, 0);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(ring_info(ring).late, 0);
	raw_leave(&p);
	close(ring);
}

static void a_wait_for_the_missing_has_a_deadline(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	uint64_t end;

	(void)state;
	require(ring, 1);
	assert_int_equal(wait_required(p.fd, 0), -ETIMEDOUT);
	end = now_ns() + 10000000;
	assert_int_equal(wait_required(p.fd, end), -ETIMEDOUT);
	assert_true(now_ns() >= end);
	raw_leave(&p);
	close(ring);
}

static void a_producer_that_leaves_wakes_its_sleeper(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s;

	(void)state;
	require(ring, 1);
	assert_true(raw_arm(p.fd, 0) >= 0); /* it has been polling before */
	start_required_sleeper(&s, p.fd, NEVER);
	await_asleep(ring, "p");
	assert_int_equal(xioctl(p.fd, DMP_IOC_LEAVE, NULL), 0);
	assert_int_equal(finish_sleeper(&s), -ESTALE);
	assert_int_equal(wait_required(p.fd, NEVER), -ESTALE);
	raw_close(&p);
	close(ring);
}

static void ignore(int number)
{
	(void)number;
}

static void a_signal_interrupts_the_sleep(void **state)
{
	const struct sigaction catch = { .sa_handler = ignore };
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s;

	(void)state;
	sigaction(SIGUSR1, &catch, NULL);
	require(ring, 1);
	start_required_sleeper(&s, p.fd, wait_long());
	await_asleep(ring, "p");
	pthread_kill(s.thread, SIGUSR1);
	assert_int_equal(finish_sleeper(&s), -EINTR);
	raw_leave(&p);
	close(ring);
}

static void other_roles_and_targets_do_not_wait_for_the_missing(void **state)
{
	struct dmp_wait args = { .size = sizeof(args), .flags = DMP_WAIT_REQUIRED, .target = 1, .deadline = NEVER };
	struct pair x = make_pair();

	(void)state;
	require(x.ring, 1);
	assert_int_equal(wait_required(x.c.fd, NEVER), -EACCES);
	raw_publish(&x.p, 1);
	assert_int_equal(xioctl(x.p.fd, DMP_IOC_WAIT, &args), -EINVAL);
	args.target = 0;
	assert_int_equal(xioctl(x.p.fd, DMP_IOC_ARM, &args), -EINVAL);
	end_pair(&x);
}

/* ---- poll ---- */

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void poll_tells_of_what_is_required_and_who_comes(void **state)
{
	struct pair x = make_pair();
	struct raw a;

	(void)state;
	assert_int_equal(polled(x.p.fd), 0);
	require(x.ring, 1);
	assert_int_equal(polled(x.p.fd), POLLPRI);
	assert_int_equal(missing(x.p.fd), 1);
	read_members(x.p.fd);
	assert_int_equal(polled(x.p.fd), 0);
	a = raw_join(x.ring, DMP_ROLE_CONSUMER, "a");
	assert_int_equal(polled(x.p.fd), POLLPRI);
	assert_int_equal(missing(x.p.fd), 0);
	raw_leave(&a);
	end_pair(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_producer_sleeps_until_nobody_is_missing),
		cmocka_unit_test(a_ring_that_requires_nobody_any_more_wakes_its_producer),
		cmocka_unit_test(a_wait_for_the_missing_has_a_deadline),
		cmocka_unit_test(a_producer_that_leaves_wakes_its_sleeper),
		cmocka_unit_test(a_signal_interrupts_the_sleep),
		cmocka_unit_test(other_roles_and_targets_do_not_wait_for_the_missing),
		cmocka_unit_test(poll_tells_of_what_is_required_and_who_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
