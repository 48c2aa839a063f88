// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_quota.c: what rings may cost: module parameters, RLIMIT_MEMLOCK, the cgroup; and that it is given back */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

#define MIB (1ULL << 20)

static void read_text(const char *path, char *text, size_t size)
{
	int fd = xopen(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	assert_true(n >= 0);
	text[n] = 0;
	close(fd);
}

static void write_text(const char *path, const char *text)
{
	int fd = xopen(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

/* ---- module parameters ---- */

#define PARAMETERS "/sys/module/dmp/parameters/"

static uint64_t swap_parameter(const char *name, uint64_t value)
{
	char path[128], old[32], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	read_text(path, old, sizeof(old));
	write_text(path, text);
	return strtoull(old, NULL, 10);
}

static int create_bytes(uint64_t data)
{
	struct dmp_create args = create_args(NULL);

	args.slots = data / 4096;
	args.event_size = 4096;
	return ring_create(&args);
}

/* Create until it fails; *err: how. Returns how many, whose files are in fds. */
static int create_all(uint64_t data, int *fds, int max, int *err)
{
	int n;

	for (n = 0; n < max; n++) {
		fds[n] = create_bytes(data);
		if (fds[n] < 0) {
			*err = fds[n];
			return n;
		}
	}
	*err = 0;
	return n;
}

static void close_all(const int *fds, int n)
{
	while (n--)
		close(fds[n]);
}

static int create_three(void *uid)
{
	int fds[5], err;

	become((uintptr_t)uid);
	assert_int_equal(create_all(4096, fds, 5, &err), 3);
	assert_int_equal(err, -EDQUOT);
	close(fds[1]);
	fds[1] = create_bytes(4096); /* one has gone, one fits */
	assert_true(fds[1] >= 0);
	assert_int_equal(create_bytes(4096), -EDQUOT);
	return 0;
}

static void one_uid_has_only_so_many_rings(void **state)
{
	uint64_t old = swap_parameter("max_rings_per_uid", 3);
	int fds[5], err;

	(void)state;
	assert_int_equal(create_all(4096, fds, 5, &err), 5); /* CAP_SYS_RESOURCE is exempt */
	assert_int_equal(run_child(create_three, (void *)1000), 0);
	assert_int_equal(run_child(create_three, (void *)1001), 0);
	assert_int_equal(run_child(create_three, (void *)1000), 0); /* given back */
	close_all(fds, 5);
	swap_parameter("max_rings_per_uid", old);
}

struct other_uid {
	uint64_t *step;
	uid_t uid;
};

static int hold_three(void *arg)
{
	struct other_uid *o = arg;
	int fds[5], err;

	become(o->uid);
	assert_int_equal(create_all(4096, fds, 5, &err), 3);
	store_shared(&o->step[0], 1);
	await_shared(&o->step[1], 1);
	return 0;
}

static int create_none(void *uid)
{
	become((uintptr_t)uid);
	return create_bytes(4096) == -EDQUOT ? 0 : 1;
}

static void the_quota_is_per_uid_not_per_process(void **state)
{
	uint64_t old = swap_parameter("max_rings_per_uid", 3);
	struct other_uid o = { shared_memory(DMP_PAGE), 1000 };
	pid_t child = start_child(hold_three, &o);

	(void)state;
	await_shared(&o.step[0], 1);
	assert_int_equal(run_child(create_none, (void *)1000), 0);
	assert_int_equal(run_child(create_three, (void *)1001), 0);
	store_shared(&o.step[1], 1);
	assert_int_equal(finish_child(child), 0);
	free_shared_memory(o.step, DMP_PAGE);
	swap_parameter("max_rings_per_uid", old);
}

static int create_two_mib(void *unused)
{
	int fds[5], err;

	(void)unused;
	become(1000);
	assert_int_equal(create_all(MIB, fds, 5, &err), 2);
	assert_int_equal(err, -EDQUOT);
	assert_int_equal(create_bytes(MIB / 2) >= 0, 1); /* a smaller one still fits */
	close_all(fds, 2);
	assert_int_equal(create_all(MIB, fds, 5, &err), 2);
	return 0;
}

static void one_uid_has_only_so_many_bytes(void **state)
{
	uint64_t old = swap_parameter("max_bytes_per_uid", 3 * MIB);
	const struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };
	int fds[5], err;

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &no_limit), 0);
	assert_int_equal(create_all(MIB, fds, 5, &err), 5); /* CAP_SYS_RESOURCE is exempt */
	assert_int_equal(run_child(create_two_mib, NULL), 0);
	close_all(fds, 5);
	swap_parameter("max_bytes_per_uid", old);
}

static void one_ring_has_only_so_many_bytes(void **state)
{
	uint64_t old = swap_parameter("max_ring_bytes", MIB);
	int fd;

	(void)state;
	assert_int_equal(create_bytes(MIB), -EFBIG); /* with what else it needs it is larger */
	fd = create_bytes(MIB / 2);
	assert_true(fd >= 0);
	close(fd);
	swap_parameter("max_ring_bytes", old);
}

