// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_poll.c: ARM and poll; the end of the stream and changes of membership as poll shows them */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* What a poll that may sleep for it sees. */
static short awaited(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, LONG_NS / 1000000), 1);
	return p.revents;
}

/* ---- ARM ---- */

static void a_file_that_was_never_armed_is_not_readable(void **state)
{
	struct pair x = make_pair();

	(void)state;
	assert_int_equal(polled(x.c.fd), 0);
	raw_publish(&x.p, 3);
	assert_int_equal(polled(x.c.fd), 0);
	end_pair(&x);
}

static void arm_says_at_once_what_is_there(void **state)
{
	struct pair x = make_pair();

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 0), 1);
	raw_publish(&x.p, 2);
	assert_int_equal(raw_arm(x.c.fd, 2), 1);
	assert_true(polled(x.c.fd) & POLLIN); /* and poll says so as well */
	assert_int_equal(raw_arm(x.c.fd, 3), 0);
	assert_int_equal(polled(x.c.fd), 0);
	end_pair(&x);
}

static void an_armed_file_is_readable_once_n_events_are_there(void **state)
{
	struct pair x = make_pair();
	struct dmp_member_info m;

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 2), 0);
	m = member_info(x.ring, "c");
	assert_int_equal(m.waiting, DMP_WAITING_ARMED | DMP_WAITING_CURSOR);
	assert_int_equal(m.waits_target, 2);
	raw_publish(&x.p, 1);
	assert_int_equal(polled(x.c.fd), 0);
	raw_publish(&x.p, 1);
	assert_int_equal(polled(x.c.fd), POLLIN);
	assert_int_equal(polled(x.c.fd), POLLIN); /* until it is armed again */
	assert_int_equal(member_info(x.ring, "c").woken, 1);
	assert_int_equal(raw_arm(x.c.fd, 3), 0);
	assert_int_equal(polled(x.c.fd), 0);
	end_pair(&x);
}

static void an_armed_producer_is_readable_once_slots_are_free(void **state)
{
	struct pair x = make_pair();

	(void)state;
	raw_publish(&x.p, SLOTS);
	assert_int_equal(raw_arm(x.p.fd, 2), 0);
	raw_release(&x.c, 1);
	assert_int_equal(polled(x.p.fd), 0);
	raw_release(&x.c, 2);
	assert_int_equal(polled(x.p.fd), POLLIN);
	end_pair(&x);
}

static void a_later_arm_replaces_an_earlier_one(void **state)
{
	struct pair x = make_pair();

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	assert_int_equal(raw_arm(x.c.fd, 5), 0);
	assert_int_equal(member_info(x.ring, "c").waits_target, 5);
	raw_publish(&x.p, 1);
	assert_int_equal(polled(x.c.fd), 0);
	raw_publish(&x.p, 4);
	assert_int_equal(polled(x.c.fd), POLLIN);
	assert_int_equal(ring_info(x.ring).woken, 1);
	end_pair(&x);
}

static void a_wait_replaces_what_was_armed(void **state)
{
	struct pair x = make_pair();

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	assert_int_equal(raw_wait(x.c.fd, 2, 0), -ETIMEDOUT);
	assert_int_equal(member_info(x.ring, "c").waiting, 0);
	raw_publish(&x.p, 1);
	assert_int_equal(polled(x.c.fd), 0);
	end_pair(&x);
}

/* Its target may be reachable now, or may be later: it has to look. */
static void an_armed_file_is_readable_when_its_gates_change(void **state)
{
	struct pair x = make_pair();
	struct raw d;

	(void)state;
	raw_publish(&x.p, SLOTS);
	assert_int_equal(raw_arm(x.p.fd, 1), 0);
	d = raw_join(x.ring, DMP_ROLE_CONSUMER, "d");
	assert_true(polled(x.p.fd) & POLLIN);
	assert_int_equal(ring_info(x.ring).changed, 1);
	assert_int_equal(raw_arm(x.p.fd, 1), 0);
	raw_release(&x.c, 1);
	assert_true(polled(x.p.fd) & POLLIN);
	raw_leave(&d);
	end_pair(&x);
}

static void the_leave_of_a_dependency_shows_in_poll(void **state)
{
	struct pair x = make_pair();
	struct raw d = raw_join_after(x.ring, "d", "c");

	(void)state;
	raw_publish(&x.p, 1);
	assert_int_equal(raw_arm(d.fd, 1), 0);
	assert_int_equal(polled(d.fd) & POLLIN, 0);
	raw_leave(&x.c);
	assert_true(polled(d.fd) & POLLIN);
	assert_int_equal(raw_arm(d.fd, 1), 1);
	raw_leave(&d);
	raw_leave(&x.p);
	close(x.ring);
}

