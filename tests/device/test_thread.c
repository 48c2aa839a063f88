// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_thread.c: what the thread of a member that holds a ring up does, and its numbers in the caller's eyes */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmp.h>

#include "holdup.h"

static struct dmp_holdup room_of(int fd)
{
	struct dmp_holdup h = { .size = sizeof(h), .what = DMP_HOLDUP_ROOM };

	assert_int_equal(xioctl(fd, DMP_IOC_HOLDUP, &h), 0);
	return h;
}

static void assert_holder(const struct dmp_holdup *h, const char *name, uint64_t position)
{
	assert_int_equal(h->role, DMP_ROLE_CONSUMER);
	assert_string_equal(h->name, name);
	assert_int_equal(h->position, position);
	assert_int_equal(h->state, DMP_MEMBER_JOINED);
}

/* ---- what it does: a child that has joined, and a claim that has timed out ---- */

enum { RUNS = 1, SLEEPS, IS_HELD };

struct scene {
	struct dmp_ring *ring;
	struct dmp_member *p;
	uint64_t *joined;
	uint64_t does;
	pid_t child;
};

static int be_slow(void *arg)
{
	struct scene *s = arg;
	struct dmp_join_options options = { .name = "slow" };
	struct dmp_member *m;

	options.policy = s->does == IS_HELD ? DMP_POLICY_HOLD : DMP_POLICY_DROP;
	assert_int_equal(dmp_join(s->ring, DMP_ROLE_CONSUMER, &options, &m), 0);
	store_shared(s->joined, 1);
	while (s->does == RUNS)
		__asm__ volatile("pause");
	while (pause())
		;
	return 0;
}

static struct scene make_scene(uint64_t does)
{
	struct scene s = { .ring = make_ring(SLOTS, EVENT, 0), .joined = shared_memory(DMP_PAGE), .does = does };
	uint64_t pos;

	s.child = start_child(be_slow, &s);
	await_shared(s.joined, 1);
	s.p = join(s.ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(dmp_claim(s.p, SLOTS, &pos), 0);
	dmp_publish(s.p, pos, SLOTS);
	time_out(s.p, 1);
	return s;
}

static void end_scene(struct scene *s)
{
	kill_child(s->child);
	dmp_leave(s->p);
	dmp_ring_close(s->ring);
	free_shared_memory(s->joined, DMP_PAGE);
}

static bool sleeps(void *scene)
{
	const struct scene *s = scene;

	return member_info(dmp_ring_fd(s->ring), "slow").thread_state == 'S';
}

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void assert_thread(const struct scene *s, char letter)
{
	struct dmp_holdup h = holdup_of(s->p);

	assert_holder(&h, "slow", 0);
	assert_int_equal(h.pid, s->child);
	assert_int_equal(h.tid, s->child);
	assert_int_equal(h.thread_state, letter);
}

static void a_consumer_that_runs_is_seen_to_run(void **state)
{
	struct scene s = make_scene(RUNS);

	(void)state;
	assert_thread(&s, 'R');
	end_scene(&s);
}

static void a_consumer_that_is_asleep_is_seen_to_sleep(void **state)
{
	struct scene s = make_scene(SLEEPS);

	(void)state;
	await(sleeps, &s, "the consumer to sleep");
	assert_thread(&s, 'S');
	end_scene(&s);
}

static void a_consumer_that_is_stopped_is_seen_to_be_stopped(void **state)
{
	struct scene s = make_scene(SLEEPS);

	(void)state;
	stop(s.child);
	assert_thread(&s, 'T');
	assert_int_equal(kill(s.child, SIGCONT), 0);
	await(sleeps, &s, "the consumer to sleep");
	end_scene(&s);
}

static void a_consumer_that_is_killed_holds_nobody_up(void **state)
{
	struct scene s = make_scene(SLEEPS);
	struct dmp_holdup h;
	uint64_t pos;

	(void)state;
	kill_child(s.child);
	assert_int_equal(dmp_claim_until(s.p, 1, &pos, wait_long()), 0);
	h = holdup_of(s.p);
	assert_int_equal(h.role, 0);
	dmp_leave(s.p);
	dmp_ring_close(s.ring);
	free_shared_memory(s.joined, DMP_PAGE);
}

static bool is_held(void *scene)
{
	return ring_info(dmp_ring_fd(((struct scene *)scene)->ring)).held == 1;
}

static void a_place_that_is_held_has_a_name_and_nobody_in_it(void **state)
{
	struct scene s = make_scene(IS_HELD);
	struct dmp_holdup h;

	(void)state;
	kill_child(s.child);
	await(is_held, &s, "the place to be held");
	h = holdup_of(s.p);
	assert_int_equal(h.role, DMP_ROLE_CONSUMER);
	assert_string_equal(h.name, "slow");
	assert_int_equal(h.state, DMP_MEMBER_HELD);
	assert_int_equal(h.pid | h.tid | h.thread_state, 0);
	dmp_leave(s.p);
	dmp_ring_close(s.ring);
	free_shared_memory(s.joined, DMP_PAGE);
}

/* ---- threads ---- */

struct thread {
	pthread_t thread;
	int ring;
	struct raw c;
	uint64_t tid, end;
};

static void *join_as_a_thread(void *arg)
{
	struct thread *t = arg;

	t->c = raw_join(t->ring, DMP_ROLE_CONSUMER, "thread");
	store_shared(&t->tid, syscall(SYS_gettid));
	await_shared(&t->end, 1);
	return NULL;
}

static void the_thread_is_the_one_that_joined(void **state)
{
	struct thread t = { .ring = new_ring() };
	struct dmp_member_info m;

	(void)state;
	assert_int_equal(pthread_create(&t.thread, NULL, join_as_a_thread, &t), 0);
	await_shared(&t.tid, 1);
	m = member_info(t.ring, "thread");
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.tid, t.tid);
	assert_true(m.tid != m.pid);
	assert_true(m.thread_state == 'S' || m.thread_state == 'R');
	store_shared(&t.end, 1);
	assert_int_equal(pthread_join(t.thread, NULL), 0);
	close(t.ring);
	t.ring = t.c.fd;
	while (syscall(SYS_tgkill, getpid(), (pid_t)t.tid, 0) == 0)
		sched_yield();		   /* joined is a moment before gone */
	m = member_info(t.ring, "thread"); /* the process lives, and so does the member */
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.tid | m.thread_state, 0);
	raw_leave(&t.c);
}

