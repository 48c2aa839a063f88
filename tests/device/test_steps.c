// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_steps.c: an event costs the same instructions whatever is attached
 *
 * A process that produces and consumes is taken through it instruction by instruction, and each is counted: nothing is
 * estimated. Half way it stands still until every program has run once more.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <dmp.h>

#include "attached.h"

#define RING   64
#define EVENTS 6 /* counted: half of them a lap behind the others, across the wrap */

struct walk {
	uint32_t flags, size, counters;
	uint64_t *done; /* shared */
};

static int detach(void **state)
{
	(void)state;
	detach_everything();
	return 0;
}

/* ---- who is counted ---- */

static struct dmp_member *join_counting(struct dmp_ring *ring, uint32_t role, const struct walk *w)
{
	struct dmp_join_options options = { .name = "walker", .counters = w->counters };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &m), 0);
	return m;
}

static void produce(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_try_claim(p, 1, &pos), 0);
	*(uint64_t *)dmp_slot(p, pos) = n;
	dmp_publish(p, pos, 1);
}

static void consume(struct dmp_member *c, uint64_t n)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), 0);
	assert_int_equal(*(const uint64_t *)dmp_event(c, batch.pos), n);
	assert_int_equal(dmp_release(c, batch.end), 0);
}

static void pass_on(struct dmp_member *p, struct dmp_member *c, uint64_t from, uint64_t to)
{
	uint64_t n;

	for (n = from; n < to; n++) {
		produce(p, n);
		consume(c, n);
	}
}

/* All but the last events go by uncounted. */
static int walk(void *arg)
{
	const struct walk *w = arg;
	struct dmp_ring *ring = make_ring(RING, w->size, w->flags);
	struct dmp_member *p = join_counting(ring, DMP_ROLE_PRODUCER, w);
	struct dmp_member *c = join_counting(ring, DMP_ROLE_CONSUMER, w);
	const uint64_t first = RING - EVENTS / 2;

	pass_on(p, c, 0, first);
	assert_int_equal(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
	raise(SIGSTOP);
	pass_on(p, c, first, first + EVENTS);
	store_shared(w->done, 1);
	return 0;
}

/* ---- who counts ---- */

static void await_stop(pid_t pid, int signal)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), signal);
}

/* Step by step until it is done, or so many. */
static uint64_t take_steps(pid_t pid, const uint64_t *done, uint64_t most)
{
	uint64_t n;

	for (n = 0; n < most && !__atomic_load_n(done, __ATOMIC_ACQUIRE); n++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		await_stop(pid, SIGTRAP);
	}
	return n;
}

/* While the one that is counted stands between two instructions of its loop. */
static void let_all_run(void)
{
	struct programs before = programs_now();

	await(all_have_run, &before, "each program attached");
}

/* half: after so many, everything attached has its turn; 0: nothing is attached. */
static uint64_t count_steps(struct walk w, uint64_t half)
{
	uint64_t steps;
	pid_t pid;

	pin_to_cpu(1); /* with its child: the turns from one to the other are many */
	w.done = shared_memory(sizeof(*w.done));
	pid = start_child(walk, &w);
	await_stop(pid, SIGSTOP);
	steps = take_steps(pid, w.done, half);
	if (half) {
		assert_int_equal(*w.done, 0);
		let_all_run();
	}
	steps += take_steps(pid, w.done, UINT64_MAX);
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(finish_child(pid), 0);
	free_shared_memory(w.done, sizeof(*w.done));
	return steps;
}

/* ---- */

static const struct kind {
	const char *name;
	uint32_t flags, size;
} kinds[] = {
	{ "packed", 0, 64 },
	{ "stamped", DMP_RING_STAMPED, 56 },
	{ "several producers", DMP_RING_STAMPED | DMP_RING_MULTI, 56 },
};

#define KINDS ARRAY_SIZE(kinds)

static uint64_t steps_of(size_t kind, uint32_t counters, uint64_t half)
{
	return count_steps((struct walk){ kinds[kind].flags, kinds[kind].size, counters, NULL }, half);
}

static uint64_t alone[KINDS][DMP_COUNTERS_NONE + 1]; /* with nothing attached: the first test counts for both */

/* The control: a counter, which is few instructions, shows. */
static void counters_show_in_the_count_and_are_cheap(void **state)
{
	uint64_t without, lite, full;
	size_t i;

	(void)state;
	for (i = 0; i < KINDS; i++) {
		without = alone[i][DMP_COUNTERS_NONE] = steps_of(i, DMP_COUNTERS_NONE, 0);
		lite = alone[i][DMP_COUNTERS_LITE] = steps_of(i, DMP_COUNTERS_LITE, 0);
		full = alone[i][DMP_COUNTERS_FULL] = steps_of(i, DMP_COUNTERS_FULL, 0);
		print_message("%s: %.2f instructions per event without counters, %.2f with lite, %.2f with full\n",
			      kinds[i].name, (double)without / EVENTS, (double)lite / EVENTS, (double)full / EVENTS);
		assert_true(full > without);
		assert_true(lite <= without + 2 * 2 * EVENTS); /* producer and consumer */
		assert_true(full <= without + 2 * 6 * EVENTS);
	}
}

static void an_event_takes_as_many_instructions_with_everything_attached(void **state)
{
	uint64_t lite, full;
	pid_t restless;
	size_t i;

	(void)state;
	attach_everything();
	restless = start_child(be_restless, NULL);
	for (i = 0; i < KINDS; i++) {
		lite = alone[i][DMP_COUNTERS_LITE];
		full = alone[i][DMP_COUNTERS_FULL];
		assert_true(lite > 0 && full > 0);
		assert_int_equal(steps_of(i, DMP_COUNTERS_LITE, lite / 2), lite);
		assert_int_equal(steps_of(i, DMP_COUNTERS_FULL, full / 2), full);
	}
	kill_child(restless);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_show_in_the_count_and_are_cheap),
		cmocka_unit_test_teardown(an_event_takes_as_many_instructions_with_everything_attached, detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
