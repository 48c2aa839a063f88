// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_members.c: what MEMBERS, the member table and fdinfo tell of those who take part */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static void members_come_in_order_of_index(void **state)
{
	struct dmp_member_info m[8];
	struct dmp_members args = { .size = sizeof(args), .entry_size = sizeof(m[0]), .entries = (uintptr_t)m };
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	uint32_t i;

	(void)state;
	memset(m, 0xa5, sizeof(m));
	args.count = ARRAY_SIZE(m);
	assert_int_equal(xioctl(ring, DMP_IOC_MEMBERS, &args), 0);
	assert_int_equal(args.count, 3);
	for (i = 1; i < args.count; i++)
		assert_true(m[i].index > m[i - 1].index);
	assert_int_equal(m[3].index, 0xa5a5a5a5); /* not more than there are */
	raw_leave(&c);
	raw_leave(&o);
	raw_leave(&p);
	close(ring);
}

static void a_table_that_is_too_small_is_filled_and_counted(void **state)
{
	struct dmp_member_info m[3];
	struct dmp_members args = { .size = sizeof(args), .entry_size = sizeof(m[0]), .entries = (uintptr_t)m };
	int ring = new_ring();
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");

	(void)state;
	memset(m, 0xa5, sizeof(m));
	args.count = 1;
	assert_int_equal(xioctl(ring, DMP_IOC_MEMBERS, &args), 0);
	assert_int_equal(args.count, 2);
	assert_string_equal(m[0].name, "a");
	assert_int_equal(m[1].index, 0xa5a5a5a5);
	args.count = 0;
	args.entries = 0;
	assert_int_equal(xioctl(ring, DMP_IOC_MEMBERS, &args), 0);
	assert_int_equal(args.count, 2);
	raw_leave(&b);
	raw_leave(&a);
	close(ring);
}

/* A caller that is newer than the kernel: what the kernel does not know is zero. */
static void larger_entries_are_filled_up_with_zeros(void **state)
{
	struct {
		struct dmp_member_info info;
		uint64_t unknown[3];
	} m[2];
	struct dmp_members args = { .size = sizeof(args), .entry_size = sizeof(m[0]), .entries = (uintptr_t)m };
	int ring = new_ring();
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");

	(void)state;
	memset(m, 0xa5, sizeof(m));
	args.count = 2;
	assert_int_equal(xioctl(ring, DMP_IOC_MEMBERS, &args), 0);
	assert_string_equal(m[0].info.name, "a");
	assert_string_equal(m[1].info.name, "b");
	assert_int_equal(m[0].unknown[0] | m[0].unknown[1] | m[0].unknown[2], 0);
	assert_int_equal(m[1].unknown[0] | m[1].unknown[1] | m[1].unknown[2], 0);
	raw_leave(&b);
	raw_leave(&a);
	close(ring);
}

static void members_tells_each_role_its_own(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join_after(ring, "b", "a");
	struct dmp_member_info m;

	(void)state;
	raw_publish(&p, 6);
	raw_release(&a, 4);
	m = member_info(ring, "p");
	assert_int_equal(m.role, DMP_ROLE_PRODUCER);
	assert_int_equal(m.cursor, 6);
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.uid, getuid());
	m = member_info(ring, "o");
	assert_int_equal(m.role, DMP_ROLE_OBSERVER);
	assert_int_equal(m.cursor, 0);
	m = member_info(ring, "a");
	assert_int_equal(m.cursor, 4);
	assert_int_equal(m.incarnation, a.incarnation);
	assert_int_equal(m.waiting | m.waits_on | m.finished | m.sleeps | m.wakes, 0);
	m = member_info(ring, "b");
	assert_int_equal(m.role, DMP_ROLE_CONSUMER);
	assert_int_equal(m.deps, 1ULL << a.index);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&o);
	raw_leave(&p);
	close(ring);
}

