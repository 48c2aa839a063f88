// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* trace_live.c: the histograms of each interval, until a signal; all is detached then */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "bpf/latency.h"
#include "bpf/latency.skel.h"
#include "trace.h"

#define BAR 40 /* columns of the longest one */

/* What a histogram had when it was last shown. */
struct shown {
	const struct bpf_map *map;
	uint64_t ring;
	struct dmp_latency h;
	struct shown *next;
};

static struct shown *all_shown;

static struct dmp_latency *last_shown(const struct bpf_map *map, uint64_t ring)
{
	struct shown *s;

	for (s = all_shown; s; s = s->next)
		if (s->map == map && s->ring == ring)
			return &s->h;
	s = calloc(1, sizeof(*s));
	if (!s)
		fail_errno(-ENOMEM);
	s->map = map;
	s->ring = ring;
	s->next = all_shown;
	all_shown = s;
	return &s->h;
}

/* What has come since the last time. */
static struct dmp_latency news(struct dmp_latency *last, const struct dmp_latency *now)
{
	struct dmp_latency diff;
	int i;

	diff.count = now->count - last->count;
	diff.total_ns = now->total_ns - last->total_ns;
	for (i = 0; i < DMP_BUCKETS; i++)
		diff.log2_ns[i] = now->log2_ns[i] - last->log2_ns[i];
	*last = *now;
	return diff;
}

/* "16.4 us" */
static const char *duration(uint64_t ns, char to[24])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(to, 24, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return to;
}

static uint64_t largest_of(const struct dmp_latency *h)
{
	uint64_t largest = 1;
	int i;

	for (i = 0; i < DMP_BUCKETS; i++)
		if (h->log2_ns[i] > largest)
			largest = h->log2_ns[i];
	return largest;
}

static void print_histogram(const char *what, const struct dmp_ring_key *key, const struct dmp_latency *h)
{
	static const char bar[BAR + 1] = "########################################";
	char name[DMP_NAME_MAX], mean[24], from[24];
	uint64_t largest = largest_of(h);
	int i;

	printf("ring %" PRIu64 " %s: %s, %" PRIu64 " times, mean %s\n", (uint64_t)key->ring,
	       key->name[0] ? printable(key->name, name, sizeof(name)) : "(anonymous)", what, (uint64_t)h->count,
	       duration(h->total_ns / h->count, mean));
	for (i = 0; i < DMP_BUCKETS; i++)
		if (h->log2_ns[i])
			printf("  from %8s %10" PRIu64 " %.*s\n", duration(1ULL << i, from), (uint64_t)h->log2_ns[i],
			       (int)(BAR * h->log2_ns[i] / largest), bar);
}

static void show_map(const char *what, struct bpf_map *map)
{
	struct dmp_ring_key key, *last = NULL;
	struct dmp_latency now, diff;

	for (; !bpf_map__get_next_key(map, last, &key, sizeof(key)); last = &key) {
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &now, sizeof(now), 0))
			continue; /* gone */
		diff = news(last_shown(map, key.ring), &now);
		if (diff.count)
			print_histogram(what, &key, &diff);
	}
}

static void show_missed(struct bpf_map *map)
{
	static uint64_t before;
	uint64_t now = 0;
	uint32_t zero = 0;

	bpf_map__lookup_elem(map, &zero, sizeof(zero), &now, sizeof(now), 0);
	if (now != before)
		complain("%" PRIu64 " latencies had no room in the maps", now - before);
	before = now;
}

static void show_all(const struct latency_bpf *latency)
{
	show_map("wake to run", latency->maps.wake_to_run);
	show_map("time asleep", latency->maps.time_asleep);
	show_map("kill to un-gate", latency->maps.kill_to_ungate);
	show_missed(latency->maps.missed);
	fflush(stdout);
}

static void forget_shown(void)
{
	struct shown *s;

	while ((s = all_shown)) {
		all_shown = s->next;
		free(s);
	}
}

void show_latency(uint64_t interval_ms)
{
	struct timespec interval = { .tv_sec = (time_t)(interval_ms / 1000),
				     .tv_nsec = (long)(interval_ms % 1000) * 1000000 };
	struct latency_bpf *latency;
	sigset_t before;

	require_bpf();
	catch_signals();
	sigprocmask(SIG_BLOCK, NULL, &before);
	block_signals(); /* but while we wait: all is shown once more after the one that ends this */
	latency = attach_latency();
	complain("attached; interrupt to end");
	while (!was_signalled()) {
		ppoll(NULL, 0, &interval, &before);
		show_all(latency);
	}
	latency_bpf__destroy(latency);
	forget_shown();
}
