// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_require.c: REQUIRE and REQUIRED: which consumers, who of them is there, and whose that is to say */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "require.h"

#define ALICE 1001
#define BOB   1002

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
