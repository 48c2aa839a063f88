// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_users.c: shm and file rings of several users: modes, rights, names and places. As root, in a virtual machine */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "native.h"

/* ---- rights ---- */

struct rights_case {
	uid_t uid;
	uint32_t mode, wanted;
	int err;
	uint32_t got;
};

struct attempt {
	struct address a;
	const struct rights_case *c;
};

static int open_as(void *arg)
{
	const struct attempt *t = arg;
	struct dmp_ring *ring = NULL;

	become(t->c->uid);
	assert_int_equal(dmp_ring_open(&ring, t->a.s, t->c->wanted), t->c->err);
	if (ring)
		assert_int_equal(info_of(ring).rights, t->c->got);
	dmp_ring_close(ring);
	return 0;
}

/* A creator of uid 1000 in a child, and who opens it in another, as root forks them. */
static int create_as_1000(void *arg)
{
	const struct attempt *t = arg;
	struct dmp_ring_options options = native_options(DMP_RING_PERSISTENT);

	become(1000);
	options.mode = t->c->mode;
	return -try_create(&t->a, &options);
}

static void the_mode_says_who_may_do_what(void **state)
{
	static const struct rights_case cases[] = {
		{ 1000, 0700, 0, 0, 7 }, { 1000, 0400, 0, 0, 4 },	{ 1000, 0400, 2, -EACCES, 0 },
		{ 1000, 0740, 1, 0, 1 }, { 1000, 0700, 8, -EINVAL, 0 }, { 1001, 0700, 0, -EACCES, 0 },
		{ 1001, 0704, 0, 0, 4 }, { 1001, 0704, 2, -EACCES, 0 }, { 1001, 0704, 1, -EACCES, 0 },
		{ 1001, 0703, 0, 0, 3 }, { 1001, 0703, 2, 0, 2 },	{ 1001, 0770, 0, -EACCES, 0 },
		{ 1001, 0707, 7, 0, 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct attempt t = { new_shm("mode"), &cases[i] };

		assert_int_equal(run_child(create_as_1000, &t), 0);
		assert_int_equal(run_child(open_as, &t), 0);
		assert_int_equal(dmp_ring_unlink(t.a.s), 0);
	}
}

static int join_with(void *arg)
{
	const struct attempt *t = arg;
	struct dmp_ring *ring = open_ring(&t->a);
	const uint32_t has = info_of(ring).rights;

	assert_int_equal(try_join(ring, DMP_ROLE_OBSERVER, "o"), has & DMP_RIGHT_R ? 0 : -EACCES);
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "p"), has & DMP_RIGHT_W ? 0 : -EACCES);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "c"), has & DMP_RIGHT_X ? 0 : -EACCES);
	dmp_ring_close(ring);
	return 0;
}

static int join_as_1001(void *arg)
{
	become(1001);
	return join_with(arg);
}

static void a_right_is_what_a_member_needs(void **state)
{
	(void)state;
	for (uint32_t mode = 1; mode < 8; mode++) {
		const struct rights_case c = { .mode = 0700 | mode };
		struct attempt t = { new_shm("rights"), &c };

		assert_int_equal(run_child(create_as_1000, &t), 0);
		assert_int_equal(run_child(join_as_1001, &t), 0);
		assert_int_equal(dmp_ring_unlink(t.a.s), 0);
	}
}

static int unlink_as_1001(void *arg)
{
	const struct attempt *t = arg;

	become(1001);
	return -dmp_ring_unlink(t->a.s);
}

static void only_its_owner_unlinks_a_ring(void **state)
{
	static const uint32_t modes[] = { 0700, 0777 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		const struct rights_case c = { .mode = modes[i] };
		struct attempt t = { new_shm("owner"), &c };

		assert_int_equal(run_child(create_as_1000, &t), 0);
		assert_int_equal(run_child(unlink_as_1001, &t), EPERM);
		assert_int_equal(dmp_ring_unlink(t.a.s), 0);
	}
}

/* ---- places ---- */

static int resume_as_1001(void *arg)
{
	struct dmp_ring *ring;

	become(1001);
	ring = open_ring(arg);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "c"), -EEXIST);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "d"), 0);
	return 0;
}

static int join_in_an_open_ring_and_die(void *arg)
{
	struct dmp_ring_options options = native_options(0);
	struct dmp_ring *ring = NULL;

	options.mode = 0777;
	assert_int_equal(dmp_ring_create(&ring, ((struct address *)arg)->s, &options), 0);
	join(ring, DMP_ROLE_CONSUMER, "c");
	kill(getpid(), SIGKILL);
	return 0;
}

static void a_place_is_for_its_user_alone(void **state)
{
	struct address a = new_file("place");
	char folder[ADDRESS_MAX];

	(void)state;
	snprintf(folder, sizeof(folder), "%s", path_of(&a));
	*strrchr(folder, '/') = 0;
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(run_child(join_in_an_open_ring_and_die, &a), 128 + SIGKILL);
	assert_int_equal(run_child(resume_as_1001, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mode_says_who_may_do_what),
		cmocka_unit_test(a_right_is_what_a_member_needs),
		cmocka_unit_test(only_its_owner_unlinks_a_ring),
		cmocka_unit_test(a_place_is_for_its_user_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