static void the_table_in_memory_says_the_same(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b;
	const struct dmp_entry *e;

	(void)state;
	raw_publish(&p, 3);
	b = raw_join_after(ring, "b", "a");
	e = raw_entry(&p, b.index);
	assert_int_equal(e->state, DMP_MEMBER_JOINED);
	assert_int_equal(e->role, DMP_ROLE_CONSUMER);
	assert_int_equal(e->deps, 1ULL << a.index);
	assert_int_equal(e->start, 0);
	assert_int_equal(e->incarnation, b.incarnation);
	assert_string_equal(e->name, "b");
	e = raw_entry(&p, a.index);
	assert_int_equal(xioctl(a.fd, DMP_IOC_LEAVE, NULL), 0);
	assert_int_equal(e->state, DMP_MEMBER_LEFT);
	assert_true(e->incarnation > a.incarnation);
	assert_int_equal(raw_entry(&p, b.index)->deps, 0);
	raw_close(&a);
	assert_int_equal(e->state, DMP_MEMBER_FREE);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void fdinfo_of_a_member_file_tells_of_the_member(void **state)
{
	int ring = new_ring(), fd;
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "tester");
	char path[64], text[4096] = "", pid[32];

	(void)state;
	raw_publish(&p, 2);
	raw_release(&c, 1);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", c.fd);
	snprintf(pid, sizeof(pid), "pid:\t%d\n", getpid());
	fd = xopen(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "tester\n"));
	assert_non_null(strstr(text, "role:\tconsumer\n"));
	assert_non_null(strstr(text, "state:\tjoined\n"));
	assert_non_null(strstr(text, "cursor:\t1\n"));
	assert_non_null(strstr(text, pid));
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

/* ---- who: in the eyes of the caller ---- */

struct seen {
	int ring;
	uint64_t *step;
};

static int join_from_inside(void *arg)
{
	struct seen *s = arg;
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "inner");
	int fd = ring_join(s->ring, &args);

	assert_true(fd >= 0);
	assert_int_equal(getpid(), 1);
	assert_int_equal(member_info(s->ring, "inner").pid, 1);
	assert_int_equal(member_info(s->ring, "outer").pid, 0); /* cannot be seen from here */
	store_shared(&s->step[0], 1);
	await_shared(&s->step[1], 1);
	return 0;
}

static int enter_pid_namespace(void *arg)
{
	struct seen *s = arg;

	assert_int_equal(unshare(CLONE_NEWPID), 0);
	s->step[2] = start_child(join_from_inside, s);
	return finish_child(s->step[2]);
}

static void pids_are_those_of_the_callers_namespace(void **state)
{
	struct seen s = { new_ring(), shared_memory(DMP_PAGE) };
	struct raw outer = raw_join(s.ring, DMP_ROLE_CONSUMER, "outer");
	pid_t child = start_child(enter_pid_namespace, &s);

	(void)state;
	await_shared(&s.step[0], 1);
	await_shared(&s.step[2], 1);
	assert_int_equal(member_info(s.ring, "inner").pid, s.step[2]);
	assert_int_equal(member_info(s.ring, "outer").pid, getpid());
	store_shared(&s.step[1], 1);
	assert_int_equal(finish_child(child), 0);
	raw_leave(&outer);
	close(s.ring);
	free_shared_memory(s.step, DMP_PAGE);
}

static int join_as_another(void *arg)
{
	struct seen *s = arg;
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "other");

	become(1001);
	assert_true(ring_join(s->ring, &args) >= 0);
	store_shared(&s->step[0], 1);
	await_shared(&s->step[1], 1);
	return 0;
}

static void uids_are_those_of_who_joined(void **state)
{
	struct seen s = { new_ring(), shared_memory(DMP_PAGE) };
	pid_t child = start_child(join_as_another, &s);

	(void)state;
	await_shared(&s.step[0], 1);
	assert_int_equal(member_info(s.ring, "other").uid, 1001);
	assert_int_equal(member_info(s.ring, "other").pid, child);
	store_shared(&s.step[1], 1);
	assert_int_equal(finish_child(child), 0);
	close(s.ring);
	free_shared_memory(s.step, DMP_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_in_order_of_index),
		cmocka_unit_test(a_table_that_is_too_small_is_filled_and_counted),
		cmocka_unit_test(larger_entries_are_filled_up_with_zeros),
		cmocka_unit_test(members_tells_each_role_its_own),
		cmocka_unit_test(the_table_in_memory_says_the_same),
		cmocka_unit_test(fdinfo_of_a_member_file_tells_of_the_member),
		cmocka_unit_test(pids_are_those_of_the_callers_namespace),
		cmocka_unit_test(uids_are_those_of_who_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
