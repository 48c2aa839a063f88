/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* differences.h: probes: each tries one promise on the ring, and returns true if it is kept */
#ifndef DMP_TESTS_DIFFERENCES_H
#define DMP_TESTS_DIFFERENCES_H

#include <sys/resource.h>
#include <sys/stat.h>

#include "native.h"

#define N NATIVE_SLOTS

static struct dmp_ring *ring;
static uint64_t *shared; /* with children; 0 between probes */

static bool can_be_polled(void)
{
	struct dmp_member *c = join(ring, DMP_ROLE_CONSUMER, "c");
	int ret = dmp_arm(c, 1);

	assert_true(ret == 0 || ret == -EOPNOTSUPP);
	dmp_leave(c);
	return ret == 0;
}

static bool can_be_restricted(void)
{
	int fd = dmp_ring_restrict(ring, DMP_RIGHT_R);

	assert_true(fd >= 0 || fd == -EOPNOTSUPP);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int scribble(void *unused)
{
	struct dmp_member *c = join(ring, DMP_ROLE_CONSUMER, "c");

	(void)unused;
	dmp_store_once(c->ring->cursor, 1000UL);
	return 0;
}

static bool rights_are_by_page(void)
{
	int code = run_child(scribble, NULL);

	assert_true(code == 0 || code == 128 + SIGSEGV);
	return code == 128 + SIGSEGV;
}

static int wait_for_a_ring_full(void *unused)
{
	struct dmp_member *c = stress_join(ring, DMP_ROLE_CONSUMER, "far", &dmp_wait_block);
	struct dmp_batch batch;

	(void)unused;
	return -dmp_wait_until(c, N, &batch, wait_long());
}

/* Each event makes its producer look, for somebody might wait for no more than that. */
static int wait_for_each(void *unused)
{
	struct dmp_member *c = stress_join(ring, DMP_ROLE_CONSUMER, "near", &dmp_wait_block);

	(void)unused;
	return -consume_up_to(c, N);
}

static bool wakes_are_exact(void)
{
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	pid_t far = start_child(wait_for_a_ring_full, NULL), near = start_child(wait_for_each, NULL);
	struct dmp_member_info m = { 0 };
	bool woken;

	await_sleeper(ring, "far");
	for (uint64_t i = 0; i < N - 1; i++) {
		assert_true(stress_until(has_member(ring, "near", &m) && m.cursor == i && m.waiting));
		publish(p, 1);
	}
	/* The module counts who is woken as it wakes; elsewhere one counts itself, once it runs. */
	woken = is_backend("dmp") ? has_member(ring, "far", &m) && m.woken
				  : stress_until(has_member(ring, "far", &m) && m.woken);
	publish(p, 1);
	assert_int_equal(finish_child(far), 0);
	assert_int_equal(finish_child(near), 0);
	dmp_leave(p);
	return !woken;
}

static int publish_and_die(void *unused)
{
	(void)unused;
	publish(join(ring, DMP_ROLE_PRODUCER, "p"), 3);
	kill(getpid(), SIGKILL);
	return 0;
}

static bool death_is_an_event(void)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, "o");
	bool gone;

	assert_int_equal(run_child(publish_and_die, NULL), 128 + SIGKILL);
	gone = dmp_load_acquire(o->meta->producers) == 0; /* nobody has asked */
	assert_int_equal(info_of(ring).producers, 0);	  /* who asks hears it everywhere */
	assert_int_equal(dmp_load_acquire(o->meta->producers), 0);
	dmp_leave(o);
	return gone;
}

static int join_and_die(void *unused)
{
	(void)unused;
	join(ring, DMP_ROLE_CONSUMER, "dead");
	kill(getpid(), SIGKILL);
	return 0;
}

static bool a_dead_consumer_gates_no_more(void)
{
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	bool room;

	assert_int_equal(run_child(join_and_die, NULL), 128 + SIGKILL);
	publish(p, N);
	assert_int_equal(info_of(ring).joined, 1);
	room = dmp_claim_until(p, 1, &(uint64_t){ 0 }, now_ns()) == 0;
	if (!room)
		assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "dead"), 0); /* it is held for whom it was */
	dmp_leave(p);
	return room;
}

static int create_and_die(void *arg)
{
	struct address *a = arg;

	create_ring(a, 0);
	kill(getpid(), SIGKILL);
	return 0;
}

static bool the_killed_leave_nothing_behind(void)
{
	struct address a = new_address("left"), path = { "" };
	struct stat st;
	bool there;

	assert_int_equal(run_child(create_and_die, &a), 128 + SIGKILL);
	if (is_backend("shm"))
		path = shm_path(&a);
	else if (is_backend("file"))
		strcpy(path.s, path_of(&a));
	there = *path.s && !stat(path.s, &st);
	if (!is_backend("file"))
		assert_int_equal(try_open(&a, 0), -ENOENT); /* it is no ring any more */
	return !there;
}

