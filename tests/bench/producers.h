/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * producers.h: the loops that rings with several producers are measured with, and main
 *
 *   producers-N    N producers, one consumer, by messages per publish; N = 1, 2, 4, 8
 *   three-to-one   LMAX's: 3 producers, one consumer, 8 bytes, one by one and ten at a time
 *
 * Included last by a peer, see peer.h, whose functions are as there but for port_receive(port, &tally): see tally.h. Each
 * member is a process, nobody is pinned: on two CPUs all but producers-1 have more members than CPUs, and measure how
 * well they make way for each other. The rate is the consumer's, from when all are there.
 */
#ifndef BENCH_PRODUCERS_H
#define BENCH_PRODUCERS_H

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"

#define PRODUCERS_SLOTS 65536
#define CLOCK_TURNS	64 /* of the consumer between two looks at the clock */
#define BUDGETS		4  /* of the harness per cell: the scheduler needs some time to show what it does */
#define CELLS_MAX	64

static struct crowd {
	const struct peer *peer;
	struct ring *ring;
	uint32_t producers, publish;
	uint64_t arrived __attribute__((aligned(64)));
	uint64_t start; /* tsc */
} * crowd;

static pid_t children[PRODUCERS_MAX];

/* ---- members ---- */

/* The last one to come starts the clock. */
static void meet(void)
{
	bench_store_release(&crowd->start, bench_tsc());
	__atomic_add_fetch(&crowd->arrived, 1, __ATOMIC_SEQ_CST);
	while (bench_load_acquire(&crowd->arrived) <= crowd->producers)
		sched_yield();
}

BENCH_INLINE void send_all(struct port *port, uint64_t seq, uint32_t publish)
{
	meet();
	for (;; seq += publish) /* until it is killed */
		port_send(port, seq, publish);
}

static void produce(uint64_t producer)
{
	struct port port = {};

	port_open(&port, crowd->ring, SENDER);
	switch (crowd->publish) {
	case 1:
		return send_all(&port, tally_first(producer), 1);
	case 8:
		return send_all(&port, tally_first(producer), 8);
	case 10:
		return send_all(&port, tally_first(producer), 10);
	case 32:
		return send_all(&port, tally_first(producer), 32);
	}
	bench_fail("publish %u is in none of the cases", crowd->publish);
}

/* Receives for the budget. A message that is lost shows at the next one of its producer. */
static void receive_all(struct port *port, struct tally *tally)
{
	uint64_t ticks = (uint64_t)((double)(BUDGETS * bench_budget_ns()) * bench_tsc_per_ns());
	uint64_t received = 0, batches = 0, turns = 0, elapsed = 0;
	uint32_t n, looks = 0;

	while (elapsed < ticks) {
		n = port_receive(port, tally);
		if (!n)
			give_way(&looks);
		else
			looks = 0;
		received += n;
		batches += n != 0;
		if (!(++turns % CLOCK_TURNS))
			elapsed = bench_tsc() - crowd->start;
	}
	bench_value("M/s", (double)received * bench_tsc_per_ns() * 1000 / (double)elapsed);
	bench_also("batch", (double)received / (double)batches);
}

static void consume(void)
{
	struct tally tally = {};
	struct port port = {};

	for (uint64_t i = 0; i < PRODUCERS_MAX; i++)
		tally.next[i] = tally_first(i);
	port_open(&port, crowd->ring, RECEIVER);
	meet();
	receive_all(&port, &tally);
	if (verdict_is_bad(&tally.verdict))
		bench_fail("%s: a message was lost, torn, seen twice or out of order", crowd->peer->name);
}

/* ---- cells ---- */

static struct bench_cell cells[CELLS_MAX];
static const struct peer *cell_peers[CELLS_MAX];
static size_t cell_count;

static void add_cell(const struct peer *peer, const char *test, uint32_t publish)
{
	bench_check(cell_count < CELLS_MAX);
	cell_peers[cell_count] = peer;
	cells[cell_count++] = (struct bench_cell){ test, peer->name, SIZE, PRODUCERS_SLOTS, publish };
}

static void add_cells(const struct peer *peer)
{
	static const char *const tests[] = { "producers-1", "producers-2", "producers-4", "producers-8" };

	for (int p = 0; peer->publish[p]; p++)
		for (int t = 0; t < (peer->tests & PRODUCERS ? 4 : 1); t++)
			add_cell(peer, tests[t], peer->publish[p]);
	if (!(peer->tests & THREE_TO_ONE) || SIZE != 8)
		return;
	add_cell(peer, "three-to-one", 1);
	if (peer->publish[1])
		add_cell(peer, "three-to-one", 10);
}

static uint32_t producers_of(const char *test)
{
	return strcmp(test, "three-to-one") ? (uint32_t)(test[strlen("producers-")] - '0') : 3;
}

/* A producer that has failed said why: nobody is to wait for it. */
static void child_ended(int signal)
{
	(void)signal;
	_exit(1);
}

static void start_producers(void)
{
	signal(SIGCHLD, child_ended);
	for (uint32_t i = 0; i < crowd->producers; i++) {
		children[i] = fork();
		bench_check(children[i] >= 0);
		if (children[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		produce(i);
	}
}

static void end_producers(void)
{
	signal(SIGCHLD, SIG_DFL);
	for (uint32_t i = 0; i < crowd->producers; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

static void run(const struct bench_cell *cell)
{
	bench_tsc_per_ns();
	crowd = (struct crowd *)bench_shared(sizeof(*crowd));
	crowd->peer = cell_peers[cell - cells];
	crowd->producers = producers_of(cell->test);
	crowd->publish = cell->publish;
	crowd->ring = ring_create(crowd->peer, cell->slots);
	bench_unpin();
	start_producers();
	consume();
	end_producers();
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		add_cells(&peers[i]);
	return bench_main(argc, argv, cells, cell_count, run);
}

#endif /* BENCH_PRODUCERS_H */
