/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * lost_wake: sleep and be woken, over and over, and never miss it
 *
 *   producer --->  lane ---> first ---> [dependant, on every other lane: it waits for first]
 *   [second] ---> /  ^         |            |
 *                    +- slots -+------------+
 *
 * A lane is a ring of one slot or two, so that each event makes both sides wait: consumers on the ring's cursor, dependant
 * on first's, the producers on both gates. Every other eight lanes have a second producer: half of the events are its own.
 * All go through the lanes one after the other; between two cycles they rest until all lanes are quiet again, so that the
 * next sleep on each sequence is a switch from quiet to fenced in mid-race. A wait that takes 10 seconds has lost its wake:
 * it fails, and the kernel would have counted it as late.
 *
 * late_notify is the control.
 */
#define _GNU_SOURCE
#include <sys/time.h>

#include "lost_wake_lane.h"

/* ---- quiet ---- */

static uint32_t mode_of(const struct dmp_member *m, int sequence)
{
	const struct dmp_notify *lines = (const void *)((const char *)m->meta + m->meta->notify_off);

	return dmp_load_once(lines[sequence].mode);
}

/* Sequences of a lane that are fenced now: the ring's, and those of its consumers. */
static int fenced_on(const struct job *j, int lane)
{
	int n = 0;

	for (int sequence = 0; sequence <= 1 + is_on_lane(DEPENDANT, lane); sequence++)
		n += mode_of(j->members[lane], sequence) == DMP_MODE_FENCED;
	return n;
}

static bool all_quiet(const struct job *j)
{
	int n = 0;

	for (int lane = 0; lane < j->lanes; lane++)
		n += fenced_on(j, lane);
	return n == 0;
}

/* ---- the producer leads ---- */

static uint64_t woken(const struct job *j)
{
	uint64_t n = 0;

	for (int lane = 0; lane < j->lanes; lane++)
		n += stress_info(j->rings[lane]).woken;
	return n;
}

static void lead_cycle(struct job *j, uint64_t cycle)
{
	bool from_quiet = (cycle % RESTS_EVERY == 1 || cycle == 2) && !stress_always_fenced();

	/* Nobody sleeps while they rest: quiet comes by itself. */
	if (from_quiet)
		assert_true(stress_until(all_quiet(j)));
	store_shared(&j->board->cycle, cycle);
	for (int lane = 0; lane < j->lanes; lane++) {
		produce(j, j->members[lane], EVENTS / (1 + has_two_producers(lane)));
		j->board->switches += from_quiet ? fenced_on(j, lane) : 0;
	}
	j->board->cycles++;
}

/* What the kernel has counted, before anyone leaves. */
static void read_off(struct job *j)
{
	struct board *b = j->board;

	for (int lane = 0; lane < j->lanes; lane++) {
		struct dmp_info info = stress_info(j->rings[lane]);
		struct dmp_member_info members[ROLES];
		int n = dmp_ring_members(j->rings[lane], members, ROLES);

		b->sleeps += info.sleeps;
		b->woken += info.woken;
		b->futile += info.futile;
		b->late += info.late;
		b->wakes += info.wakes;
		b->empty += info.empty;
		b->fences += info.fences;
		assert_int_equal(n, 2 + is_on_lane(DEPENDANT, lane) + is_on_lane(SECOND, lane));
		while (n--)
			b->arms += members[n].arms;
	}
}

static void lead(struct job *j)
{
	struct board *b = j->board;
	uint64_t cycle = 0;

	do {
		await_shared(&b->resting, (ROLES - 1) * ++cycle);
		lead_cycle(j, cycle);
	} while (woken(j) < j->goal || cycle < 2);
	await_shared(&b->resting, (ROLES - 1) * ++cycle);
	read_off(j);
	store_shared(&b->cycle, NO_MORE);
}

static void take_part(struct job *j, struct dmp_member *m)
{
	if (j->role == SECOND)
		produce(j, m, EVENTS / 2);
	else
		consume(j, m);
}

static void follow(struct job *j)
{
	struct board *b = j->board;

	for (uint64_t cycle = 1;; cycle++) {
		__atomic_add_fetch(&b->resting, 1, __ATOMIC_ACQ_REL);
		await_shared(&b->cycle, cycle);
		if (dmp_load_acquire(b->cycle) == NO_MORE)
			return;
		for (int lane = 0; lane < j->lanes; lane++)
			if (is_on_lane(j->role, lane))
				take_part(j, j->members[lane]);
	}
}