static int create_and_leave_it_to_a_child(void *arg)
{
	create_ring(arg, 0);
	if (!fork()) {
		store_shared(shared, (uint64_t)getpid());
		stay();
	}
	await_shared(shared, 1);
	return 0;
}

static bool an_inherited_descriptor_keeps_the_ring(void)
{
	struct address a = new_address("heir");
	bool there;

	assert_int_equal(run_child(create_and_leave_it_to_a_child, &a), 0);
	there = !try_open(&a, 0);
	assert_int_equal(kill((pid_t)*shared, SIGKILL), 0);
	store_shared(shared, 0);
	return there;
}

static void count_signal(int signal)
{
	(void)signal;
	store_shared(shared, *shared + 1);
}

static int wait_with_restart(void *unused)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	struct dmp_member *c = stress_join(ring, DMP_ROLE_CONSUMER, "c", &dmp_wait_block);
	struct dmp_batch batch;

	(void)unused;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	store_shared(shared, 1);
	return -dmp_wait_until(c, 1, &batch, wait_long());
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == pid;
}

static bool a_wait_is_restarted(void)
{
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	pid_t pid = start_child(wait_with_restart, NULL);
	int code;

	await_shared(shared, 1);
	await_sleeper(ring, "c");
	assert_true(stress_until(has_ended(pid) || (!kill(pid, SIGUSR1) && dmp_load_acquire(*shared) > 30)));
	publish(p, 1);
	code = finish_child(pid);
	assert_true(code == 0 || code == EINTR);
	store_shared(shared, 0);
	dmp_leave(p);
	return code == 0;
}

static int create_without_memlock(void *arg)
{
	const struct rlimit none = { 0, 0 };
	struct dmp_ring_options options = native_options(0);

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	if (!geteuid())
		become(1000); /* root may lock what it likes */
	return -try_create(arg, &options);
}

static bool rings_are_charged(void)
{
	struct address a = new_address("charged");
	int code;

	if (is_backend("file")) {
		char folder[ADDRESS_MAX];

		snprintf(folder, sizeof(folder), "%s", path_of(&a));
		*strrchr(folder, '/') = 0;
		assert_int_equal(chmod(folder, 0777), 0);
	}
	code = run_child(create_without_memlock, &a);
	assert_true(code == 0 || code == ENOBUFS);
	return code == ENOBUFS;
}

static bool survives_the_machine(void)
{
	int err = dmp_ring_sync(ring);

	assert_true(err == 0 || err == -EOPNOTSUPP);
	return err == 0;
}

static int try_policy(uint32_t policy)
{
	struct dmp_join_options options = { .name = "c", .policy = policy };
	struct dmp_member *c = NULL;
	int err = dmp_join(ring, DMP_ROLE_CONSUMER, &options, &c);

	dmp_leave(c);
	return err;
}

static bool has_policies(void)
{
	int hold = try_policy(DMP_POLICY_HOLD), fail = try_policy(DMP_POLICY_FAIL);

	assert_true(hold == 0 || hold == -EOPNOTSUPP);
	assert_int_equal(fail, hold);
	return hold == 0;
}

static bool consumers_can_be_evicted(void)
{
	struct dmp_member *c = join(ring, DMP_ROLE_CONSUMER, "c");
	int err = dmp_evict(ring, "c");

	assert_true(err == 0 || err == -EOPNOTSUPP);
	assert_int_equal(info_of(ring).joined, err != 0);
	dmp_leave(c);
	return err == 0;
}

static bool has_several_producers(void)
{
	struct dmp_ring_options options = native_options(DMP_RING_STAMPED | DMP_RING_MULTI);
	struct address a = new_address("several");
	int err = try_create(&a, &options);

	assert_true(err == 0 || err == -EOPNOTSUPP);
	return err == 0;
}

static bool consumers_can_be_required(void)
{
	const char *const names[] = { "c" };
	int err = dmp_ring_require(ring, geteuid(), names, 1);

	assert_true(err == 0 || err == -EOPNOTSUPP);
	return err == 0;
}

static bool says_who_holds_it_up(void)
{
	struct dmp_holdup h;
	int err = dmp_ring_holdup(ring, DMP_HOLDUP_ROOM, &h);

	assert_true(err == 0 || err == -EOPNOTSUPP);
	return err == 0;
}

#endif /* DMP_TESTS_DIFFERENCES_H */