/* ---- pid namespaces ---- */

struct seen {
	int ring;
	uint64_t *step;
};

static int look_from_inside(void *arg)
{
	struct seen *s = arg;
	struct raw inner, p = raw_join(s->ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_holdup h;

	raw_publish(&p, SLOTS);
	h = room_of(p.fd);
	assert_holder(&h, "outer", 0);
	assert_int_equal(h.pid | h.tid | h.thread_state, 0); /* cannot be seen from here */
	inner = raw_join(s->ring, DMP_ROLE_CONSUMER, "inner");
	store_shared(&s->step[0], 1);
	await_shared(&s->step[1], 1);
	raw_publish(&p, SLOTS);
	h = room_of(s->ring);
	assert_holder(&h, "inner", SLOTS);
	assert_int_equal(getpid(), 1);
	assert_int_equal(h.pid, 1);
	assert_int_equal(h.tid, 1);
	assert_int_equal(h.thread_state, 'R');
	assert_int_equal(inner.start, SLOTS);
	store_shared(&s->step[0], 2);
	await_shared(&s->step[1], 2);
	return 0;
}

static int enter_pid_namespace(void *arg)
{
	struct seen *s = arg;

	assert_int_equal(unshare(CLONE_NEWPID), 0);
	s->step[2] = start_child(look_from_inside, s);
	return finish_child(s->step[2]);
}

static void pids_are_those_of_the_callers_namespace(void **state)
{
	struct seen s = { new_ring(), shared_memory(DMP_PAGE) };
	struct raw outer = raw_join(s.ring, DMP_ROLE_CONSUMER, "outer");
	pid_t child = start_child(enter_pid_namespace, &s);
	struct dmp_holdup h;

	(void)state;
	await_shared(&s.step[0], 1);
	h = room_of(s.ring);
	assert_holder(&h, "outer", 0);
	assert_int_equal(h.pid, getpid());
	raw_release(&outer, 2 * SLOTS);
	store_shared(&s.step[1], 1);
	await_shared(&s.step[0], 2);
	await_shared(&s.step[2], 1);
	h = room_of(s.ring);
	assert_holder(&h, "inner", SLOTS);
	assert_int_equal(h.pid, s.step[2]);
	assert_int_equal(h.tid, s.step[2]);
	assert_true(h.thread_state);
	store_shared(&s.step[1], 2);
	assert_int_equal(finish_child(child), 0);
	raw_leave(&outer);
	close(s.ring);
	free_shared_memory(s.step, DMP_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_consumer_that_runs_is_seen_to_run),
		cmocka_unit_test(a_consumer_that_is_asleep_is_seen_to_sleep),
		cmocka_unit_test(a_consumer_that_is_stopped_is_seen_to_be_stopped),
		cmocka_unit_test(a_consumer_that_is_killed_holds_nobody_up),
		cmocka_unit_test(a_place_that_is_held_has_a_name_and_nobody_in_it),
		cmocka_unit_test(the_thread_is_the_one_that_joined),
		cmocka_unit_test(pids_are_those_of_the_callers_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