/* ---- processes ---- */

static void on_alarm(int signal)
{
	(void)signal;
}

/* Without SA_RESTART, at a rate that hits some of the waits. */
static void ask_for_signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	const suseconds_t us = is_debug_kernel() ? 17000 : 1700;
	struct itimerval often = { .it_interval.tv_usec = us, .it_value.tv_usec = us };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static int run(void *arg)
{
	struct job *j = arg;

	pin_to_cpu(j->role == FIRST || j->role == SECOND ? j->cpus - 1 : 0);
	await_shared(&j->board->joined, j->role); /* the dependant after the first */
	for (int lane = 0; lane < j->lanes; lane++)
		if (is_on_lane(j->role, lane))
			j->members[lane] = join_lane(j, lane);
	__atomic_add_fetch(&j->board->joined, 1, __ATOMIC_ACQ_REL);
	await_shared(&j->board->joined, ROLES);
	if (j->how == UNDER_SIGNALS)
		ask_for_signals();
	if (j->role == PRODUCER)
		lead(j);
	else
		follow(j);
	return 0;
}

/* ---- the tests ---- */

static void check(const struct job *j)
{
	const struct board *b = j->board;

	print_message("%s, %u CPU: %" PRIu64 " woken, %" PRIu64 " asleep, %" PRIu64
		      " switches from quiet to fenced, %" PRIu64 " grace periods; lost %" PRIu64 ", futile %" PRIu64
		      "; wakes %" PRIu64 ", empty %" PRIu64 " of at most %" PRIu64 "\n",
		      how_names[j->how], j->cpus, b->woken, b->sleeps, b->switches, b->fences, b->late, b->futile,
		      b->wakes, b->empty, b->arms);
	assert_in_range(b->woken, j->goal, UINT64_MAX);
	assert_int_equal(b->late, 0);
	assert_int_equal(b->futile, 0);
	assert_in_range(b->empty, 0, b->arms);
	if (stress_always_fenced())
		assert_int_equal(b->fences, 0);
	else
		assert_in_range(b->switches, 1, UINT64_MAX);
}

static void sleep_and_wake(enum how how, unsigned int cpus)
{
	struct job j = {
		.how = how,
		.cpus = cpus,
		.lanes = is_debug_kernel() ? 12 : MOST_LANES, /* 12: one of each sort */
		.goal = rounds(50000, 1000000) / (2 * HOWS) + 1,
		.seed = stress_seed(),
		.board = shared_memory(sizeof(struct board)),
	};
	pid_t pid[ROLES];

	for (int lane = 0; lane < j.lanes; lane++)
		j.rings[lane] = make_lane(lane);
	for (j.role = PRODUCER; j.role < ROLES; j.role++, j.seed++)
		pid[j.role] = start_child(run, &j);
	for (int i = 0; i < ROLES; i++)
		assert_int_equal(finish_child(pid[i]), 0);
	check(&j);
	for (int lane = 0; lane < j.lanes; lane++)
		dmp_ring_close(j.rings[lane]);
	free_shared_memory(j.board, sizeof(struct board));
}

static void waits_on_one_cpu_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(BY_WAIT, 1);
}

static void waits_on_two_cpus_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(BY_WAIT, 2);
}

static void polls_on_one_cpu_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(BY_POLL, 1);
}

static void polls_on_two_cpus_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(BY_POLL, 2);
}

static void signals_on_one_cpu_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(UNDER_SIGNALS, 1);
}

static void signals_on_two_cpus_lose_no_wake(void **state)
{
	(void)state;
	sleep_and_wake(UNDER_SIGNALS, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_on_one_cpu_lose_no_wake),   cmocka_unit_test(waits_on_two_cpus_lose_no_wake),
		cmocka_unit_test(polls_on_one_cpu_lose_no_wake),   cmocka_unit_test(polls_on_two_cpus_lose_no_wake),
		cmocka_unit_test(signals_on_one_cpu_lose_no_wake), cmocka_unit_test(signals_on_two_cpus_lose_no_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
