// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_kinds.c: calls on the wrong kind of file, by the wrong process, of the wrong width */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

static const struct {
	const char *name;
	unsigned long cmd;
	bool of_device, of_member;
} commands[] = {
	{ "CREATE", DMP_IOC_CREATE, true, false },    { "OPEN", DMP_IOC_OPEN, true, false },
	{ "BIND", DMP_IOC_BIND, true, false },	      { "UNLINK", DMP_IOC_UNLINK, true, false },
	{ "LIST", DMP_IOC_LIST, true, false },	      { "INFO", DMP_IOC_INFO, true, true },
	{ "MEMBERS", DMP_IOC_MEMBERS, true, true },   { "JOIN", DMP_IOC_JOIN, true, false },
	{ "LEAVE", DMP_IOC_LEAVE, false, true },      { "WAIT", DMP_IOC_WAIT, false, true },
	{ "ARM", DMP_IOC_ARM, false, true },	      { "WAKE", DMP_IOC_WAKE, false, true },
	{ "FINISH", DMP_IOC_FINISH, false, true },    { "REQUIRE", DMP_IOC_REQUIRE, true, false },
	{ "REQUIRED", DMP_IOC_REQUIRED, true, true }, { "STALLED", DMP_IOC_STALLED, false, true },
	{ "EVICT", DMP_IOC_EVICT, true, false },      { "HOLDUP", DMP_IOC_HOLDUP, true, true },
};

static void assert_untouched(const struct snapshot *before)
{
	struct snapshot after = take_snapshot();

	assert_memory_equal(before, &after, sizeof(after));
}

static void expect(int fd, unsigned long cmd, void *arg, int err, const char *what)
{
	int ret = xioctl(fd, cmd, arg);

	if (ret != -err)
		fail_msg("%s: %d, expected %d (%s)", what, ret, -err, strerror(err));
}

static void calls_of_the_other_kind_of_file_are_enotty(void **state)
{
	struct snapshot before = take_snapshot();
	int bare = device();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!commands[i].of_device) {
			expect(bare, commands[i].cmd, NULL, ENOTTY, commands[i].name);
			expect(w.ring, commands[i].cmd, NULL, ENOTTY, commands[i].name);
		}
		if (!commands[i].of_member) {
			expect(w.c.fd, commands[i].cmd, NULL, ENOTTY, commands[i].name);
			expect(w.p.fd, commands[i].cmd, NULL, ENOTTY, commands[i].name);
		}
	}
	assert_true(is_bare(bare));
	close(bare);
	assert_untouched(&before);
}

static void valid_arguments_do_not_help_on_the_wrong_kind_of_file(void **state)
{
	struct snapshot before = take_snapshot();
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		if (calls[call].kind == BARE || call == JOIN || call == EVICT || call == REQUIRE)
			expect(w.c.fd, calls[call].cmd, &a, ENOTTY, calls[call].name);
		else if (calls[call].kind >= MEMBER)
			expect(w.ring, calls[call].cmd, &a, ENOTTY, calls[call].name);
	}
	assert_untouched(&before);
}

static bool is_command(unsigned long cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return true;
	return false;
}

/* Numbers that are none, and numbers that are one but with another direction, size or type in the command. */
static void unknown_commands_are_enotty(void **state)
{
	static const unsigned long spoilt[] = { 1u << 16, 24u << 16, 1u << 30, 1u << 31, 1u << 8 };
	struct snapshot before = take_snapshot();
	union args a = { .size = sizeof(a) };
	int files[] = { device(), w.ring, w.p.fd, w.c.fd };
	size_t f, s;
	unsigned int nr;

	(void)state;
	for (f = 0; f < ARRAY_SIZE(files); f++)
		for (nr = 0; nr < 256; nr++) {
			if (!is_command(DMP_IOC_(nr)))
				expect(files[f], DMP_IOC_(nr), &a, ENOTTY, "an unknown number");
			for (s = 0; s < ARRAY_SIZE(spoilt); s++)
				expect(files[f], DMP_IOC_(nr) ^ spoilt[s], &a, ENOTTY, "a spoilt number");
		}
	assert_true(is_bare(files[0]));
	close(files[0]);
	assert_untouched(&before);
}

static void a_file_that_is_not_bound_has_no_ring(void **state)
{
	static const int bound_only[] = { INFO, MEMBERS, JOIN, EVICT, REQUIRE, REQUIRED, HOLDUP };
	struct snapshot before = take_snapshot();
	int bare = device();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bound_only); i++) {
		union args a = valid_args(bound_only[i]), copy = a;

		expect(bare, calls[bound_only[i]].cmd, &a, ENOTCONN, calls[bound_only[i]].name);
		assert_memory_equal(&a, &copy, sizeof(a));
	}
	close(bare);
	assert_untouched(&before);
}

static void a_file_is_bound_once(void **state)
{
	struct snapshot before = take_snapshot();
	int call;

	(void)state;
	for (call = CREATE; call <= BIND; call++) {
		union args a = valid_args(call);

		expect(w.ring, calls[call].cmd, &a, EISCONN, calls[call].name);
	}
	assert_untouched(&before);
}

