// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_shm_members.c: who is a member of a ring in shared memory: names, fork, exec, threads */
#define _GNU_SOURCE
#include "native.h"

/* ---- names ---- */

/* It is the word of another process: what may follow is not its name. */
static void a_name_without_an_end_is_cut_off(void **state)
{
	struct address a = new_shm("endless");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_member_info m;

	(void)state;
	memset((char *)(uintptr_t)p->entry->name, 'x', sizeof(p->entry->name));
	assert_int_equal(dmp_ring_members(ring, &m, 1), 1);
	assert_int_equal(strnlen(m.name, sizeof(m.name)), sizeof(m.name) - 1);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- fork, exec, threads ---- */

struct family {
	struct address a;
	struct dmp_ring *ring;
	struct dmp_member *p;
	uint64_t *shared;
};

static struct family new_family(void)
{
	struct family f = { .a = new_shm("family") };

	f.ring = create_ring(&f.a, 0);
	f.shared = shared_memory(sizeof(uint64_t));
	return f;
}

static void end_family(struct family *f)
{
	free_shared_memory(f->shared, sizeof(uint64_t));
	dmp_ring_close(f->ring);
}

static int try_what_the_parent_may(void *arg)
{
	struct family *f = arg;

	assert_int_equal(try_join(f->ring, DMP_ROLE_CONSUMER, "c"), -EEXIST); /* the parent is */
	assert_int_equal(try_join(f->ring, DMP_ROLE_CONSUMER, "d"), 0);	      /* in its own name it may */
	assert_int_equal(dmp_finish(f->p), -ESTALE);
	return 0;
}

static void a_child_is_not_the_member(void **state)
{
	struct family f = new_family();
	struct dmp_member *c = join(f.ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_member_info m;

	(void)state;
	f.p = join(f.ring, DMP_ROLE_PRODUCER, "p");
	assert_true(has_member(f.ring, "p", &m));
	assert_int_equal(m.pid, getpid());
	assert_int_equal(run_child(try_what_the_parent_may, &f), 0); /* its end takes no member along */
	assert_true(has_member(f.ring, "p", &m) && has_member(f.ring, "c", &m));
	publish(f.p, 3);
	assert_int_equal(consume(c), 3);
	dmp_leave(c);
	dmp_leave(f.p);
	end_family(&f);
}

static int fork_and_stay(void *arg)
{
	struct family *f = arg;

	join(f->ring, DMP_ROLE_CONSUMER, "c");
	if (!fork())
		store_shared(f->shared, (uint64_t)getpid());
	stay();
}

/* Whoever lives on with the descriptors does not keep the dead in the ring. */
static void a_member_dies_though_its_child_lives_on(void **state)
{
	struct family f = new_family();
	pid_t pid = start_child(fork_and_stay, &f);

	(void)state;
	await_shared(f.shared, 1);
	assert_int_equal(info_of(f.ring).joined, 1);
	kill_child(pid);
	assert_int_equal(info_of(f.ring).joined, 0);
	assert_int_equal(kill((pid_t)*f.shared, SIGKILL), 0);
	end_family(&f);
}

static int join_and_exec(void *arg)
{
	struct family *f = arg;

	join(f->ring, DMP_ROLE_CONSUMER, "c");
	execl("/bin/sh", "sh", "-c", "read forever </dev/zero", (char *)NULL);
	return 1;
}

static bool is_shell(void *arg)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", *(pid_t *)arg);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(name, sizeof(name), f));
	fclose(f);
	return !strcmp(name, "sh\n");
}

static void a_member_that_execs_has_left(void **state)
{
	struct family f = new_family();
	pid_t pid = start_child(join_and_exec, &f);

	(void)state;
	await(is_shell, &pid, "the exec");
	assert_int_equal(info_of(f.ring).joined, 0);
	kill_child(pid);
	end_family(&f);
}

static void *join_in_a_thread(void *ring)
{
	return join(ring, DMP_ROLE_CONSUMER, "c");
}

static void a_thread_that_exits_leaves_its_members(void **state)
{
	struct family f = new_family();
	struct dmp_member *p = join(f.ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_member_info m;
	pthread_t thread;
	void *c;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, join_in_a_thread, f.ring), 0);
	assert_int_equal(pthread_join(thread, &c), 0);
	assert_true(has_member(f.ring, "c", &m));
	publish(p, 3);
	assert_int_equal(consume(c), 3);
	dmp_leave(c);
	dmp_leave(p);
	end_family(&f);
}

/* To close any descriptor of the file would drop all its locks: the library must not. */
static void opening_a_ring_twice_and_closing_it_once_leaves_its_members(void **state)
{
	struct family f = new_family();
	struct dmp_member *c = join(f.ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_ring *again = open_ring(&f.a), *adopted = NULL;
	struct dmp_ring_options options = native_options(0);

	(void)state;
	assert_int_equal(dmp_ring_from_fd(&adopted, dup(dmp_ring_fd(f.ring))), 0);
	dmp_ring_close(again);
	dmp_ring_close(adopted);
	assert_int_equal(try_create(&f.a, &options), -EEXIST);
	f.p = join(f.ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(run_child(try_what_the_parent_may, &f), 0);
	dmp_leave(f.p);
	dmp_leave(c);
	end_family(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_without_an_end_is_cut_off),
		cmocka_unit_test(a_child_is_not_the_member),
		cmocka_unit_test(a_member_dies_though_its_child_lives_on),
		cmocka_unit_test(a_member_that_execs_has_left),
		cmocka_unit_test(a_thread_that_exits_leaves_its_members),
		cmocka_unit_test(opening_a_ring_twice_and_closing_it_once_leaves_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
