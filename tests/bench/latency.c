/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * latency.c: latency as users see it: an open loop at a fixed rate between two processes, on CPU 0 and CPU 1
 *
 * Message i is due at start + i / rate, whatever happened to those before. The sender looks at the clock until then; if
 * it is late, because the ring was full or the machine did something else, it sends at once what is due, and the
 * lateness counts: a message carries the time at which it was due, and its latency is the time from then until the
 * receiver has it. So a stall meets all that were due in it, as it meets users (nothing is omitted by coordination).
 *
 *   value, p90 ... worst  value is p50, ns
 *   late                  messages sent more than one interval late
 *   cpu-sender, -receiver percent of a CPU; the sender's own wait for the time is included: near 100
 *   sys-sender, -receiver percent of a CPU in the kernel, of that
 *   preempted             involuntary context switches of both; no reason here to measure again: that would choose the
 *                         rounds with short tails
 *   histogram             the file in BENCH_HISTOGRAMS, if that is set, with all values: see latency_report.c
 */
#define _GNU_SOURCE
#include "latency.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hist.h"

#define BUDGETS	     8	  /* of the harness per cell */
#define MESSAGES_MIN 1000 /* at least, however long they take: p99 wants some */
#define WARM_SHARE   20	  /* one in so many at the start is not counted */

static const struct rate {
	const char *test;
	double per_second;
} rates[] = { { "open-loop-1k", 1e3 }, { "open-loop-10k", 1e4 }, { "open-loop-100k", 1e5 }, { "open-loop-1M", 1e6 } };

#define RATES (sizeof(rates) / sizeof(*rates))

struct load {
	double user, sys; /* seconds */
	double wall;
};

static struct shared {
	const struct channel_kind *kind;
	struct channel *channel;
	uint64_t count, warm; /* messages */
	double interval;      /* ticks */
	double ticks_per_ns;
	uint64_t late;
	struct load load[2];   /* sender, receiver */
	struct hist histogram; /* ns */
} * shared;

/* ---- CPU time ---- */

static struct load load_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return (struct load){ (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6,
			      (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6, (double)bench_now() / 1e9 };
}

static struct load load_since(struct load before)
{
	struct load now = load_now();

	return (struct load){ now.user - before.user, now.sys - before.sys, now.wall - before.wall };
}

/* ---- sending ---- */

/* Returns when it is. */
static uint64_t wait_until(uint64_t tsc)
{
	uint64_t now;

	while ((now = bench_tsc()) < tsc)
		bench_pause();
	return now;
}

static void sender(void *arg)
{
	struct message message = { 0 };
	struct load before;
	uint64_t start;

	(void)arg;
	shared->kind->open_sender(shared->channel);
	bench_meet();
	before = load_now();
	start = bench_tsc() + (uint64_t)shared->interval;
	for (; message.seq < shared->count; message.seq++) {
		message.intended = start + (uint64_t)((double)message.seq * shared->interval);
		shared->late += (double)(wait_until(message.intended) - message.intended) > shared->interval;
		shared->kind->send(shared->channel, &message);
	}
	shared->load[0] = load_since(before);
}

/* ---- receiving ---- */

static uint64_t received;

static void take(const struct message *message)
{
	uint64_t now = bench_tsc(), ticks = now > message->intended ? now - message->intended : 0;

	bench_check(message->seq == received);
	if (received++ >= shared->warm)
		hist_record(&shared->histogram, (uint64_t)((double)ticks / shared->ticks_per_ns));
}

static void receiver(void *arg)
{
	struct load before;

	(void)arg;
	shared->kind->open_receiver(shared->channel);
	bench_meet();
	before = load_now();
	while (received < shared->count)
		shared->kind->receive(shared->channel, take);
	shared->load[1] = load_since(before);
	shared->kind->close(shared->channel);
}

/* ---- results ---- */

static void save_histogram(void)
{
	const char *folder = getenv("BENCH_HISTOGRAMS");
	char path[4096];
	FILE *file;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%d", folder, getpid());
	file = fopen(path, "w");
	if (!file || fwrite(&shared->histogram, sizeof(shared->histogram), 1, file) != 1 || fclose(file))
		bench_fail("%s: cannot be written", path);
	bench_also("histogram", getpid());
}

static void print_load(const char *side, struct load load)
{
	char key[32];

	snprintf(key, sizeof(key), "cpu-%s", side);
	bench_also(key, (load.user + load.sys) / load.wall * 100);
	snprintf(key, sizeof(key), "sys-%s", side);
	bench_also(key, load.sys / load.wall * 100);
}

static void print_results(void)
{
	const struct hist *h = &shared->histogram;

	bench_value("ns", (double)hist_percentile(h, 0.5));
	bench_also("p90", (double)hist_percentile(h, 0.9));
	bench_also("p99", (double)hist_percentile(h, 0.99));
	bench_also("p99.9", (double)hist_percentile(h, 0.999));
	bench_also("p99.99", (double)hist_percentile(h, 0.9999));
	bench_also("worst", (double)h->max);
	bench_also("count", (double)h->count);
	bench_also("late", (double)shared->late);
	print_load("sender", shared->load[0]);
	print_load("receiver", shared->load[1]);
	save_histogram();
}

/* ---- cells ---- */

static struct bench_cell cells[64];
static size_t cell_count;

static void list_cells(void)
{
	for (size_t r = 0; r < RATES; r++)
		for (size_t k = 0; k < channel_kind_count; k++)
			cells[cell_count++] = (struct bench_cell){ rates[r].test, channel_kinds[k].name, MESSAGE_BYTES,
								   CHANNEL_SLOTS, 1 };
}

static double rate_of(const char *test)
{
	const struct rate *rate = rates;

	while (strcmp(rate->test, test))
		rate++;
	return rate->per_second;
}

static void run(const struct bench_cell *cell)
{
	double rate = rate_of(cell->test), count = rate * BUDGETS * (double)bench_budget_ns() / 1e9;

	shared = bench_shared(sizeof(*shared));
	shared->count = count < MESSAGES_MIN ? MESSAGES_MIN : (uint64_t)count;
	shared->warm = shared->count / WARM_SHARE;
	shared->ticks_per_ns = bench_tsc_per_ns();
	shared->interval = shared->ticks_per_ns * 1e9 / rate;
	shared->kind = channel_kind_of(cell->peer);
	shared->channel = shared->kind->create(cell->peer);
	bench_pair(sender, receiver, NULL, BENCH_CROWDED);
	shared->kind->close(shared->channel);
	print_results();
}

int main(int argc, char **argv)
{
	list_cells();
	return bench_main(argc, argv, cells, cell_count, run);
}