static void only_bound_ring_files_can_be_bound_to(void **state)
{
	int bare = device(), null = xopen("/dev/null", O_RDWR), self = device();
	const int wrong[] = { bare, null, self, w.c.fd, w.p.fd };
	struct dmp_bind args = { .size = sizeof(args) };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		args.fd = wrong[i];
		expect(self, DMP_IOC_BIND, &args, EBADF, "BIND");
		assert_true(is_bare(self));
	}
	close(self);
	close(null);
	close(bare);
}

static void commands_without_a_struct_take_no_argument(void **state)
{
	static const unsigned long plain[] = { DMP_IOC_LEAVE, DMP_IOC_WAKE, DMP_IOC_FINISH };
	struct snapshot before = take_snapshot();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		expect(w.p.fd, plain[i], (void *)1, EINVAL, "an argument");
		expect(w.p.fd, plain[i], &before, EINVAL, "an argument");
	}
	assert_untouched(&before);
}

static void only_a_producer_can_finish(void **state)
{
	struct snapshot before = take_snapshot();

	(void)state;
	expect(w.c.fd, DMP_IOC_FINISH, NULL, EACCES, "FINISH");
	assert_untouched(&before);
}

/* ---- another address space ---- */

static int use_the_members_of_the_parent(void *unused)
{
	const int files[] = { w.c.fd, w.p.fd };
	const uint64_t regions[] = { DMP_OFF_META, DMP_OFF_CURSOR, DMP_OFF_MEMBERS, DMP_OFF_SELF, DMP_OFF_DATA };
	size_t f, i;

	(void)unused;
	for (f = 0; f < ARRAY_SIZE(files); f++) {
		for (i = 0; i < ARRAY_SIZE(commands); i++)
			if (commands[i].of_member)
				expect(files[f], commands[i].cmd, NULL, EPERM, commands[i].name);
		for (i = 0; i < CALLS; i++) {
			union args a = valid_args(i);

			if (calls[i].kind >= MEMBER || i == INFO || i == MEMBERS || i == REQUIRED || i == HOLDUP)
				expect(files[f], calls[i].cmd, &a, EPERM, calls[i].name);
		}
		for (i = 0; i < ARRAY_SIZE(regions); i++) {
			assert_ptr_equal(raw_mmap(files[f], regions[i], DMP_PAGE, PROT_READ), MAP_FAILED);
			assert_int_equal(errno, EPERM);
		}
	}
	return 0;
}

static void a_member_file_serves_only_the_address_space_that_joined(void **state)
{
	struct snapshot before = take_snapshot();

	(void)state;
	assert_int_equal(run_child(use_the_members_of_the_parent, NULL), 0);
	assert_untouched(&before);
}

static int touch_a_mapping(void *p)
{
	return *(volatile char *)p;
}

static void a_child_inherits_no_mapping(void **state)
{
	(void)state;
	assert_int_equal(run_child(touch_a_mapping, (void *)w.c.meta), 128 + SIGSEGV);
	assert_int_equal(run_child(touch_a_mapping, w.c.cursor), 128 + SIGSEGV);
	assert_int_equal(run_child(touch_a_mapping, w.c.members), 128 + SIGSEGV);
	assert_int_equal(run_child(touch_a_mapping, w.c.self), 128 + SIGSEGV);
	assert_int_equal(run_child(touch_a_mapping, w.c.data), 128 + SIGSEGV);
}

/* ---- 32-bit callers ---- */

static long call32(long nr, long b, long c, long d)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(b), "c"(c), "d"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

#define IOCTL32 54
#define OPEN32	5

/* On a kernel without 32-bit calls the processor already refuses, by a signal. */
static int call_as_32_bit(void *low)
{
	struct dmp_info *info = low;

	strcpy(low, "/dev/dmp");
	assert_int_equal(call32(OPEN32, (long)low, O_RDWR, 0), -EOPNOTSUPP);
	memset(low, 0, DMP_PAGE);
	info->size = sizeof(*info);
	assert_int_equal(call32(IOCTL32, w.ring, DMP_IOC_INFO, (long)low), -ENOTTY);
	assert_int_equal(call32(IOCTL32, w.p.fd, DMP_IOC_FINISH, 0), -ENOTTY);
	assert_int_equal(info->slots, 0);
	return 0;
}

static void callers_of_32_bits_are_refused(void **state)
{
	void *low = mmap(NULL, DMP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct snapshot before = take_snapshot();
	int result;

	(void)state;
	assert_ptr_not_equal(low, MAP_FAILED);
	result = run_child(call_as_32_bit, low);
	assert_true(result == 0 || result == 128 + SIGSEGV);
	assert_untouched(&before);
	munmap(low, DMP_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_of_the_other_kind_of_file_are_enotty),
		cmocka_unit_test(valid_arguments_do_not_help_on_the_wrong_kind_of_file),
		cmocka_unit_test(unknown_commands_are_enotty),
		cmocka_unit_test(a_file_that_is_not_bound_has_no_ring),
		cmocka_unit_test(a_file_is_bound_once),
		cmocka_unit_test(only_bound_ring_files_can_be_bound_to),
		cmocka_unit_test(commands_without_a_struct_take_no_argument),
		cmocka_unit_test(only_a_producer_can_finish),
		cmocka_unit_test(a_member_file_serves_only_the_address_space_that_joined),
		cmocka_unit_test(a_child_inherits_no_mapping),
		cmocka_unit_test(callers_of_32_bits_are_refused),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