static void one_ring_has_only_so_many_members(void **state)
{
	uint64_t old = swap_parameter("max_members", 20);
	struct dmp_create args = create_args(NULL);
	int fd;

	(void)state;
	args.members = 21;
	assert_int_equal(ring_create(&args), -EFBIG);
	args.members = 20;
	fd = ring_create(&args);
	assert_true(fd >= 0);
	close(fd);
	swap_parameter("max_members", old);
}

/* ---- RLIMIT_MEMLOCK ---- */

#define LOCKED (4 * MIB)

static int lock_up_to_the_limit(void *unused)
{
	struct rlimit limit = { LOCKED, LOCKED };
	int fds[8], n, err;
	uint64_t bytes;

	(void)unused;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	become(1000);
	n = create_all(MIB, fds, 8, &err);
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(n, 3);
	bytes = ring_info(fds[0]).bytes;
	assert_true(n * bytes <= LOCKED && (n + 1) * bytes > LOCKED);
	close_all(fds, n);
	assert_int_equal(create_all(MIB, fds, 8, &err), n); /* all of it came back */
	return 0;
}

static int lock_without_limit(void *unused)
{
	struct rlimit limit = { LOCKED, LOCKED };
	int fds[8], err;

	(void)unused;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(create_all(MIB, fds, 8, &err), 8);
	return 0;
}

static int lock_nothing_more(void *arg)
{
	struct other_uid *o = arg;
	struct rlimit limit = { LOCKED, LOCKED };
	int fds[8], err;

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	become(o->uid);
	create_all(MIB, fds, 8, &err);
	assert_int_equal(err, -ENOBUFS);
	store_shared(&o->step[0], 1);
	await_shared(&o->step[1], 1);
	return 0;
}

static int lock_one(void *uid)
{
	struct rlimit limit = { LOCKED, LOCKED };

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	become((uintptr_t)uid);
	return create_bytes(MIB) < 0;
}

static void rlimit_memlock_holds(void **state)
{
	(void)state;
	assert_int_equal(run_child(lock_up_to_the_limit, NULL), 0);
	assert_int_equal(run_child(lock_without_limit, NULL), 0); /* CAP_IPC_LOCK is exempt */
}

static void rlimit_memlock_is_of_the_user_not_of_the_process(void **state)
{
	struct other_uid o = { shared_memory(DMP_PAGE), 1000 };
	pid_t child = start_child(lock_nothing_more, &o);

	(void)state;
	await_shared(&o.step[0], 1);
	assert_int_equal(run_child(lock_one, (void *)1000), 1);
	assert_int_equal(run_child(lock_one, (void *)1001), 0);
	store_shared(&o.step[1], 1);
	assert_int_equal(finish_child(child), 0);
	assert_int_equal(run_child(lock_one, (void *)1000), 0);
	free_shared_memory(o.step, DMP_PAGE);
}

/* ---- the cgroup ---- */

#define GROUP	  "/sys/fs/cgroup/dmp-quota"
#define GROUP_MAX (28 * MIB) /* three rings of 8 MiB, and what a process needs */

static int fill_the_group(void *unused)
{
	int fds[8], n, err;

	(void)unused;
	write_text(GROUP "/cgroup.procs", "0");
	n = create_all(8 * MIB, fds, 8, &err);
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(n, 3);
	assert_int_equal(create_bytes(64 * MIB), -ENOMEM);
	close_all(fds, n);
	assert_int_equal(create_all(8 * MIB, fds, 8, &err), n); /* all of it came back */
	return 0;
}

static bool group_is_empty(void *unused)
{
	char text[32];

	(void)unused;
	read_text(GROUP "/memory.current", text, sizeof(text));
	return strtoull(text, NULL, 10) < 2 * MIB;
}

static void at_the_limit_of_the_cgroup_there_is_no_memory_and_nobody_is_killed(void **state)
{
	char events[512], limit[32];

	(void)state;
	assert_int_equal(mkdir(GROUP, 0755), 0);
	snprintf(limit, sizeof(limit), "%llu", GROUP_MAX);
	write_text(GROUP "/memory.max", limit);
	assert_int_equal(run_child(fill_the_group, NULL), 0);
	await(group_is_empty, NULL, "the cgroup's memory to come back");
	read_text(GROUP "/memory.events", events, sizeof(events));
	assert_non_null(strstr(events, "oom_kill 0\n"));
	assert_int_equal(rmdir(GROUP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_uid_has_only_so_many_rings),
		cmocka_unit_test(the_quota_is_per_uid_not_per_process),
		cmocka_unit_test(one_uid_has_only_so_many_bytes),
		cmocka_unit_test(one_ring_has_only_so_many_bytes),
		cmocka_unit_test(one_ring_has_only_so_many_members),
		cmocka_unit_test(rlimit_memlock_holds),
		cmocka_unit_test(rlimit_memlock_is_of_the_user_not_of_the_process),
		cmocka_unit_test(at_the_limit_of_the_cgroup_there_is_no_memory_and_nobody_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