/* ---- a sleeping poll ---- */

struct poller {
	pthread_t thread;
	int fd;
	short events, seen;
	int tid;
};

static void *poller_main(void *arg)
{
	struct poller *p = arg;

	__atomic_store_n(&p->tid, gettid(), __ATOMIC_RELEASE);
	p->seen = awaited(p->fd, p->events);
	return NULL;
}

/* The thread is in poll and has gone to sleep there: a change now has to wake it. */
static bool is_sleeping(void *arg)
{
	struct poller *p = arg;
	char path[64], line[256] = "";
	int tid = __atomic_load_n(&p->tid, __ATOMIC_ACQUIRE);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	f = tid ? fopen(path, "r") : NULL;
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return !strncmp(line, "7 ", 2); /* poll; "running" where it is not asleep */
}

static void start_poller(struct poller *p, int fd, short events)
{
	*p = (struct poller){ .fd = fd, .events = events };
	assert_int_equal(pthread_create(&p->thread, NULL, poller_main, p), 0);
	await(is_sleeping, p, "a thread that sleeps in poll");
}

static short finish_poller(struct poller *p)
{
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	return p->seen;
}

static void poll_sleeps_until_what_was_armed_for_is_there(void **state)
{
	struct pair x = make_pair();
	struct poller p;

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	start_poller(&p, x.c.fd, POLLIN);
	raw_publish(&x.p, 1);
	assert_int_equal(finish_poller(&p), POLLIN);
	end_pair(&x);
}

static void poll_sleeps_until_the_membership_changes(void **state)
{
	struct pair x = make_pair();
	struct poller p;
	struct raw o;

	(void)state;
	start_poller(&p, x.c.fd, POLLPRI);
	o = raw_join(x.ring, DMP_ROLE_OBSERVER, "o");
	assert_int_equal(finish_poller(&p), POLLPRI);
	read_members(x.c.fd);
	start_poller(&p, x.c.fd, POLLPRI);
	raw_leave(&o);
	assert_int_equal(finish_poller(&p), POLLPRI);
	end_pair(&x);
}

static void poll_sleeps_until_the_end_of_the_stream(void **state)
{
	struct pair x = make_pair();
	struct poller p;

	(void)state;
	start_poller(&p, x.c.fd, 0);
	raw_leave(&x.p);
	assert_int_equal(finish_poller(&p), POLLHUP);
	raw_leave(&x.c);
	close(x.ring);
}

/* ---- POLLPRI ---- */

static void a_change_of_membership_is_pollpri_until_the_table_is_read(void **state)
{
	struct pair x = make_pair();
	struct raw d;

	(void)state;
	assert_int_equal(polled(x.c.fd), 0);
	d = raw_join(x.ring, DMP_ROLE_CONSUMER, "d");
	assert_int_equal(polled(x.c.fd), POLLPRI);
	assert_int_equal(polled(x.p.fd), POLLPRI);
	read_members(x.ring); /* through the ring file: settles nobody's */
	assert_int_equal(polled(x.c.fd), POLLPRI);
	read_members(x.c.fd);
	assert_int_equal(polled(x.c.fd), 0);
	assert_int_equal(polled(x.p.fd), POLLPRI); /* each for itself */
	read_members(x.p.fd);
	raw_leave(&d);
	assert_int_equal(polled(x.c.fd), POLLPRI);
	assert_int_equal(polled(x.p.fd), POLLPRI);
	end_pair(&x);
}

static void ones_own_join_is_no_news(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(polled(c.fd), 0);
	raw_leave(&c);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_was_never_armed_is_not_readable),
		cmocka_unit_test(arm_says_at_once_what_is_there),
		cmocka_unit_test(an_armed_file_is_readable_once_n_events_are_there),
		cmocka_unit_test(an_armed_producer_is_readable_once_slots_are_free),
		cmocka_unit_test(a_later_arm_replaces_an_earlier_one),
		cmocka_unit_test(a_wait_replaces_what_was_armed),
		cmocka_unit_test(an_armed_file_is_readable_when_its_gates_change),
		cmocka_unit_test(the_leave_of_a_dependency_shows_in_poll),
		cmocka_unit_test(poll_sleeps_until_what_was_armed_for_is_there),
		cmocka_unit_test(poll_sleeps_until_the_membership_changes),
		cmocka_unit_test(poll_sleeps_until_the_end_of_the_stream),
		cmocka_unit_test(a_change_of_membership_is_pollpri_until_the_table_is_read),
		cmocka_unit_test(ones_own_join_is_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
