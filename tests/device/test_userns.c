// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_userns.c: root of a user namespace, who is uid 1001 outside and has every capability, but over nothing that is
 * not its own; and who is who in whose eyes
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

#define INSIDE	 1001  /* uid and gid outside of who is root inside */
#define UNMAPPED 65534 /* what a uid without a name here is shown as */

static void write_text(const char *path, const char *text)
{
	int fd = xopen(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void map_root(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", INSIDE);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/gid_map", map);
	assert_int_equal(getuid() | geteuid() | getgid(), 0);
}

static void enter(int more)
{
	become(INSIDE);
	assert_int_equal(unshare(CLONE_NEWUSER | more), 0);
	map_root();
}

/* A ring of uid 0 outside, by name, and its ring file. */
struct owned {
	struct name name;
	int ring;
	uint64_t *step;
};

static struct owned own_ring(uint32_t mode)
{
	struct owned o = { .name = unique_name("owned"), .step = shared_memory(DMP_PAGE) };
	struct dmp_create args = create_args(o.name.s);

	args.mode = mode;
	o.ring = ring_create(&args);
	assert_true(o.ring >= 0);
	return o;
}

static void disown_ring(struct owned *o)
{
	close(o->ring);
	free_shared_memory(o->step, DMP_PAGE);
}

/* ---- refusals ---- */

static int open_a_private_ring(void *arg)
{
	const struct owned *o = arg;
	uint32_t rights;

	enter(0);
	for (rights = 0; rights < 8; rights++)
		assert_int_equal(ring_open(o->name.s, rights), -EACCES);
	return 0;
}

static void root_inside_may_not_open_a_private_ring(void **state)
{
	struct owned o = own_ring(0770); /* its group, too, is another */

	(void)state;
	assert_int_equal(run_child(open_a_private_ring, &o), 0);
	disown_ring(&o);
}

static int use_what_others_may(void *arg)
{
	const struct owned *o = arg;
	struct dmp_join produce = join_args(DMP_ROLE_PRODUCER, "p");
	struct dmp_evict evict = { .size = sizeof(evict), .name = "c" };
	int ring;

	enter(0);
	assert_int_equal(ring_open(o->name.s, DMP_RIGHT_W), -EACCES);
	ring = ring_open(o->name.s, 0);
	assert_int_equal(ring_info(ring).rights, DMP_RIGHT_R | DMP_RIGHT_X);
	assert_int_equal(ring_join(ring, &produce), -EACCES);
	assert_int_equal(ring_bind(ring, DMP_RIGHT_W), -EACCES);
	assert_int_equal(xioctl(ring, DMP_IOC_EVICT, &evict), -EACCES);
	return 0;
}

static void root_inside_has_the_rights_of_others(void **state)
{
	struct owned o = own_ring(0705);

	(void)state;
	assert_int_equal(run_child(use_what_others_may, &o), 0);
	disown_ring(&o);
}

static int unlink_the_ring_of_another(void *arg)
{
	const struct owned *o = arg;
	struct dmp_create args = create_args(o->name.s);
	struct name own = unique_name("own");
	int ring;

	enter(0);
	assert_int_equal(ring_unlink(o->name.s), -EPERM);
	assert_int_equal(ring_create(&args), -EEXIST); /* one network namespace: the name is taken */
	args = create_args(own.s);
	ring = ring_create(&args);
	assert_true(ring >= 0);
	assert_int_equal(ring_unlink(own.s), 0);
	return 0;
}

static void root_inside_unlinks_its_own_rings_alone(void **state)
{
	struct owned o = own_ring(0777);

	(void)state;
	assert_int_equal(run_child(unlink_the_ring_of_another, &o), 0);
	assert_true(ring_is_listed(o.name.s));
	disown_ring(&o);
}

/* CAP_IPC_LOCK and CAP_SYS_RESOURCE of a user namespace are no more than a uid. */
static int create_beyond_limits(void *unused)
{
	const struct rlimit none = { 0, 0 };
	struct dmp_create args = create_args(NULL);
	int ring;

	(void)unused;
	enter(0);
	ring = new_ring();
	assert_int_equal(ring_create(&args), -EDQUOT); /* one ring per uid, see below */
	close(ring);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	assert_int_equal(ring_create(&args), -ENOBUFS);
	return 0;
}

static void root_inside_has_no_more_than_its_limits(void **state)
{
	static const char parameter[] = "/sys/module/dmp/parameters/max_rings_per_uid";
	char old[16] = "";
	int fd = xopen(parameter, O_RDONLY);

	(void)state;
	assert_true(read(fd, old, sizeof(old) - 1) > 0);
	close(fd);
	write_text(parameter, "1");
	assert_int_equal(run_child(create_beyond_limits, NULL), 0);
	write_text(parameter, old);
}

static int open_the_device(void *unused)
{
	(void)unused;
	enter(0);
	return -xopen("/dev/dmp", O_RDWR);
}

static void the_device_is_closed_to_whom_its_mode_keeps_out(void **state)
{
	(void)state;
	assert_int_equal(chmod("/dev/dmp", 0600), 0);
	assert_int_equal(run_child(open_the_device, NULL), EACCES);
	assert_int_equal(chmod("/dev/dmp", 0666), 0);
}

/* ---- with a network namespace of its own ---- */

static int have_the_same_name_inside(void *arg)
{
	const struct owned *o = arg;
	struct dmp_create args = create_args(o->name.s);
	int ring;

	enter(CLONE_NEWNET);
	assert_int_equal(ring_open(o->name.s, 0), -ENOENT);
	assert_int_equal(ring_unlink(o->name.s), -ENOENT);
	ring = ring_create(&args);
	assert_true(ring >= 0 && ring_info(ring).id != ring_info(o->ring).id);
	assert_int_equal(ring_unlink(o->name.s), 0);
	return 0;
}

static void names_inside_are_its_own(void **state)
{
	struct owned o = own_ring(0777);

	(void)state;
	assert_int_equal(run_child(have_the_same_name_inside, &o), 0);
	assert_true(ring_is_listed(o.name.s));
	disown_ring(&o);
}

/* ---- who is who ---- */

static int join_inside(void *arg)
{
	struct owned *o = arg;
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "inner");
	struct dmp_create create = create_args(NULL);
	int ring;

	enter(0);
	assert_int_equal(ring_info(o->ring).uid, UNMAPPED);
	assert_int_equal(ring_info(o->ring).gid, UNMAPPED);
	assert_int_equal(member_info(o->ring, "outer").uid, UNMAPPED);
	assert_int_equal(member_info(o->ring, "outer").pid, getppid()); /* the pid namespace is the same */
	assert_true(ring_join(o->ring, &args) >= 0);			/* an inherited file is a right */
	assert_int_equal(member_info(o->ring, "inner").uid, 0);
	ring = ring_create(&create);
	assert_int_equal(ring_info(ring).uid | ring_info(ring).gid, 0);
	store_shared(&o->step[0], 1);
	await_shared(&o->step[1], 1);
	return 0;
}

static void uids_are_those_of_the_callers_namespace(void **state)
{
	struct owned o = own_ring(0700);
	struct raw outer = raw_join(o.ring, DMP_ROLE_CONSUMER, "outer");
	pid_t child = start_child(join_inside, &o);

	(void)state;
	await_shared(&o.step[0], 1);
	assert_int_equal(member_info(o.ring, "inner").uid, INSIDE);
	assert_int_equal(member_info(o.ring, "inner").pid, child);
	assert_int_equal(member_info(o.ring, "outer").uid, 0);
	store_shared(&o.step[1], 1);
	assert_int_equal(finish_child(child), 0);
	raw_leave(&outer);
	disown_ring(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_inside_may_not_open_a_private_ring),
		cmocka_unit_test(root_inside_has_the_rights_of_others),
		cmocka_unit_test(root_inside_unlinks_its_own_rings_alone),
		cmocka_unit_test(root_inside_has_no_more_than_its_limits),
		cmocka_unit_test(the_device_is_closed_to_whom_its_mode_keeps_out),
		cmocka_unit_test(names_inside_are_its_own),
		cmocka_unit_test(uids_are_those_of_the_callers_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
