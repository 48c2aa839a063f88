// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_require.c: REQUIRE, REQUIRED, a WAIT for who is missing */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

#define ALICE 1001
#define BOB   1002

static int require_of(int fd, uint32_t uid, const char (*names)[DMP_MEMBER_NAME_MAX], uint32_t count)
{
	struct dmp_require args = {
		.size = sizeof(args), .uid = uid, .names = count ? (uintptr_t)names : 0, .count = count
	};

	return xioctl(fd, DMP_IOC_REQUIRE, &args);
}

static const char abc[][DMP_MEMBER_NAME_MAX] = { "a", "b", "c" };

static void require(int fd, uint32_t count)
{
	assert_int_equal(require_of(fd, getuid(), abc, count), 0);
}

/* Of fd, a ring file or a member file; returns how many are missing. */
static uint32_t read_required(int fd, struct dmp_required_info *infos, uint32_t room, uint32_t *count)
{
	struct dmp_required args = {
		.size = sizeof(args), .entry_size = sizeof(*infos), .entries = (uintptr_t)infos, .count = room
	};

	assert_int_equal(xioctl(fd, DMP_IOC_REQUIRED, &args), 0);
	*count = args.count;
	return args.missing;
}

static uint32_t missing(int fd)
{
	uint32_t count, n = read_required(fd, NULL, 0, &count);

	assert_int_equal(ring_info(fd).missing, n);
	return n;
}

/* ---- who is there ---- */

static void required_says_who_is_there(void **state)
{
	struct dmp_required_info infos[4];
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), b;
	uint32_t count;

	(void)state;
	assert_int_equal(p.meta->required, 0);
	require(ring, 3);
	assert_int_equal(p.meta->required, 3);
	assert_int_equal(p.meta->missing, 3);
	b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	raw_publish(&p, 5);
	raw_release(&b, 2);
	assert_int_equal(read_required(p.fd, infos, 4, &count), 2);
	assert_int_equal(count, 3);
	assert_string_equal(infos[0].name, "a");
	assert_string_equal(infos[1].name, "b");
	assert_string_equal(infos[2].name, "c");
	assert_false(infos[0].there || infos[2].there);
	assert_true(infos[1].there);
	assert_int_equal(infos[1].uid, getuid());
	assert_int_equal(infos[1].index, b.index);
	assert_int_equal(infos[1].state, DMP_MEMBER_JOINED);
	assert_int_equal(infos[1].incarnation, b.incarnation);
	assert_int_equal(infos[1].cursor, 2);
	assert_int_equal(read_required(ring, infos, 1, &count), 2); /* less room than there are */
	assert_int_equal(count, 3);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void missing_follows_join_leave_and_death(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "a"), a, b; /* a producer's name is for people */

	(void)state;
	a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	require(ring, 2);
	assert_int_equal(missing(ring), 1);
	b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	assert_int_equal(missing(ring), 0);
	assert_int_equal(p.meta->missing, 0);
	raw_leave(&a);
	assert_int_equal(missing(p.fd), 1);
	raw_close(&b); /* without LEAVE */
	assert_int_equal(missing(p.fd), 2);
	require(ring, 0);
	assert_int_equal(missing(ring), 0);
	raw_leave(&p);
	close(ring);
}

static void what_is_required_is_replaced_as_a_whole(void **state)
{
	struct dmp_required_info infos[4];
	int ring = new_ring();
	uint32_t count;

	(void)state;
	require(ring, 3);
	assert_int_equal(require_of(ring, getuid(), abc + 2, 1), 0);
	assert_int_equal(read_required(ring, infos, 4, &count), 1);
	assert_int_equal(count, 1);
	assert_string_equal(infos[0].name, "c");
	close(ring);
}

static void bad_names_change_nothing(void **state)
{
	static const char twice[][DMP_MEMBER_NAME_MAX] = { "a", "b", "a" };
	static const char odd[][DMP_MEMBER_NAME_MAX] = { "a", "b/" };
	static const char empty[][DMP_MEMBER_NAME_MAX] = { "a", "" };
	int ring = new_ring();

	(void)state;
	require(ring, 3);
	assert_int_equal(require_of(ring, getuid(), twice, 3), -EINVAL);
	assert_int_equal(require_of(ring, getuid(), odd, 2), -EINVAL);
	assert_int_equal(require_of(ring, getuid(), empty, 2), -EINVAL);
	assert_int_equal(missing(ring), 3);
	close(ring);
}

