/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * latency_burst.c: disruptor-rs's grid of bursts and pauses
 *
 * The producer pauses, publishes a burst of events at once and waits until the consumer says, in a word of its own,
 * that the last has arrived: time per event, without the pause. Pauses are microseconds, spent with the clock:
 * disruptor-rs sleeps milliseconds, which measures the wake of the producer's CPU. With no pause only the whole is
 * timed.
 */
#define _GNU_SOURCE
#include "latency_ring.h"

#define BURSTS 100 /* between two looks at the deadline */
#define SLOTS  256

static struct shared {
	struct dmp_ring *ring;
	const struct dmp_wait_strategy *wait;
	uint64_t pause; /* ns */
	uint32_t size;	/* of a burst */
	double ns;
	uint64_t end __attribute__((aligned(64)));  /* events; all ones until known */
	uint64_t sink __attribute__((aligned(64))); /* the last event that has arrived */
	uint64_t padding[15];
} * shared;

static void publish(struct dmp_member *member, uint64_t *sent)
{
	uint64_t pos, *event;

	bench_check(!dmp_claim(member, shared->size, &pos));
	dmp_for_each_slot(event, member, pos, shared->size)
		*event = ++*sent;
	dmp_publish(member, pos, shared->size);
}

static void send_burst(struct dmp_member *member, uint64_t *sent)
{
	publish(member, sent);
	while (bench_load_acquire(&shared->sink) != *sent)
		bench_pause();
}

static uint64_t wait_until(uint64_t time)
{
	uint64_t now;

	do
		now = bench_now();
	while (now < time);
	return now;
}

/* The time of all of them, without the pauses. */
static uint64_t send_bursts(struct dmp_member *member, uint64_t *sent)
{
	uint64_t start = bench_now(), ns = 0;

	for (int i = 0; i < BURSTS; i++) {
		if (shared->pause)
			start = wait_until(bench_now() + shared->pause);
		send_burst(member, sent);
		if (shared->pause)
			ns += bench_now() - start;
	}
	return shared->pause ? ns : bench_now() - start;
}

static void produce(void *arg)
{
	struct dmp_join_options options = { .wait = shared->wait };
	struct dmp_member *member = ring_join(shared->ring, DMP_ROLE_PRODUCER, &options);
	uint64_t deadline, sent = 0, ns = 0, warm;

	(void)arg;
	bench_meet();
	send_bursts(member, &sent);
	warm = sent;
	deadline = bench_now() + bench_budget_ns();
	do
		ns += send_bursts(member, &sent);
	while (bench_now() < deadline);
	shared->ns = (double)ns / (double)(sent - warm);
	bench_store_release(&shared->end, sent + shared->size);
	send_burst(member, &sent); /* the consumer knows in time that it is the last */
	dmp_leave(member);
}

static void consume(void *arg)
{
	struct dmp_join_options options = { .name = "consumer", .wait = shared->wait };
	struct dmp_member *member = ring_join(shared->ring, DMP_ROLE_CONSUMER, &options);
	struct dmp_batch batch;
	const uint64_t *event;

	(void)arg;
	bench_meet();
	while (shared->sink != bench_load_acquire(&shared->end)) {
		bench_check(!dmp_wait(member, 1, &batch));
		dmp_for_each(event, member, &batch)
			bench_store_release(&shared->sink, *event);
		bench_check(!dmp_release(member, batch.end));
	}
	dmp_leave(member);
}

static const struct bench_cell cells[] = {
	{ "burst-pause-0us", "dmp-spin", 8, SLOTS, 1 },	   { "burst-pause-0us", "dmp-spin", 8, SLOTS, 10 },
	{ "burst-pause-0us", "dmp-spin", 8, SLOTS, 100 },  { "burst-pause-1us", "dmp-spin", 8, SLOTS, 1 },
	{ "burst-pause-1us", "dmp-spin", 8, SLOTS, 10 },   { "burst-pause-1us", "dmp-spin", 8, SLOTS, 100 },
	{ "burst-pause-10us", "dmp-spin", 8, SLOTS, 1 },   { "burst-pause-10us", "dmp-spin", 8, SLOTS, 10 },
	{ "burst-pause-10us", "dmp-spin", 8, SLOTS, 100 },
};

static void run(const struct bench_cell *cell)
{
	shared = bench_shared(sizeof(*shared));
	shared->ring = ring_of(cell->size, cell->slots, DMP_RING_STAMPED);
	shared->wait = ring_strategy(cell->peer);
	shared->pause = strtoull(strpbrk(cell->test, "0123456789"), NULL, 10) * 1000;
	shared->size = cell->publish;
	shared->end = UINT64_MAX;
	bench_pair(produce, consume, NULL, 0);
	bench_value("ns", shared->ns);
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(*cells), run);
}
