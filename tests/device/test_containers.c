// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_containers.c: equal pids in two pid namespaces, equal names in two network namespaces, and what the end of one
 * takes with it. User namespaces: test_userns.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "raw.h"

/* ---- two pid namespaces: each has a process 1, which is a consumer and an observer of one ring ---- */

struct place {
	int ring;
	const char *name;
	int inherited;	/* the member file of somebody else; -1: none */
	uint64_t *step; /* PID, FD, UP, GO */
	pid_t outer;	/* who made the namespace */
};

enum { PID, FD, UP, GO };

/* A file of the process that has the same number as we have, but is another. */
static void touch_the_file_of_another(int fd)
{
	struct dmp_info info = { .size = sizeof(info) };

	assert_int_equal(xioctl(fd, DMP_IOC_INFO, &info), -EPERM);
	assert_int_equal(xioctl(fd, DMP_IOC_LEAVE, NULL), -EPERM);
	assert_ptr_equal(raw_mmap(fd, DMP_OFF_CURSOR, DMP_PAGE, PROT_READ), MAP_FAILED);
	assert_int_equal(errno, EPERM);
	close(dup(fd));
}

static int be_the_first(void *arg)
{
	struct place *x = arg;
	struct raw c = raw_join(x->ring, DMP_ROLE_CONSUMER, x->name), o = raw_join(x->ring, DMP_ROLE_OBSERVER, "o");
	struct dmp_member_info other;

	assert_int_equal(getpid(), 1);
	assert_int_equal(member_info(x->ring, x->name).pid, 1);
	assert_int_equal(member_info(x->ring, x->name).tid, 1);
	if (*x->name == 'b' && find_member(x->ring, "a", &other))
		assert_int_equal(other.pid | other.tid | other.thread_state, 0);
	if (x->inherited >= 0)
		touch_the_file_of_another(x->inherited);
	store_shared(&x->step[FD], c.fd);
	store_shared(&x->step[UP], 1);
	await_shared(&x->step[GO], 1);
	raw_release(&c, SLOTS);
	raw_leave(&o);
	raw_leave(&c);
	return 0;
}

static int make_pid_namespace(void *arg)
{
	struct place *x = arg;

	assert_int_equal(unshare(CLONE_NEWPID), 0);
	x->step[PID] = start_child(be_the_first, x);
	return finish_child(x->step[PID]);
}

static struct place start_place(int ring, const char *name, int inherited)
{
	struct place x = { .ring = ring, .name = name, .inherited = inherited, .step = shared_memory(DMP_PAGE) };

	x.outer = start_child(make_pid_namespace, &x);
	await_shared(&x.step[UP], 1);
	await_shared(&x.step[PID], 1);
	return x;
}

static void kill_place(struct place *x)
{
	assert_int_equal(kill(x->step[PID], SIGKILL), 0);
	assert_int_equal(finish_child(x->outer), 128 + SIGKILL);
	free_shared_memory(x->step, DMP_PAGE);
}

static void finish_place(struct place *x)
{
	store_shared(&x->step[GO], 1);
	assert_int_equal(finish_child(x->outer), 0);
	free_shared_memory(x->step, DMP_PAGE);
}

static void assert_pid(int ring, const char *name, pid_t pid)
{
	struct dmp_member_info m = member_info(ring, name);

	assert_int_equal(m.pid, pid);
	assert_int_equal(m.tid, pid);
	assert_true(m.thread_state);
}

static void of_two_with_one_pid_only_the_dead_one_leaves(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct place a = start_place(ring, "a", -1), b = start_place(ring, "b", -1);
	struct dmp_member_info m;

	(void)state;
	assert_true(a.step[PID] != b.step[PID]);
	assert_pid(ring, "a", a.step[PID]);
	assert_pid(ring, "b", b.step[PID]);
	raw_publish(&p, SLOTS);
	kill_place(&a);
	await_joined(ring, 3);
	assert_false(find_member(ring, "a", &m));
	assert_pid(ring, "b", b.step[PID]);
	assert_int_equal(raw_room(&p), SLOTS); /* it gates on */
	finish_place(&b);
	await_joined(ring, 1);
	assert_int_equal(raw_room(&p), 2 * SLOTS);
	raw_leave(&p);
	close(ring);
}

