// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_epoll.c: member files in an epoll set, level and edge triggered */
#include <sys/epoll.h>
#include <unistd.h>

#include "raw.h"

static int epoll_of(int fd1, int fd2, uint32_t flags)
{
	struct epoll_event first = { .events = EPOLLIN | flags, .data.fd = fd1 };
	struct epoll_event second = { .events = EPOLLIN | flags, .data.fd = fd2 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	assert_true(epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd1, &first), 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd2, &second), 0);
	return epoll;
}

static int ready(int epoll, struct epoll_event events[2])
{
	return epoll_wait(epoll, events, 2, 0);
}

static void two_member_files_in_one_set_tell_themselves_apart(void **state)
{
	struct pair x = make_pair(), y = make_pair();
	struct epoll_event e[2];
	int epoll = epoll_of(x.c.fd, y.c.fd, 0);

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	assert_int_equal(raw_arm(y.c.fd, 1), 0);
	assert_int_equal(ready(epoll, e), 0);
	raw_publish(&y.p, 1);
	assert_int_equal(ready(epoll, e), 1);
	assert_int_equal(e[0].data.fd, y.c.fd);
	raw_publish(&x.p, 1);
	assert_int_equal(ready(epoll, e), 2);
	assert_int_equal(raw_arm(y.c.fd, 2), 0);
	assert_int_equal(ready(epoll, e), 1);
	assert_int_equal(e[0].data.fd, x.c.fd);
	close(epoll);
	end_pair(&y);
	end_pair(&x);
}

static void level_triggered_epoll_tells_until_it_is_armed_again(void **state)
{
	struct pair x = make_pair();
	struct epoll_event e[2];
	int epoll = epoll_of(x.c.fd, x.p.fd, 0), i;

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	raw_publish(&x.p, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(ready(epoll, e), 1);
	assert_int_equal(raw_arm(x.c.fd, 2), 0);
	assert_int_equal(ready(epoll, e), 0);
	close(epoll);
	end_pair(&x);
}

static void edge_triggered_epoll_tells_once_for_each_arm(void **state)
{
	struct pair x = make_pair();
	struct epoll_event e[2];
	int epoll = epoll_of(x.c.fd, x.p.fd, EPOLLET);
	uint64_t i;

	(void)state;
	ready(epoll, e); /* what was so when they were added */
	for (i = 1; i <= 5; i++) {
		assert_int_equal(raw_arm(x.c.fd, i), 0);
		assert_int_equal(ready(epoll, e), 0);
		raw_publish(&x.p, 1);
		assert_int_equal(ready(epoll, e), 1);
		assert_true(e[0].events & EPOLLIN);
		assert_int_equal(ready(epoll, e), 0);
	}
	close(epoll);
	end_pair(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_member_files_in_one_set_tell_themselves_apart),
		cmocka_unit_test(level_triggered_epoll_tells_until_it_is_armed_again),
		cmocka_unit_test(edge_triggered_epoll_tells_once_for_each_arm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
