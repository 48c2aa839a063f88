// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_start.c: where a member begins: latest, oldest, a position */
#include <errno.h>
#include <unistd.h>

#include "raw.h"

/* Where it would start, or -errno; it leaves at once. */
static int64_t start_of(int ring, uint32_t role, uint32_t from, uint64_t position, const char *upstream)
{
	struct dmp_join args = join_args(role, "probe");
	char names[1][DMP_MEMBER_NAME_MAX] = { { 0 } };
	int fd;

	if (upstream) {
		snprintf(names[0], sizeof(names[0]), "%s", upstream);
		join_after_names(&args, names, 1);
	}
	args.from = from;
	args.position = position;
	fd = ring_join(ring, &args);
	if (fd < 0)
		return fd;
	close(fd);
	return args.position;
}

static int64_t consumer(int ring, uint32_t from, uint64_t position)
{
	return start_of(ring, DMP_ROLE_CONSUMER, from, position, NULL);
}

static int64_t consumer_after(int ring, uint32_t from, uint64_t position, const char *upstream)
{
	return start_of(ring, DMP_ROLE_CONSUMER, from, position, upstream);
}

static int64_t observer(int ring, uint32_t from, uint64_t position)
{
	return start_of(ring, DMP_ROLE_OBSERVER, from, position, NULL);
}

static void an_empty_ring_starts_at_zero(void **state)
{
	int ring = new_ring();

	(void)state;
	assert_int_equal(consumer(ring, DMP_FROM_LATEST, 0), 0);
	assert_int_equal(consumer(ring, DMP_FROM_OLDEST, 0), 0);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 0), 0);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 1), -ERANGE);
	assert_int_equal(observer(ring, DMP_FROM_LATEST, 0), 0);
	assert_int_equal(observer(ring, DMP_FROM_OLDEST, 0), 0);
	close(ring);
}

/* cursor - slots is not safe: the producer may be writing there. */
static void without_gates_nothing_but_the_cursor_is_safe(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_publish(&p, 10);
	assert_int_equal(consumer(ring, DMP_FROM_LATEST, 0), 10);
	assert_int_equal(consumer(ring, DMP_FROM_OLDEST, 0), 10);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 10), 10);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 9), -ERANGE);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 11), -ERANGE);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, UINT64_MAX), -ERANGE);
	raw_leave(&p);
	close(ring);
}

static void the_oldest_is_the_smallest_gate(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");

	(void)state;
	raw_publish(&p, 20);
	raw_release(&a, 7);
	raw_release(&b, 12);
	assert_int_equal(consumer(ring, DMP_FROM_OLDEST, 0), 7);
	assert_int_equal(consumer(ring, DMP_FROM_LATEST, 0), 20);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 6), -ERANGE);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 7), 7);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 20), 20);
	assert_int_equal(consumer(ring, DMP_FROM_POSITION, 21), -ERANGE);
	raw_leave(&a);
	assert_int_equal(consumer(ring, DMP_FROM_OLDEST, 0), 12);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void nobody_starts_ahead_of_a_dependency(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");

	(void)state;
	raw_publish(&p, 20);
	raw_release(&a, 9);
	raw_release(&b, 4);
	assert_int_equal(consumer_after(ring, DMP_FROM_LATEST, 0, "a"), 9);
	assert_int_equal(consumer_after(ring, DMP_FROM_OLDEST, 0, "a"), 4);
	assert_int_equal(consumer_after(ring, DMP_FROM_POSITION, 9, "a"), 9);
	assert_int_equal(consumer_after(ring, DMP_FROM_POSITION, 10, "a"), -ERANGE);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

static void a_start_gates_from_the_moment_of_join(void **state)
{
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "late");
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), late;

	(void)state;
	raw_publish(&p, 20);
	raw_release(&a, 15);
	args.from = DMP_FROM_POSITION;
	args.position = 17;
	late = raw_join_with(ring, &args);
	assert_int_equal(late.own->cursor, 17);
	raw_release(&a, 20);
	assert_int_equal(raw_room(&p), 17 + SLOTS);
	raw_leave(&late);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

static void observers_start_where_something_may_still_be(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_publish(&p, 10);
	assert_int_equal(observer(ring, DMP_FROM_LATEST, 0), 10);
	assert_int_equal(observer(ring, DMP_FROM_OLDEST, 0), 0);
	raw_publish(&p, SLOTS);
	assert_int_equal(observer(ring, DMP_FROM_OLDEST, 0), 10);
	assert_int_equal(observer(ring, DMP_FROM_POSITION, 30), 30);
	assert_int_equal(observer(ring, DMP_FROM_POSITION, SLOTS + 11), -ERANGE);
	raw_leave(&p);
	close(ring);
}

static void a_producer_goes_on_at_the_cursor_and_nowhere_else(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_publish(&p, 33);
	raw_leave(&p);
	assert_int_equal(start_of(ring, DMP_ROLE_PRODUCER, DMP_FROM_OLDEST, 0, NULL), -EINVAL);
	assert_int_equal(start_of(ring, DMP_ROLE_PRODUCER, DMP_FROM_POSITION, 33, NULL), -EINVAL);
	assert_int_equal(ring_info(ring).epoch, 1);
	assert_int_equal(start_of(ring, DMP_ROLE_PRODUCER, DMP_FROM_LATEST, 0, NULL), 33);
	assert_int_equal(ring_info(ring).epoch, 2);
	close(ring);
}

static void only_consumers_have_dependencies_and_policies(void **state)
{
	static const uint32_t roles[] = { DMP_ROLE_PRODUCER, DMP_ROLE_OBSERVER };
	int ring = new_ring();
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	struct dmp_join args;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		assert_int_equal(start_of(ring, roles[i], DMP_FROM_LATEST, 0, "a"), -EINVAL);
		args = join_args(roles[i], NULL);
		args.policy = DMP_POLICY_DROP;
		assert_int_equal(ring_join(ring, &args), -EINVAL);
	}
	args = join_args(DMP_ROLE_CONSUMER, "b");
	args.policy = DMP_POLICY_DROP;
	i = ring_join(ring, &args);
	assert_int_equal(member_info(ring, "b").policy, DMP_POLICY_DROP);
	close(i);
	raw_leave(&a);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_ring_starts_at_zero),
		cmocka_unit_test(without_gates_nothing_but_the_cursor_is_safe),
		cmocka_unit_test(the_oldest_is_the_smallest_gate),
		cmocka_unit_test(nobody_starts_ahead_of_a_dependency),
		cmocka_unit_test(a_start_gates_from_the_moment_of_join),
		cmocka_unit_test(observers_start_where_something_may_still_be),
		cmocka_unit_test(a_producer_goes_on_at_the_cursor_and_nowhere_else),
		cmocka_unit_test(only_consumers_have_dependencies_and_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