/* b, of the same number as a, has a's member file, closes it, and dies with it open. */
static void a_process_of_the_same_pid_is_not_the_member(void **state)
{
	int ring = new_ring(), pidfd, file;
	struct place a = start_place(ring, "a", -1), b;

	(void)state;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)a.step[PID], 0);
	file = (int)syscall(SYS_pidfd_getfd, pidfd, (int)a.step[FD], 0);
	assert_true(pidfd >= 0 && file >= 0);
	b = start_place(ring, "b", file);
	assert_pid(ring, "b", b.step[PID]);
	kill_place(&b);
	await_joined(ring, 2);
	assert_pid(ring, "a", a.step[PID]);
	close(file);
	assert_pid(ring, "a", a.step[PID]);
	finish_place(&a);
	await_joined(ring, 0);
	close(pidfd);
	close(ring);
}

/* ---- two network namespaces: each has a ring of the same name ---- */

struct net {
	struct name name;
	uint64_t events;
	uint64_t *step; /* ID, READY, LOOK, SEEN */
	pid_t child;
};

enum { ID, READY, LOOK, SEEN };

static int create_persistent(const char *name)
{
	struct dmp_create args = create_args(name);

	args.flags = DMP_RING_PERSISTENT;
	return ring_create(&args);
}

/* The only ring here is the one of this id. */
static void assert_alone(uint64_t id)
{
	struct dmp_info info = { .size = sizeof(info) };
	int dev = device();

	assert_int_equal(xioctl(dev, DMP_IOC_LIST, &info), 0);
	assert_int_equal(info.id, id);
	info = (struct dmp_info){ .size = sizeof(info), .id = id };
	assert_int_equal(xioctl(dev, DMP_IOC_LIST, &info), -ENOENT);
	close(dev);
}

static int have_a_ring(void *arg)
{
	struct net *n = arg;
	struct raw p;
	int ring;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	ring = create_persistent(n->name.s);
	p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	raw_publish(&p, n->events);
	store_shared(&n->step[ID], ring_info(ring).id);
	raw_leave(&p);
	close(ring);
	store_shared(&n->step[READY], 1);
	await_shared(&n->step[LOOK], 1);
	ring = ring_open(n->name.s, 0);
	assert_int_equal(ring_info(ring).id, n->step[ID]);
	assert_int_equal(ring_info(ring).cursor, n->events);
	assert_int_equal(ring_info(ring).epoch, 1);
	assert_alone(n->step[ID]);
	assert_int_equal(ring_unlink(n->name.s), 0);
	store_shared(&n->step[SEEN], 1);
	await_shared(&n->step[LOOK], 2);
	return ring_open(n->name.s, 0) == -ENOENT ? 0 : 1;
}

static struct net start_net(struct name name, uint64_t events)
{
	struct net n = { .name = name, .events = events, .step = shared_memory(DMP_PAGE) };

	n.child = start_child(have_a_ring, &n);
	await_shared(&n.step[READY], 1);
	return n;
}

static void finish_net(struct net *n)
{
	store_shared(&n->step[LOOK], 2);
	assert_int_equal(finish_child(n->child), 0);
	free_shared_memory(n->step, DMP_PAGE);
}

static void equal_names_in_two_network_namespaces_are_two_rings(void **state)
{
	struct name name = unique_name("equal");
	struct net a = start_net(name, 3), b = start_net(name, 5);
	int here;

	(void)state;
	assert_true(a.step[ID] != b.step[ID]);
	assert_int_equal(ring_open(name.s, 0), -ENOENT);
	assert_int_equal(ring_unlink(name.s), -ENOENT);
	here = create_persistent(name.s);
	assert_true(here >= 0);
	store_shared(&a.step[LOOK], 1); /* a unlinks its own ... */
	await_shared(&a.step[SEEN], 1);
	store_shared(&b.step[LOOK], 1); /* ... and b finds its own untouched */
	await_shared(&b.step[SEEN], 1);
	assert_true(ring_is_listed(name.s));
	finish_net(&a);
	finish_net(&b);
	assert_int_equal(ring_info(here).cursor, 0);
	assert_int_equal(ring_unlink(name.s), 0);
	close(here);
}

/* ---- the end of a network namespace ---- */

struct heir {
	struct name name;
	uint64_t *step; /* READY, LOOK */
	uint64_t bytes; /* of one ring: all that uid 1000 may have locked */
};

static int create_within_limits(const struct heir *h)
{
	const struct rlimit limit = { h->bytes, h->bytes };

	become(1000);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	return create_persistent(h->name.s);
}

