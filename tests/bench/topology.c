/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * topology.c: one-to-one, one-to-three, pipeline and diamond, as LMAX's performance tests have them
 *
 *   one-to-one     P -> A                  A adds the values
 *   one-to-three   P -> A, S, N            A adds, S subtracts, N ands
 *   pipeline       P -> 1 -> 2 -> 3        1: x = a + b   2: y = x + 3   3: how many y have bit 2
 *   diamond        P -> F, B -> FB         F: multiples of 3   B: of 5   FB: of both
 *
 * Sizes are LMAX's; lmax/ measures LMAX itself. Each member is a process; nobody is pinned, since LMAX pins nobody: on
 * two CPUs all but one-to-one measure how well the members make way for each other. A consumer cannot write into an
 * event (its pages do not let it), so later steps compute again what LMAX's read from the event: more work, not less.
 * The rate is that of the events, from the first claim to the last release of the slowest consumer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "latency_ring.h"

#define STEPS_MAX   3
#define CHUNK	    8000 /* events between two looks at the clock: a multiple of each publish */
#define BUDGETS	    4	 /* of the harness per cell: the scheduler needs some time to show what it does */
#define OPERAND_TWO 777	 /* pipeline: b of event n is OPERAND_TWO - n */
#define ALWAYS	    static inline __attribute__((always_inline))

struct operands {
	uint64_t a, b;
};

/* What a step makes of its value so far and a batch of n events. */
typedef uint64_t work(uint64_t value, const void *batch, uint64_t n);

struct step {
	const char *name;
	work *work;
	uint64_t (*expected)(uint64_t events);
	const char *after[3]; /* NULL behind the last */
};

struct topology {
	const char *name;
	uint32_t event_size;
	uint32_t slots;
	uint32_t count; /* of steps */
	struct step steps[STEPS_MAX];
};

/* A line of its own for each consumer, written when it has finished. */
struct outcome {
	uint64_t value;
	uint64_t looks; /* batches */
	uint64_t tsc;	/* of the last release */
	uint64_t padding[13];
};

static struct shared {
	uint64_t joined;
	uint64_t end __attribute__((aligned(64))); /* events; all ones until known */
	uint64_t start __attribute__((aligned(64)));
	struct outcome outcomes[STEPS_MAX];
} * shared;

/* ---- steps ---- */

/* One for each event e; e's type is a constant for the compiler, as it is for a user. */
#define WORK(name, type, expression)                                        \
	static uint64_t name(uint64_t value, const void *batch, uint64_t n) \
	{                                                                   \
		for (const type *e = batch, *end = e + n; e != end; e++)    \
			value = (expression);                               \
		return value;                                               \
	}

WORK(add, uint64_t, value + *e)
WORK(subtract, uint64_t, value - *e)
WORK(and, uint64_t, (value & *e))
WORK(step_one, struct operands, value + (e->a + e->b))
WORK(step_two, struct operands, value + (e->a + e->b + 3))
WORK(step_three, struct operands, value + ((e->a + e->b + 3) & 4) / 4)
WORK(fizz, uint64_t, value + (*e % 3 == 0))
WORK(buzz, uint64_t, value + (*e % 5 == 0))
WORK(fizz_buzz, uint64_t, value + ((*e % 3 == 0) & (*e % 5 == 0)))

/* ---- what must come out ---- */

static uint64_t sum(uint64_t n)
{
	return n % 2 ? (n - 1) / 2 * n : n / 2 * (n - 1);
}

static uint64_t minus_sum(uint64_t n)
{
	return -sum(n);
}

static uint64_t zero(uint64_t n)
{
	(void)n;
	return 0;
}

static uint64_t ones(uint64_t n)
{
	return n * OPERAND_TWO;
}

static uint64_t twos(uint64_t n)
{
	return n * (OPERAND_TWO + 3);
}

static uint64_t threes(uint64_t n)
{
	return (OPERAND_TWO + 3) & 4 ? n : 0;
}

static uint64_t multiples_of_3(uint64_t n)
{
	return (n + 2) / 3;
}

static uint64_t multiples_of_5(uint64_t n)
{
	return (n + 4) / 5;
}

static uint64_t multiples_of_15(uint64_t n)
{
	return (n + 14) / 15;
}

static const struct topology topologies[] = {
	{ "one-to-one", 8, 65536, 1, { { "A", add, sum, {} } } },
	{ "one-to-three",
	  8,
	  8192,
	  3,
	  { { "A", add, sum, {} }, { "S", subtract, minus_sum, {} }, { "N", and, zero, {} } } },
	{ "pipeline",
	  sizeof(struct operands),
	  8192,
	  3,
	  { { "1", step_one, ones, {} }, { "2", step_two, twos, { "1" } }, { "3", step_three, threes, { "2" } } } },
	{ "diamond",
	  8,
	  8192,
	  3,
	  { { "F", fizz, multiples_of_3, {} },
	    { "B", buzz, multiples_of_5, {} },
	    { "FB", fizz_buzz, multiples_of_15, { "F", "B" } } } },
};

/* ---- members ---- */

static void await_joined(uint64_t count)
{
	while (bench_load_acquire(&shared->joined) < count)
		sched_yield();
}

static struct dmp_member *join_in_turn(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options,
				       uint64_t turn, uint64_t count)
{
	struct dmp_member *member;

	await_joined(turn); /* those it comes after have joined */
	member = ring_join(ring, role, options);
	bench_store_release(&shared->joined, turn + 1);
	await_joined(count);
	return member;
}

