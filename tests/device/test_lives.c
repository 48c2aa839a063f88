// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_lives.c: how long a ring lives, who holds it, and which network namespace knows its name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"

static int create_named(const char *name, uint32_t flags)
{
	struct dmp_create args = create_args(name);
	int fd;

	args.flags = flags;
	fd = ring_create(&args);
	assert_true(fd >= 0);
	return fd;
}

static void a_ring_goes_with_its_last_file(void **state)
{
	struct name name = unique_name("last");
	int fd = create_named(name.s, 0), opened = ring_open(name.s, 0), bound = ring_bind(fd, 0), copy = dup(fd);
	struct dmp_join args = join_args(DMP_ROLE_OBSERVER, "o");
	int member = ring_join(fd, &args);
	int files[] = { fd, opened, bound, copy, member };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_true(files[i] >= 0);
		assert_true(ring_is_listed(name.s));
		close(files[i]);
	}
	assert_false(ring_is_listed(name.s));
	assert_int_equal(ring_open(name.s, 0), -ENOENT);
}

static void a_persistent_ring_stays_until_it_is_unlinked(void **state)
{
	struct name name = unique_name("stays");
	int fd = create_named(name.s, DMP_RING_PERSISTENT);
	uint64_t id = ring_info(fd).id;

	(void)state;
	close(fd);
	assert_true(ring_is_listed(name.s));
	fd = ring_open(name.s, 0);
	assert_int_equal(ring_info(fd).id, id);
	assert_int_equal(ring_info(fd).flags, DMP_RING_PERSISTENT);
	assert_int_equal(ring_unlink(name.s), 0);
	assert_int_equal(ring_unlink(name.s), -ENOENT);
	assert_false(ring_is_listed(name.s));
	close(fd);
}

static void what_is_in_a_persistent_ring_stays_in_it(void **state)
{
	struct name name = unique_name("content");
	int ring = create_named(name.s, DMP_RING_PERSISTENT);
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), o;

	(void)state;
	raw_publish(&p, 5);
	raw_leave(&p);
	close(ring);
	ring = ring_open(name.s, 0);
	o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	assert_int_equal(raw_cursor(&o), 5);
	assert_int_equal(*raw_slot(&o, 4), 4);
	assert_int_equal(ring_info(ring).ended, DMP_END_CRASHED);
	raw_leave(&o);
	assert_int_equal(ring_unlink(name.s), 0);
	close(ring);
}

static void an_unlinked_ring_lives_on_for_those_who_have_it(void **state)
{
	struct name name = unique_name("unlinked");
	int fd = create_named(name.s, DMP_RING_PERSISTENT), second;
	struct raw p = raw_join(fd, DMP_ROLE_PRODUCER, "p");

	(void)state;
	assert_int_equal(ring_unlink(name.s), 0);
	raw_publish(&p, 1);
	assert_int_equal(ring_info(fd).cursor, 1);
	second = create_named(name.s, 0); /* the name is free */
	assert_true(ring_info(second).id != ring_info(fd).id);
	close(second);
	raw_leave(&p);
	close(fd);
}

/* ---- other ways to a ring ---- */

static void a_ring_file_can_be_sent_over_a_socket(void **state)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int ring = new_ring(), pair[2], received;
	uint64_t id = ring_info(ring).id;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &ring, sizeof(ring));
	assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
	close(ring); /* on its way it is the last */
	memset(control, 0, sizeof(control));
	assert_int_equal(recvmsg(pair[1], &msg, 0), 1);
	memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(received));
	assert_int_equal(ring_info(received).id, id);
	close(received);
	close(pair[0]);
	close(pair[1]);
}

/* ---- network namespaces ---- */

struct elsewhere {
	struct name name;
	int ring;
	uint64_t *done;
};

static int look_from_another_namespace(void *arg)
{
	struct elsewhere *e = arg;
	struct dmp_create args = create_args(e->name.s);
	struct dmp_info info = { .size = sizeof(info) };
	int dev, own, bound;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	dev = device();
	assert_int_equal(ring_open(e->name.s, 0), -ENOENT);
	assert_int_equal(ring_unlink(e->name.s), -ENOENT);
	assert_int_equal(xioctl(dev, DMP_IOC_LIST, &info), -ENOENT);
	own = ring_create(&args); /* the same name, another ring */
	assert_true(own >= 0 && ring_info(own).id != ring_info(e->ring).id);
	bound = ring_bind(e->ring, 0); /* the file is a right wherever it is */
	assert_int_equal(ring_info(bound).id, ring_info(e->ring).id);
	/* A file opened there still sees the names of there. */
	assert_int_equal(xioctl(e->ring, DMP_IOC_LIST, &info), 0);
	return 0;
}

static void names_are_scoped_by_network_namespace(void **state)
{
	struct elsewhere e = { .name = unique_name("scoped") };

	(void)state;
	e.ring = create_named(e.name.s, 0);
	assert_int_equal(run_child(look_from_another_namespace, &e), 0);
	assert_true(ring_is_listed(e.name.s));
	close(e.ring);
}

static int leave_a_persistent_ring_behind(void *arg)
{
	struct elsewhere *e = arg;
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = create_named(e->name.s, DMP_RING_PERSISTENT);
	close(fd);
	assert_true(ring_is_listed(e->name.s));
	return 0;
}

static void the_end_of_a_namespace_drops_its_persistent_rings(void **state)
{
	struct elsewhere e = { .name = unique_name("dropped") };
	int before = module_references();

	(void)state;
	assert_int_equal(run_child(leave_a_persistent_ring_behind, &e), 0);
	await(module_is_back, &before, "the ring to go with its namespace");
}

static void a_persistent_ring_holds_the_module(void **state)
{
	struct name name = unique_name("holds");
	int before = module_references();

	(void)state;
	close(create_named(name.s, DMP_RING_PERSISTENT));
	assert_int_equal(module_references(), before + 1);
	assert_int_equal(ring_unlink(name.s), 0);
	assert_int_equal(module_references(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_goes_with_its_last_file),
		cmocka_unit_test(a_persistent_ring_stays_until_it_is_unlinked),
		cmocka_unit_test(what_is_in_a_persistent_ring_stays_in_it),
		cmocka_unit_test(an_unlinked_ring_lives_on_for_those_who_have_it),
		cmocka_unit_test(a_ring_file_can_be_sent_over_a_socket),
		cmocka_unit_test(names_are_scoped_by_network_namespace),
		cmocka_unit_test(the_end_of_a_namespace_drops_its_persistent_rings),
		cmocka_unit_test(a_persistent_ring_holds_the_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