static int leave_a_ring_behind(void *arg)
{
	struct heir *h = arg;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	close(create_within_limits(h));
	assert_true(ring_is_listed(h->name.s));
	store_shared(&h->step[READY], 1);
	await_shared(&h->step[LOOK], 1);
	return 0;
}

/* Exit code 0: it fits. */
static int try_to_create(void *arg)
{
	const struct heir *h = arg;
	int ring = create_within_limits(h);

	assert_true(ring >= 0 || ring == -ENOBUFS);
	return ring >= 0 ? ring_unlink(h->name.s) : ENOBUFS;
}

static bool it_fits(void *heir)
{
	return run_child(try_to_create, heir) == 0;
}

static uint64_t bytes_of_a_ring(void)
{
	int ring = new_ring();
	uint64_t bytes = ring_info(ring).bytes;

	close(ring);
	return bytes;
}

static void the_memory_of_a_dead_namespaces_ring_is_given_back(void **state)
{
	struct heir h = { unique_name("heir"), shared_memory(DMP_PAGE), bytes_of_a_ring() };
	pid_t child = start_child(leave_a_ring_behind, &h);

	(void)state;
	await_shared(&h.step[READY], 1);
	assert_int_equal(run_child(try_to_create, &h), ENOBUFS); /* nobody has it open, but the namespace lives */
	store_shared(&h.step[LOOK], 1);
	assert_int_equal(finish_child(child), 0);
	await(it_fits, &h, "the ring to go with its namespace");
	assert_int_equal(ring_open(h.name.s, 0), -ENOENT);
	free_shared_memory(h.step, DMP_PAGE);
}

/* Everything a dead namespace had a new one could be taken for: the number, the address, the name. */
static int find_nothing_and_leave_a_ring(void *name)
{
	struct dmp_info info = { .size = sizeof(info) };
	int dev, ring;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	dev = device();
	assert_int_equal(xioctl(dev, DMP_IOC_LIST, &info), -ENOENT);
	assert_int_equal(ring_open(name, 0), -ENOENT);
	ring = create_persistent(name);
	assert_true(ring >= 0);
	assert_alone(ring_info(ring).id);
	return 0;
}

static void a_new_namespace_inherits_no_ring_of_a_dead_one(void **state)
{
	struct name name = unique_name("inherit");
	uint64_t i;

	(void)state;
	for (i = 0; i < rounds(30, 1000); i++)
		assert_int_equal(run_child(find_nothing_and_leave_a_ring, name.s), 0);
}

struct survivor {
	struct name name;
	uint64_t *step; /* FD, UP, GO */
};

static int open_a_ring_there(void *arg)
{
	struct survivor *s = arg;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	store_shared(&s->step[FD], create_persistent(s->name.s));
	store_shared(&s->step[UP], 1);
	await_shared(&s->step[GO], 1);
	return 0;
}

/* A ring file holds its namespace: what it lists stays what it was. */
static void a_ring_file_keeps_its_namespace(void **state)
{
	struct survivor s = { unique_name("survivor"), shared_memory(DMP_PAGE) };
	struct dmp_info info = { .size = sizeof(info) };
	pid_t child = start_child(open_a_ring_there, &s);
	int pidfd, ring;

	(void)state;
	await_shared(&s.step[UP], 1);
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	ring = (int)syscall(SYS_pidfd_getfd, pidfd, (int)s.step[FD], 0);
	assert_true(ring >= 0);
	store_shared(&s.step[GO], 1);
	assert_int_equal(finish_child(child), 0);
	assert_int_equal(xioctl(ring, DMP_IOC_LIST, &info), 0);
	assert_string_equal(info.name, s.name.s);
	assert_false(ring_is_listed(s.name.s)); /* a file that is opened here lists what is here */
	close(ring);
	close(pidfd);
	free_shared_memory(s.step, DMP_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_two_with_one_pid_only_the_dead_one_leaves),
		cmocka_unit_test(a_process_of_the_same_pid_is_not_the_member),
		cmocka_unit_test(equal_names_in_two_network_namespaces_are_two_rings),
		cmocka_unit_test(the_memory_of_a_dead_namespaces_ring_is_given_back),
		cmocka_unit_test(a_new_namespace_inherits_no_ring_of_a_dead_one),
		cmocka_unit_test(a_ring_file_keeps_its_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
