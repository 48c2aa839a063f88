/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * no_syscall: a producer or two and three spinning consumers, each a process under a seccomp filter that lets it end and
 * nothing else. Whatever else enters the kernel is killed there, so an exit code of 0 says that claim, publish, wait and
 * release made no system call. Under the filter nothing can be printed: the exit code says what was wrong.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#define SLOTS	  65536
#define BATCH	  256
#define CONSUMERS 3
#define PRODUCERS 2 /* at most */

enum { FINE, WRONG_ORDER, WRONG_PAYLOAD, WRONG_RESULT, NO_FILTER, SURVIVED };

/* Shared by all. */
struct gate {
	uint64_t ready; /* members that have joined */
	uint64_t go;
};

struct run {
	struct dmp_ring *ring;
	uint64_t events;
	uint32_t event_size;
	uint64_t producers;
	struct gate *gate;
};

static int forbid_system_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

/* Nobody starts before all have joined; then the door to the kernel is shut: what follows may only end. */
static int start(struct run *run)
{
	__atomic_add_fetch(&run->gate->ready, 1, __ATOMIC_ACQ_REL);
	await_shared(&run->gate->go, 1);
	return forbid_system_calls();
}

static int produce_all(struct dmp_member *m, const struct run *run)
{
	uint64_t pos;

	for (uint64_t done = 0; done < run->events; done += BATCH * run->producers) {
		if (dmp_claim(m, BATCH, &pos))
			return WRONG_RESULT;
		if (run->producers == 1 && pos != done)
			return WRONG_ORDER;
		for (uint64_t i = 0; i < BATCH; i++)
			stress_fill(dmp_slot(m, pos + i), run->event_size, pos + i);
		dmp_publish(m, pos, BATCH);
	}
	return FINE;
}

static int produce(void *arg)
{
	struct run *run = arg;
	struct dmp_member *m = stress_join(run->ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_spin);

	_exit(start(run) ? NO_FILTER : produce_all(m, run));
}

static int consume_all(struct dmp_member *m, const struct run *run)
{
	struct dmp_batch batch;
	uint64_t pos = 0;

	while (pos < run->events) {
		const void *event;

		if (dmp_wait(m, 1, &batch))
			return WRONG_RESULT;
		if (batch.pos != pos || batch.end <= pos || batch.end > run->events)
			return WRONG_ORDER;
		dmp_for_each(event, m, &batch) {
			if (!stress_intact(event, run->event_size, pos++))
				return WRONG_PAYLOAD;
		}
		if (pos != batch.end)
			return WRONG_ORDER;
		if (dmp_release(m, batch.end))
			return WRONG_RESULT;
	}
	return FINE;
}

static int consume(void *arg)
{
	struct run *run = arg;
	struct dmp_member *m = stress_join(run->ring, DMP_ROLE_CONSUMER, unique_name("c").s, &dmp_wait_spin);

	_exit(start(run) ? NO_FILTER : consume_all(m, run));
}

static void run_flat_out(const struct stress_kind *kind, uint64_t events)
{
	struct run run = {
		.ring = stress_ring(kind, SLOTS),
		.events = events,
		.event_size = kind->event_size,
		.producers = stress_producers(kind),
		.gate = shared_memory(sizeof(struct gate)),
	};
	struct dmp_info info;
	int members = CONSUMERS + (int)run.producers;
	pid_t pid[PRODUCERS + CONSUMERS];

	for (int i = 0; i < members; i++)
		pid[i] = start_child(i < CONSUMERS ? consume : produce, &run);
	await_shared(&run.gate->ready, members);
	store_shared(&run.gate->go, 1);
	for (int i = 0; i < members; i++)
		assert_int_equal(finish_child(pid[i]), FINE);

	info = stress_info(run.ring);
	assert_int_equal(info.cursor, events);
	assert_int_equal(info.sleeps, 0);
	assert_int_equal(info.wakes, 0);
	print_message("%s: %llu events to each of %d consumers without a system call\n", kind->name,
		      (unsigned long long)events, CONSUMERS);
	dmp_ring_close(run.ring);
	free_shared_memory(run.gate, sizeof(struct gate));
}

static uint64_t events(void)
{
	return rounds(2000128, 10000128) / BATCH * BATCH;
}

static void packed_ring_needs_no_system_call(void **state)
{
	(void)state;
	run_flat_out(&stress_kinds[0], events());
}

static void stamped_ring_needs_no_system_call(void **state)
{
	(void)state;
	run_flat_out(&stress_kinds[1], events());
}

/* Half as many: they are in each other's way. */
static void two_producers_need_no_system_call(void **state)
{
	(void)state;
	run_flat_out(&stress_kinds[2], events() / (2 * PRODUCERS * BATCH) * PRODUCERS * BATCH);
}

static int make_a_call(void *arg)
{
	(void)arg;
	if (forbid_system_calls())
		_exit(NO_FILTER);
	syscall(SYS_getpid);
	_exit(SURVIVED);
}

static int make_no_call(void *arg)
{
	(void)arg;
	_exit(forbid_system_calls() ? NO_FILTER : FINE);
}

/* The control: the filter does catch a call, and nothing but the call. */
static void filter_kills_whoever_makes_a_system_call(void **state)
{
	(void)state;
	assert_int_equal(run_child(make_no_call, NULL), FINE);
	assert_int_equal(run_child(make_a_call, NULL), 128 + SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_kills_whoever_makes_a_system_call),
		cmocka_unit_test(packed_ring_needs_no_system_call),
		cmocka_unit_test(stamped_ring_needs_no_system_call),
		cmocka_unit_test(two_producers_need_no_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
