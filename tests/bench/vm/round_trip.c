/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * round_trip: a message there and back between two processes that sleep in between
 *
 *   same_cpu, across    microseconds per round trip, both processes on one CPU or on one each; median of this start
 *   calls               system calls per round trip, exact; on one CPU
 */
#include <stdbool.h>
#include <string.h>

#include "../bench.h"
#include "calls.h"
#include "peers.h"

#define TRIPS_MAX   (1u << 16)
#define TRIPS_COUNT 1000 /* of which the system calls are counted */

struct run {
	const struct peer *peer;
	bool count;	   /* system calls, instead of time */
	uint64_t calls[2]; /* by side */
	uint32_t trips;
	uint32_t ns[TRIPS_MAX]; /* of each */
};

static bool is_last(const struct run *run, uint64_t deadline)
{
	if (run->count)
		return run->trips + 1 == TRIPS_COUNT;
	return run->trips + 1 == TRIPS_MAX || bench_now() >= deadline;
}

static void ask(struct run *run)
{
	uint64_t deadline = bench_now() + bench_budget_ns(), start;
	struct message message = { 0 }, answer;

	while (!message.last) {
		message.seq++;
		message.last = is_last(run, deadline);
		start = bench_now();
		run->peer->send(0, &message);
		run->peer->receive(1, &answer);
		run->ns[run->trips++] = (uint32_t)(bench_now() - start);
		bench_check(!memcmp(&answer, &message, sizeof(answer)));
	}
}

static void answer(struct run *run)
{
	struct message message;

	do {
		run->peer->receive(0, &message);
		run->peer->send(1, &message);
	} while (!message.last);
}

/* One side: everything is open before the two meet. */
static void trip(struct run *run, int side, void (*loop)(struct run *))
{
	int counter = run->count ? calls_open(0) : -1;

	run->peer->enter(side);
	bench_meet();
	if (run->count)
		calls_start(counter);
	loop(run);
	if (run->count)
		run->calls[side] = calls_stop(counter) - 1; /* without the call that stops */
}

static void first(void *run)
{
	trip(run, 0, ask);
}

static void second(void *run)
{
	trip(run, 1, answer);
}

static const struct peer *find_peer(const char *name)
{
	size_t i = 0;

	while (i < peers_count && strcmp(peers[i].name, name))
		i++;
	bench_check(i < peers_count);
	return &peers[i];
}

static void measure(const struct bench_cell *cell)
{
	struct run *run = bench_shared(sizeof(*run));

	run->peer = find_peer(cell->peer);
	run->count = !strcmp(cell->test, "calls");
	if (run->count)
		calls_open(
			0); /* the first one patches the kernel: not while another CPU runs there, an emulator may trip */
	run->peer->create();
	bench_pair(first, second, run, strcmp(cell->test, "across") ? BENCH_SAME_CPU : 0);
	if (run->count)
		bench_value("calls", (double)(run->calls[0] + run->calls[1]) / run->trips);
	else
		bench_value("us", bench_percentile(run->ns, run->trips, 0.5) / 1e3);
	bench_also("trips", run->trips);
	if (run->peer->report)
		run->peer->report(run->trips);
}

#define CELLS(peer)                                                   \
	{ "same_cpu", peer, 56, 0, 1 }, { "across", peer, 56, 0, 1 }, \
	{                                                             \
		"calls", peer, 56, 0, 1                               \
	}

static const struct bench_cell cells[] = {
	CELLS("dmp"), CELLS("futex"), CELLS("eventfd"), CELLS("pipe"), CELLS("semaphore"),
};

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(cells[0]), measure);
}
