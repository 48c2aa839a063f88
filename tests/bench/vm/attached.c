/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * attached: what a stream loses while eBPF sees it; million events per second
 *
 * A producer and a consumer that count everything, on one CPU each, both spinning: how often they would sleep is an
 * emulator's chance. Meanwhile all that dmp trace has is attached and the module samples at its default pace, then
 * nothing is, and so on. value: with; detached: without. The phases go there and back, so that a machine that grows
 * faster or slower favours neither.
 *
 * usual: the same ratio of the median times of a chunk: without what happens now and then, be it the sampler's or
 * another's. If it is near 1 and value / detached is not, the machine was disturbed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dmp.h>

#include "../bench.h"

#define WORDS	 7 /* of an event */
#define PINS	 "/sys/fs/bpf/bench"
#define PHASE	 4  /* budgets: of the sampler's 100 ms at least two */
#define PER_LOOK 64 /* publishes between two looks at the clock: a chunk */
#define CHUNKS	 (1u << 16)

static const bool phases[] = { false, true, true, false, false, true, true, false };

struct run {
	const struct bench_cell *cell;
	struct dmp_ring *ring;
	struct phases_of {
		double events, ns;
		uint32_t count, chunks[CHUNKS]; /* the time each took, ns; the first of them */
	} kinds[2];				/* detached, attached */
};

/* Each word tells of its event and its place. */
static inline void fill(uint64_t *event, uint64_t seq)
{
	for (uint32_t i = 0; i < WORDS; i++)
		event[i] = seq + i;
}

/* 0: as filled. */
static inline uint64_t check(const uint64_t *event, uint64_t seq)
{
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < WORDS; i++)
		wrong |= event[i] ^ (seq + i);
	return wrong;
}

/* ---- who produces ---- */

static void publish(struct dmp_member *member, uint32_t n)
{
	uint64_t *event, pos, seq;

	bench_check(!dmp_claim(member, n, &pos));
	seq = pos;
	dmp_for_each_slot(event, member, pos, n)
		fill(event, seq++);
	dmp_publish(member, pos, n);
}

/* Returns how long it took. */
static uint64_t publish_chunk(struct dmp_member *member, uint32_t n)
{
	uint64_t start = bench_now();

	for (int i = 0; i < PER_LOOK; i++)
		publish(member, n);
	return bench_now() - start;
}

static void warm_up(struct dmp_member *member, uint32_t n)
{
	uint64_t ns = 0;

	while (ns < bench_budget_ns())
		ns += publish_chunk(member, n);
}

static void stream(struct phases_of *kind, struct dmp_member *member, uint32_t n)
{
	uint64_t chunk, ns = 0;

	for (; ns < PHASE * bench_budget_ns(); ns += chunk) {
		chunk = publish_chunk(member, n);
		kind->events += PER_LOOK * n;
		if (kind->count < CHUNKS)
			kind->chunks[kind->count++] = (uint32_t)chunk;
	}
	kind->ns += (double)ns;
}

static void attach(void)
{
	bench_check(!system("dmp trace --pin " PINS));
}

/* The programs have seen what the consumer does: otherwise this measured nothing. */
static void detach(void)
{
	bench_check(!system("bpftool map dump pinned " PINS "/counters | grep -q '\"consumed\": [1-9]'"));
	bench_check(!system("dmp trace --unpin " PINS));
}

static void produce(void *arg)
{
	const struct dmp_join_options options = { .wait = &dmp_wait_spin, .counters = DMP_COUNTERS_FULL };
	struct run *run = arg;
	struct dmp_member *member;
	bool attached = false;

	bench_check(!dmp_join(run->ring, DMP_ROLE_PRODUCER, &options, &member));
	bench_meet();
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		if (phases[i] != attached)
			phases[i] ? attach() : detach();
		attached = phases[i];
		warm_up(member, run->cell->publish);
		stream(&run->kinds[attached], member, run->cell->publish);
	}
	dmp_leave(member);
}

/* ---- who consumes ---- */

static void consume(void *arg)
{
	const struct dmp_join_options options = { .name = "consumer",
						  .wait = &dmp_wait_spin,
						  .counters = DMP_COUNTERS_FULL };
	struct run *run = arg;
	struct dmp_member *member;
	struct dmp_batch batch;
	const uint64_t *event;
	uint64_t seq, wrong = 0;
	int err;

	bench_check(!dmp_join(run->ring, DMP_ROLE_CONSUMER, &options, &member));
	bench_meet();
	while (!(err = dmp_wait(member, 1, &batch))) {
		seq = batch.pos;
		dmp_for_each(event, member, &batch)
			wrong |= check(event, seq++);
		bench_check(!dmp_release(member, batch.end));
	}
	bench_check(err == -EPIPE); /* the producer has left */
	bench_check(!wrong);
	dmp_leave(member);
}

/* ---- cells ---- */

static double rate(const struct phases_of *kind)
{
	return kind->events / kind->ns * 1e3;
}

static double usual(struct phases_of *kind)
{
	return bench_percentile(kind->chunks, kind->count, 0.5);
}

static void measure(const struct bench_cell *cell)
{
	const struct dmp_ring_options options = {
		.slots = cell->slots,
		.event_size = cell->size,
		.flags = DMP_RING_STAMPED,
	};
	struct run *run = bench_shared(sizeof(*run));

	run->cell = cell;
	bench_check(!dmp_ring_create(&run->ring, NULL, &options));
	bench_pair(produce, consume, run, 0);
	bench_value("M/s", rate(&run->kinds[true]));
	bench_also("detached", rate(&run->kinds[false]));
	bench_also("usual", usual(&run->kinds[false]) / usual(&run->kinds[true]));
}

int main(int argc, char **argv)
{
	static const struct bench_cell cells[] = { { "attached", "dmp", WORDS * 8, 1024, 32 } };

	return bench_main(argc, argv, cells, 1, measure);
}