static void consume(struct dmp_ring *ring, const struct topology *t, uint32_t i, const struct dmp_wait_strategy *wait)
{
	const struct step *step = &t->steps[i];
	struct dmp_join_options options = { .name = step->name, .after = step->after, .wait = wait };
	struct dmp_member *member;
	struct dmp_batch batch;
	uint64_t value = 0, seq = 0, looks = 0;

	while (step->after[options.after_count])
		options.after_count++;
	member = join_in_turn(ring, DMP_ROLE_CONSUMER, &options, i, t->count + 1);
	for (; seq < bench_load_acquire(&shared->end); seq = batch.end, looks++) {
		bench_check(!dmp_wait(member, 1, &batch) && batch.pos == seq);
		value = step->work(value, dmp_event(member, seq), batch.end - seq);
		bench_check(!dmp_release(member, batch.end));
	}
	shared->outcomes[i] = (struct outcome){ .value = value, .looks = looks, .tsc = bench_tsc() };
	dmp_leave(member);
}

ALWAYS void fill(char *to, uint64_t seq, uint32_t event_size)
{
	if (event_size == sizeof(struct operands))
		*(struct operands *)to = (struct operands){ seq, OPERAND_TWO - seq };
	else
		*(uint64_t *)to = seq;
}

ALWAYS void publish_chunk(struct dmp_member *member, uint64_t seq, uint32_t n, uint32_t event_size)
{
	uint64_t pos;
	char *to;

	for (uint64_t end = seq + CHUNK; seq < end; seq += n) {
		bench_check(!dmp_claim(member, n, &pos));
		to = dmp_slot(member, pos);
		for (uint32_t i = 0; i < n; i++)
			fill(to + i * event_size, seq + i, event_size);
		dmp_publish(member, pos, n);
	}
}

/* The last chunk is announced before it is published: consumers know in time. */
ALWAYS void publish_all(struct dmp_member *member, uint32_t n, uint32_t event_size)
{
	uint64_t deadline = bench_now() + BUDGETS * bench_budget_ns(), seq = 0;

	shared->start = bench_tsc();
	for (; bench_now() < deadline; seq += CHUNK)
		publish_chunk(member, seq, n, event_size);
	bench_store_release(&shared->end, seq + CHUNK);
	publish_chunk(member, seq, n, event_size);
}

static void produce(struct dmp_ring *ring, const struct topology *t, uint32_t n, const struct dmp_wait_strategy *wait)
{
	struct dmp_join_options options = { .wait = wait };
	struct dmp_member *member = join_in_turn(ring, DMP_ROLE_PRODUCER, &options, t->count, t->count + 1);

	if (t->event_size == sizeof(struct operands))
		n == 1 ? publish_all(member, 1, sizeof(struct operands))
		       : publish_all(member, 10, sizeof(struct operands));
	else
		n == 1 ? publish_all(member, 1, 8) : publish_all(member, 10, 8);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		; /* a ring whose producer has gone would end before they have read it */
	dmp_leave(member);
}

/* ---- cells ---- */

static void print_results(const struct topology *t)
{
	uint64_t last = shared->start, looks = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct outcome *o = &shared->outcomes[i];

		if (!o->tsc || o->value != t->steps[i].expected(shared->end))
			bench_fail("%s: step %s: an event was lost, torn or seen twice", t->name, t->steps[i].name);
		if (o->tsc > last)
			last = o->tsc;
		looks += o->looks;
	}
	bench_value("M/s", (double)shared->end * bench_tsc_per_ns() * 1000 / (double)(last - shared->start));
	bench_also("batch", (double)(shared->end * t->count) / (double)looks);
}

static const struct topology *topology_of(const char *name)
{
	const struct topology *t = topologies;

	while (strcmp(t->name, name))
		t++;
	return t;
}

/* A consumer that has failed said why: nobody is to wait for it. */
static void child_ended(int signal)
{
	int saved = errno;
	siginfo_t info = { 0 };

	(void)signal;
	if (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid &&
	    (info.si_code != CLD_EXITED || info.si_status))
		_exit(1);
	errno = saved;
}

static void run(const struct bench_cell *cell)
{
	const struct dmp_wait_strategy *wait = ring_strategy(cell->peer);
	const struct topology *t = topology_of(cell->test);
	struct dmp_ring *ring = ring_of(t->event_size, t->slots, 0);

	shared = bench_shared(sizeof(*shared));
	shared->end = UINT64_MAX;
	bench_unpin();
	signal(SIGCHLD, child_ended);
	for (uint32_t i = 0; i < t->count; i++) {
		pid_t child = fork();

		bench_check(child >= 0);
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		consume(ring, t, i, wait);
		_exit(0);
	}
	produce(ring, t, cell->publish, wait);
	print_results(t);
}

static const struct bench_cell cells[] = {
	{ "one-to-one", "dmp-spin", 8, 65536, 1 },   { "one-to-one", "dmp-spin", 8, 65536, 10 },
	{ "one-to-one", "dmp-yield", 8, 65536, 1 },  { "one-to-one", "dmp-yield", 8, 65536, 10 },
	{ "one-to-three", "dmp-yield", 8, 8192, 1 }, { "one-to-three", "dmp-yield", 8, 8192, 10 },
	{ "pipeline", "dmp-yield", 16, 8192, 1 },    { "pipeline", "dmp-yield", 16, 8192, 10 },
	{ "diamond", "dmp-yield", 8, 8192, 1 },	     { "diamond", "dmp-yield", 8, 8192, 10 },
};

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(*cells), run);
}
