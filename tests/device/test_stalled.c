// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_stalled.c: STALLED: what is told of a consumer is checked, counted once, and may evict it */
#include <errno.h>
#include <unistd.h>

#include "raw.h"

static int stalled(int fd, const struct raw *c, uint64_t incarnation, uint64_t position)
{
	struct dmp_stalled args = {
		.size = sizeof(args), .index = c->index, .incarnation = incarnation, .position = position, .since = 1
	};

	return xioctl(fd, DMP_IOC_STALLED, &args);
}

static void a_stall_is_told_once_for_each_position(void **state)
{
	struct pair x = make_pair();

	(void)state;
	raw_publish(&x.p, 3);
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 0), 1);
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 0), 0);
	assert_int_equal(ring_info(x.ring).stalls, 1);
	raw_release(&x.c, 1);
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 0), -ENOENT); /* it has moved */
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 1), 1);
	assert_int_equal(ring_info(x.ring).stalls, 2);
	raw_release(&x.c, 3);
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 3), -ENOENT); /* it has read all there is */
	assert_int_equal(ring_info(x.ring).stalls, 2);
	end_pair(&x);
}

static void a_stall_is_one_members_and_a_producers_to_tell(void **state)
{
	struct pair x = make_pair();
	uint64_t incarnation = x.c.incarnation;

	(void)state;
	raw_publish(&x.p, 1);
	assert_int_equal(stalled(x.c.fd, &x.c, incarnation, 0), -EACCES);
	assert_int_equal(stalled(x.p.fd, &x.c, incarnation, 0), 1);
	assert_int_equal(stalled(x.p.fd, &x.p, x.p.incarnation, 0), -ENOENT);
	raw_leave(&x.c);
	assert_int_equal(stalled(x.p.fd, &x.c, incarnation, 0), -ENOENT); /* it gates no more */
	x.c = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	raw_publish(&x.p, 1);
	assert_int_equal(stalled(x.p.fd, &x.c, x.c.incarnation, 1), 1);
	assert_int_equal(stalled(x.p.fd, &x.c, incarnation, 1), -ENOENT);
	end_pair(&x);
}

static void a_stalled_consumer_can_be_evicted_in_the_same_step(void **state)
{
	struct pair x = make_pair();
	struct dmp_stalled args = {
		.size = sizeof(args),
		.flags = DMP_STALLED_EVICT,
		.index = x.c.index,
		.incarnation = x.c.incarnation,
	};

	(void)state;
	raw_publish(&x.p, 2);
	raw_release(&x.c, 1);
	assert_int_equal(xioctl(x.p.fd, DMP_IOC_STALLED, &args), -ENOENT); /* it has moved: it stays */
	assert_int_equal(xioctl(x.c.fd, DMP_IOC_STALLED, &args), -EACCES);
	assert_int_equal(ring_info(x.ring).evicted, 0);
	assert_int_equal(x.p.meta->gates, 1ULL << x.c.index);
	args.position = 1;
	assert_int_equal(xioctl(x.p.fd, DMP_IOC_STALLED, &args), 1);
	assert_int_equal(ring_info(x.ring).evicted, 1);
	assert_int_equal(ring_info(x.ring).stalls, 1);
	assert_int_equal(x.p.meta->gates, 0);
	assert_int_equal(raw_entry(&x.p, x.c.index)->gone, DMP_GONE_EVICTED);
	assert_int_equal(xioctl(x.p.fd, DMP_IOC_STALLED, &args), -ENOENT);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_is_told_once_for_each_position),
		cmocka_unit_test(a_stalled_consumer_can_be_evicted_in_the_same_step),
		cmocka_unit_test(a_stall_is_one_members_and_a_producers_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
