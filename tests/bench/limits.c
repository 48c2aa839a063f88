/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * limits.c: what the machine allows, whatever the ring
 *
 *   line           one cache line there and back
 *   two_lines      one line per direction, as any two rings need
 *   cursor_data    a cursor line and a line of data per direction, as rings without stamps need
 *   memcpy         16 KiB at a time through shared memory, GB/s, copied in and out
 *   futex          one process wakes the other, and back
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define CHUNK	    1024 /* round trips between two looks at the clock */
#define COPY_BYTES  (16 * 1024)
#define COPY_CHUNKS 16
#define FUTEX_CHUNK 64
#define FUTEX_MAX   (1u << 18)

struct line {
	uint64_t value;
	uint64_t padding[15]; /* neighbours are fetched in pairs */
};

struct shared {
	struct line cursor[2], data[2];
	uint64_t end __attribute__((aligned(64))); /* round trips or chunks; all ones until known */
	double ns;
	uint32_t word[2] __attribute__((aligned(64)));
	char copies[COPY_CHUNKS][COPY_BYTES] __attribute__((aligned(4096)));
	uint32_t samples[FUTEX_MAX];
};

/* The kind of cell: which lines a message moves, in each direction. */
static uint64_t *there, *back;
static bool with_data;

static void await(const uint64_t *word, uint64_t value)
{
	while (bench_load_acquire(word) != value)
		bench_pause();
}

static void put(struct shared *s, int direction, uint64_t *word, uint64_t value)
{
	if (with_data)
		*(volatile uint64_t *)&s->data[direction].value = value;
	bench_store_release(word, value);
}

static void get(struct shared *s, int direction, const uint64_t *word, uint64_t value)
{
	await(word, value);
	if (with_data)
		bench_check(*(volatile uint64_t *)&s->data[direction].value == value);
}

/* One line: the words are the same, and values alternate; else each direction has its own. */
static void line_ping(void *arg)
{
	struct shared *s = arg;
	uint64_t start, i = 0;

	bench_meet();
	start = bench_now();
	do {
		if (i % CHUNK == 0 && s->end == UINT64_MAX && bench_now() - start > bench_budget_ns())
			bench_store_release(&s->end, i + CHUNK);
		put(s, 0, there, 2 * i + 1);
		get(s, 1, back, 2 * i + 2);
	} while (++i < s->end);
	s->ns = (double)(bench_now() - start) / (double)i;
}

static void line_pong(void *arg)
{
	struct shared *s = arg;

	bench_meet();
	for (uint64_t i = 0; i < bench_load_acquire(&s->end); i++) {
		get(s, 0, there, 2 * i + 1);
		put(s, 1, back, 2 * i + 2);
	}
}

static void run_lines(struct shared *s, const char *kind)
{
	there = &s->cursor[0].value;
	back = strcmp(kind, "line") ? &s->cursor[1].value : there;
	with_data = !strcmp(kind, "cursor_data");
	bench_pair(line_ping, line_pong, s, 0);
	bench_value("ns", s->ns);
}

/* ---- memcpy ---- */

static void copy_in(void *arg)
{
	struct shared *s = arg;
	static char own[COPY_BYTES];
	uint64_t start, i = 0;

	bench_meet();
	start = bench_now();
	do {
		if (s->end == UINT64_MAX && bench_now() - start > bench_budget_ns())
			bench_store_release(&s->end, i + 1);
		while (i - bench_load_acquire(&s->cursor[1].value) == COPY_CHUNKS)
			bench_pause();
		memset(own, (int)i, 64);
		memcpy(s->copies[i % COPY_CHUNKS], own, COPY_BYTES);
		bench_store_release(&s->cursor[0].value, i + 1);
	} while (++i < s->end);
	while (bench_load_acquire(&s->cursor[1].value) != i)
		bench_pause();
	s->ns = (double)(bench_now() - start) / (double)i;
}

static void copy_out(void *arg)
{
	struct shared *s = arg;
	static char own[COPY_BYTES];

	bench_meet();
	for (uint64_t i = 0; i < bench_load_acquire(&s->end); i++) {
		while (bench_load_acquire(&s->cursor[0].value) == i)
			bench_pause();
		memcpy(own, s->copies[i % COPY_CHUNKS], COPY_BYTES);
		bench_check(own[0] == (char)i);
		bench_store_release(&s->cursor[1].value, i + 1);
	}
}

static void run_memcpy(struct shared *s)
{
	bench_pair(copy_in, copy_out, s, 0);
	bench_value("GB/s", COPY_BYTES / s->ns);
}

/* ---- futex ---- */

static void wake(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void sleep_until(uint32_t *word, uint32_t value)
{
	uint32_t seen;

	while ((seen = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void futex_ping(void *arg)
{
	struct shared *s = arg;
	uint64_t deadline, start;

	bench_meet();
	deadline = bench_now() + bench_budget_ns();
	for (uint64_t i = 0; i < s->end; i++) {
		if (s->end == UINT64_MAX && (bench_now() > deadline || i == FUTEX_MAX - FUTEX_CHUNK))
			bench_store_release(&s->end, i + FUTEX_CHUNK);
		start = bench_tsc_fenced();
		wake(&s->word[0], (uint32_t)i + 1);
		sleep_until(&s->word[1], (uint32_t)i + 1);
		s->samples[i] = (uint32_t)(bench_tsc_fenced() - start);
	}
}

static void futex_pong(void *arg)
{
	struct shared *s = arg;

	bench_meet();
	for (uint64_t i = 0; i < bench_load_acquire(&s->end); i++) {
		sleep_until(&s->word[0], (uint32_t)i + 1);
		wake(&s->word[1], (uint32_t)i + 1);
	}
}

static void run_futex(struct shared *s, unsigned int flags)
{
	bench_pair(futex_ping, futex_pong, s, flags);
	bench_value("ns", bench_percentile(s->samples, s->end, 0.5) / bench_tsc_per_ns());
	bench_also("p99", bench_percentile(s->samples, s->end, 0.99) / bench_tsc_per_ns());
}

/* ---- cells ---- */

static const struct bench_cell cells[] = {
	{ "limit", "line", 8, 0, 0 },	     { "limit", "two_lines", 8, 0, 0 },
	{ "limit", "cursor_data", 8, 0, 0 }, { "limit", "memcpy", COPY_BYTES, COPY_CHUNKS, 1 },
	{ "round-trip", "futex", 8, 0, 1 },  { "round-trip-same-cpu", "futex", 8, 0, 1 },
};

static void run(const struct bench_cell *cell)
{
	struct shared *s = bench_shared(sizeof(*s));

	s->end = UINT64_MAX;
	if (!strcmp(cell->peer, "memcpy"))
		run_memcpy(s);
	else if (!strcmp(cell->peer, "futex"))
		run_futex(s, strcmp(cell->test, "round-trip") ? BENCH_SAME_CPU : 0);
	else
		run_lines(s, cell->peer);
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(*cells), run);
}
