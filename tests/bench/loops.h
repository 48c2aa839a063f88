/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * loops.h: the loops that every peer is measured with, and main
 *
 * Included last by a peer, see peer.h. How many messages: as many as take the budget. The sender announces the last one
 * before it sends the last chunk, so that a receiver that blocks knows of it in time.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <string.h>

#define STREAM_CHUNK	 8192 /* messages between two looks at the clock; a multiple of every publish */
#define ROUND_TRIP_CHUNK 128
#define ROUND_TRIP_SLOTS 1024
#define SAMPLES_MAX	 (1u << 20)
#define CELLS_MAX	 128

struct loop {
	struct ring *there, *back;
	uint32_t publish;
	uint64_t end __attribute__((aligned(64))); /* messages; all ones until known */
	uint64_t ticks __attribute__((aligned(64)));
	uint64_t looks; /* that found something */
	int bad;
	uint32_t count; /* of samples, ticks each */
	uint32_t samples[SAMPLES_MAX];
};

BENCH_INLINE int loop_goes_on(struct loop *loop, uint64_t seq)
{
	return seq < bench_load_acquire(&loop->end);
}

/* ---- streams ---- */

BENCH_INLINE void send_chunk(struct port *port, uint64_t seq, uint32_t publish)
{
	for (uint64_t end = seq + STREAM_CHUNK; seq < end; seq += publish)
		port_send(port, seq, publish);
}

BENCH_INLINE void send_stream(struct loop *loop, struct port *port, uint32_t publish)
{
	uint64_t deadline, seq = 0;

	bench_meet();
	deadline = bench_now() + bench_budget_ns();
	for (; bench_now() < deadline; seq += STREAM_CHUNK)
		send_chunk(port, seq, publish);
	bench_store_release(&loop->end, seq + STREAM_CHUNK);
	send_chunk(port, seq, publish);
}

static void sender(void *arg)
{
	struct loop *loop = (struct loop *)arg;
	struct port port = {};

	port_open(&port, loop->there, SENDER);
	switch (loop->publish) {
	case 1:
		return send_stream(loop, &port, 1);
	case 8:
		return send_stream(loop, &port, 8);
	case 32:
		return send_stream(loop, &port, 32);
	case 256:
		return send_stream(loop, &port, 256);
	}
	bench_fail("publish %u is in none of the cases", loop->publish);
}

static void receiver(void *arg)
{
	struct loop *loop = (struct loop *)arg;
	struct port port = {};
	struct verdict verdict = {};
	uint64_t seq = 0, looks = 0, start;
	uint32_t n;

	port_open(&port, loop->there, RECEIVER);
	bench_meet();
	start = bench_tsc();
	while (loop_goes_on(loop, seq)) {
		n = port_receive(&port, seq, &verdict);
		if (!n)
			bench_pause();
		seq += n;
		looks += n != 0;
	}
	loop->ticks = bench_tsc() - start;
	loop->looks = looks;
	loop->bad = verdict_is_bad(&verdict);
}

static void stream_results(struct loop *loop)
{
	double us = (double)loop->ticks / bench_tsc_per_ns() / 1000;

	bench_value("M/s", (double)loop->end / us);
	bench_also("batch", (double)loop->end / (double)loop->looks);
}

/* ---- round trips ---- */

BENCH_INLINE void receive_one(struct port *port, uint64_t seq, struct verdict *verdict)
{
	while (!port_receive(port, seq, verdict))
		bench_pause();
}

/* The first chunk warms up. */
static void ping(void *arg)
{
	struct loop *loop = (struct loop *)arg;
	struct port out = {}, in = {};
	struct verdict verdict = {};
	uint64_t deadline, start;

	port_open(&out, loop->there, SENDER);
	port_open(&in, loop->back, RECEIVER);
	bench_meet();
	deadline = bench_now() + bench_budget_ns();
	for (uint64_t seq = 0; loop_goes_on(loop, seq); seq++) {
		if (seq % ROUND_TRIP_CHUNK == 0 && loop->end == UINT64_MAX &&
		    (bench_now() > deadline || loop->count > SAMPLES_MAX - 3 * ROUND_TRIP_CHUNK))
			bench_store_release(&loop->end, seq + 2 * ROUND_TRIP_CHUNK);
		start = bench_tsc_fenced();
		port_send(&out, seq, 1);
		receive_one(&in, seq, &verdict);
		if (seq >= ROUND_TRIP_CHUNK)
			loop->samples[loop->count++] = (uint32_t)(bench_tsc_fenced() - start);
	}
	loop->bad |= verdict_is_bad(&verdict);
}

static void pong(void *arg)
{
	struct loop *loop = (struct loop *)arg;
	struct port out = {}, in = {};
	struct verdict verdict = {};

	port_open(&in, loop->there, RECEIVER);
	port_open(&out, loop->back, SENDER);
	bench_meet();
	for (uint64_t seq = 0; loop_goes_on(loop, seq); seq++) {
		receive_one(&in, seq, &verdict);
		port_send(&out, seq, 1);
	}
	if (verdict_is_bad(&verdict))
		loop->bad = 1;
}

static void round_trip_results(struct loop *loop)
{
	bench_value("ns", bench_percentile(loop->samples, loop->count, 0.5) / bench_tsc_per_ns());
	bench_also("p99", bench_percentile(loop->samples, loop->count, 0.99) / bench_tsc_per_ns());
}

/* ---- cells ---- */

static struct bench_cell cells[CELLS_MAX];
static const struct peer *cell_peers[CELLS_MAX];
static size_t cell_count;

static void add_cell(const struct peer *peer, const char *test, uint32_t slots, uint32_t publish)
{
	bench_check(cell_count < CELLS_MAX);
	cell_peers[cell_count] = peer;
	cells[cell_count++] = (struct bench_cell){ test, peer->name, SIZE, slots, publish };
}

static void add_cells(const struct peer *peer)
{
	for (int s = 0; peer->tests & STREAM && (!s || peer->slots[s]); s++)
		for (int p = 0; peer->publish[p]; p++)
			add_cell(peer, "stream", peer->slots[s], peer->publish[p]);
	if (peer->tests & ROUND_TRIP)
		add_cell(peer, "round-trip", peer->slots[0] ? ROUND_TRIP_SLOTS : 0, 1);
	if (peer->tests & SAME_CPU)
		add_cell(peer, "round-trip-same-cpu", peer->slots[0] ? ROUND_TRIP_SLOTS : 0, 1);
}

static void run(const struct bench_cell *cell)
{
	const struct peer *peer = cell_peers[cell - cells];
	struct loop *loop = (struct loop *)bench_shared(sizeof(*loop));
	bool one_way = cell->test[0] == 's';

	loop->publish = cell->publish;
	loop->end = UINT64_MAX;
	loop->there = ring_create(peer, cell->slots);
	if (!one_way)
		loop->back = ring_create(peer, cell->slots);
	bench_pair(one_way ? sender : ping, one_way ? receiver : pong, loop,
		   peer->flags | (strstr(cell->test, "same-cpu") ? BENCH_SAME_CPU : 0));
	if (loop->bad)
		bench_fail("%s %s: a message was lost, torn or out of order", cell->test, cell->peer);
	if (one_way)
		stream_results(loop);
	else
		round_trip_results(loop);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		add_cells(&peers[i]);
	return bench_main(argc, argv, cells, cell_count, run);
}

#endif /* BENCH_LOOPS_H */