static void all_that_can_gate_can_be_required(void **state)
{
	struct dmp_required_info infos[DMP_MAX_GATES];
	char names[DMP_MAX_GATES][DMP_MEMBER_NAME_MAX] = { { 0 } };
	int ring = new_ring(), i;
	uint32_t count;

	(void)state;
	for (i = 0; i < DMP_MAX_GATES; i++)
		snprintf(names[i], sizeof(names[i]), "consumer-%d", i);
	assert_int_equal(require_of(ring, getuid(), (const char(*)[DMP_MEMBER_NAME_MAX])names, DMP_MAX_GATES), 0);
	assert_int_equal(read_required(ring, infos, DMP_MAX_GATES, &count), DMP_MAX_GATES);
	assert_int_equal(count, DMP_MAX_GATES);
	for (i = 0; i < DMP_MAX_GATES; i++)
		assert_string_equal(infos[i].name, names[i]);
	close(ring);
}

/* ---- whose it is ---- */

static int join_as_bob(void *arg)
{
	const int *ring = arg;
	struct dmp_join a = join_args(DMP_ROLE_CONSUMER, "a"), other = join_args(DMP_ROLE_CONSUMER, "other");
	struct dmp_join observer = join_args(DMP_ROLE_OBSERVER, "a");

	become(BOB);
	assert_int_equal(ring_join(*ring, &a), -EPERM);
	assert_true(ring_join(*ring, &other) >= 0);
	assert_true(ring_join(*ring, &observer) >= 0);
	assert_int_equal(require_of(*ring, BOB, abc, 1), -EPERM);
	return 0;
}

static int join_as_alice(void *arg)
{
	const int *ring = arg;
	struct dmp_join a = join_args(DMP_ROLE_CONSUMER, "a");

	become(ALICE);
	assert_true(ring_join(*ring, &a) >= 0);
	assert_int_equal(missing(*ring), 0);
	return 0;
}

static void a_required_name_belongs_to_a_uid(void **state)
{
	int ring = new_ring();

	(void)state;
	assert_int_equal(require_of(ring, ALICE, abc, 1), 0);
	assert_int_equal(run_child(join_as_bob, &ring), 0);
	assert_int_equal(missing(ring), 1);
	assert_int_equal(run_child(join_as_alice, &ring), 0);
	close(ring);
}

static void one_of_another_uid_that_had_joined_does_not_count(void **state)
{
	int ring = new_ring();
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a");

	(void)state;
	assert_int_equal(require_of(ring, ALICE, abc, 1), 0);
	assert_int_equal(missing(ring), 1);
	require(ring, 1);
	assert_int_equal(missing(ring), 0);
	raw_leave(&a);
	close(ring);
}

static void only_the_owner_requires_and_with_the_right_to_produce(void **state)
{
	int ring = new_ring(), weak = ring_bind(ring, DMP_RIGHT_R | DMP_RIGHT_X);

	(void)state;
	assert_int_equal(require_of(weak, getuid(), abc, 1), -EACCES);
	assert_int_equal(missing(ring), 0);
	assert_int_equal(missing(weak), 0); /* to look is everybody's */
	close(weak);
	close(ring);
}

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
		cmocka_unit_test(required_says_who_is_there),
		cmocka_unit_test(missing_follows_join_leave_and_death),
		cmocka_unit_test(what_is_required_is_replaced_as_a_whole),
		cmocka_unit_test(bad_names_change_nothing),
		cmocka_unit_test(all_that_can_gate_can_be_required),
		cmocka_unit_test(a_required_name_belongs_to_a_uid),
		cmocka_unit_test(one_of_another_uid_that_had_joined_does_not_count),
		cmocka_unit_test(only_the_owner_requires_and_with_the_right_to_produce),
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
