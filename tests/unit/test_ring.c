// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_ring.c: names, ring files and their errors */
#include "fake.h"

#include <fcntl.h>

static const struct dmp_ring_options options = { .slots = 64, .event_size = 56, .flags = DMP_RING_STAMPED };

static int reset(void **state)
{
	(void)state;
	fake_destroy();
	return 0;
}

static int create(const char *name)
{
	struct dmp_ring *ring = NULL;
	int err = dmp_ring_create(&ring, name, &options);

	dmp_ring_close(ring);
	return err;
}

static void a_name_may_say_who_owns_the_memory(void **state)
{
	(void)state;
	assert_int_equal(create("prices"), 0);
	assert_string_equal(fake.create.name, "prices");
	assert_int_equal(create("dmp:A-z_0.9"), 0);
	assert_string_equal(fake.create.name, "A-z_0.9");
}

static void a_name_that_does_not_say_is_the_modules_unless_the_environment_does(void **state)
{
	(void)state;
	setenv("DMP_BACKEND", "shm", 1);
	assert_int_equal(create(NULL), 0);
	assert_int_equal(fake.opens, 0);
	assert_int_equal(create("dmp:a"), 0);
	assert_int_equal(fake.opens, 1);
	setenv("DMP_BACKEND", "dmp", 1);
	assert_int_equal(create(NULL), 0);
	assert_int_equal(fake.opens, 2);
	setenv("DMP_BACKEND", "tmp", 1);
	assert_int_equal(create("a"), -EINVAL);
	setenv("DMP_BACKEND", "file", 1);
	assert_int_equal(create("a"), -EINVAL); /* no path */
	unsetenv("DMP_BACKEND");
	assert_int_equal(create("a"), 0);
	assert_int_equal(fake.opens, 3);
}

static void bad_names_are_invalid(void **state)
{
	static const char *const bad[] = {
		"", "dmp:", "a b", "a/b", "a:b", ":a", "DMP:a", "dmp:a:b", "\xc3\xa9", "a\n"
	};
	char longest[DMP_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(create(bad[i]), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[DMP_NAME_MAX] = 0;
	assert_int_equal(create(longest), -EINVAL);
	longest[DMP_NAME_MAX - 1] = 0;
	assert_int_equal(create(longest), 0);
}

static void only_creation_may_do_without_a_name(void **state)
{
	struct dmp_ring *ring;

	(void)state;
	assert_int_equal(create(NULL), 0);
	assert_int_equal(fake.create.name[0], 0);
	assert_int_equal(dmp_ring_open(&ring, NULL, 0), -EINVAL);
	assert_int_equal(dmp_ring_unlink(NULL), -EINVAL);
	assert_int_equal(dmp_ring_create(&ring, NULL, NULL), -EINVAL);
}

static void what_is_not_said_has_a_default(void **state)
{
	(void)state;
	assert_int_equal(create("a"), 0);
	assert_int_equal(fake.create.size, sizeof(struct dmp_create));
	assert_int_equal(fake.create.members, 16);
	assert_int_equal(fake.create.mode, 0700);
	assert_int_equal(fake.create.slots, 64);
	assert_int_equal(fake.create.event_size, 56);
	assert_int_equal(fake.create.flags, DMP_RING_STAMPED);
}

static void without_the_module_there_is_no_device(void **state)
{
	struct dmp_info info;
	struct dmp_ring *ring;

	(void)state;
	fake.open_error = -ENOENT;
	assert_int_equal(create("a"), -ENODEV);
	assert_int_equal(dmp_ring_open(&ring, "a", 0), -ENODEV);
	assert_int_equal(dmp_ring_unlink("a"), -ENODEV);
	assert_int_equal(dmp_ring_next(0, &info), -ENODEV);
	fake.open_error = -EACCES;
	assert_int_equal(create("a"), -EACCES);
}

static void a_file_that_could_not_be_bound_is_closed(void **state)
{
	struct dmp_ring *ring = (void *)&ring;

	(void)state;
	fake.error = -EEXIST;
	assert_int_equal(dmp_ring_create(&ring, "a", &options), -EEXIST);
	assert_int_equal(dmp_ring_open(&ring, "a", 0), -EEXIST);
	assert_int_equal(dmp_ring_unlink("a"), -EEXIST);
	assert_int_equal(fake.opens, 3);
	assert_int_equal(fake.closes, 3);
	assert_ptr_equal(ring, &ring);
}

static void only_who_wants_to_write_opens_for_writing(void **state)
{
	static const struct {
		uint32_t rights;
		int flags;
	} cases[] = { { 0, O_RDWR },
		      { DMP_RIGHT_W, O_RDWR },
		      { DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X, O_RDWR },
		      { DMP_RIGHT_R, O_RDONLY },
		      { DMP_RIGHT_R | DMP_RIGHT_X, O_RDONLY } };
	struct dmp_ring *ring;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(dmp_ring_open(&ring, "a", cases[i].rights), 0);
		assert_int_equal(fake.open.rights, cases[i].rights);
		assert_int_equal(fake.flags, cases[i].flags);
		dmp_ring_close(ring);
	}
}

static void a_right_is_handed_on_in_a_file_of_its_own(void **state)
{
	struct dmp_ring *ring;

	(void)state;
	assert_int_equal(dmp_ring_open(&ring, "a", 0), 0);
	assert_int_equal(dmp_ring_restrict(ring, DMP_RIGHT_R), FAKE_RING_FD);
	assert_int_equal(fake.bind.fd, dmp_ring_fd(ring));
	assert_int_equal(fake.bind.rights, DMP_RIGHT_R);
	assert_int_equal(fake.closes, 0);
	dmp_ring_close(ring);
	assert_int_equal(fake.closes, 1);
}

static void only_a_bound_ring_file_is_taken_over(void **state)
{
	struct dmp_ring *ring = NULL;

	(void)state;
	assert_int_equal(dmp_ring_from_fd(&ring, FAKE_MEMBER_FD), -EBADF);
	fake.error = -ENOTCONN;
	assert_int_equal(dmp_ring_from_fd(&ring, FAKE_RING_FD), -EBADF);
	assert_int_equal(fake.closes, 0);
	fake.error = 0;
	assert_int_equal(dmp_ring_from_fd(&ring, FAKE_RING_FD), 0);
	assert_int_equal(dmp_ring_fd(ring), FAKE_RING_FD);
	dmp_ring_close(ring);
}

static void closing_nothing_is_nothing(void **state)
{
	(void)state;
	dmp_ring_close(NULL);
	dmp_leave(NULL);
	assert_int_equal(fake.closes, 0);
}

static void the_library_says_its_version(void **state)
{
	(void)state;
	assert_string_equal(dmp_version(), DMP_VERSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_may_say_who_owns_the_memory),
		TEST(a_name_that_does_not_say_is_the_modules_unless_the_environment_does),
		TEST(bad_names_are_invalid),
		TEST(only_creation_may_do_without_a_name),
		TEST(what_is_not_said_has_a_default),
		TEST(without_the_module_there_is_no_device),
		TEST(a_file_that_could_not_be_bound_is_closed),
		TEST(only_who_wants_to_write_opens_for_writing),
		TEST(a_right_is_handed_on_in_a_file_of_its_own),
		TEST(only_a_bound_ring_file_is_taken_over),
		TEST(closing_nothing_is_nothing),
		TEST(the_library_says_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
