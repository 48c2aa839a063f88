// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_rings.c: what is known of rings: their state, what the module has counted of them, how long sleepers took */
#include <errno.h>
#include <string.h>

#include "export.h"

/* ---- how many ---- */

static const struct family rings = { "rings", "gauge", "", "rings that can be seen" };
static const struct family unread = { "rings_unread", "gauge", "",
				      "of these, without the right r or a place for an observer: of their members only "
				      "sleeps and wakes are known" };

static void put_counts(const struct text *t)
{
	const struct shown_ring *r, *end = t->shown->ring + t->shown->rings;
	const struct series all = { .ring = NULL };
	uint64_t seen = 0, missing = 0;

	for (r = t->shown->ring; r < end; r++) {
		seen += r->ring != NULL;
		missing += r->ring && r->ring->missing;
	}
	put_head(t, &rings);
	put_sample(t, &rings, &all, seen);
	put_head(t, &unread);
	put_sample(t, &unread, &all, missing);
}

/* ---- fields of struct dmp_info ---- */

enum {
	ALWAYS, /* whatever rights we have */
	READ,	/* it takes the right r */
	MODULE, /* ... and is counted by the module alone */
};

/* X(field, name, type, unit, what it takes, help) */
#define FIELDS(X)                                                                                                \
	X(slots, "ring_slots", "gauge", "slots", ALWAYS, "slots of the ring")                                    \
	X(joined, "ring_members", "gauge", "members", READ, "members that are there, but for this observer")     \
	X(cursor, "ring_published", "counter", "events", READ, "published since its creation, by whomsoever")    \
	X(sleeps, "ring_sleeps", "counter", "calls", MODULE, "waits that went to sleep")                         \
	X(woken, "ring_woken", "counter", "calls", MODULE, "woken because what they waited for was there")       \
	X(futile, "ring_futile", "counter", "calls", MODULE, "woken, and it was not there: a bug, or a lie")     \
	X(late, "ring_late", "counter", "calls", MODULE, "deadlines that passed though it was there")            \
	X(wakes, "ring_wakes", "counter", "calls", MODULE, "calls to wake")                                      \
	X(empty, "ring_empty", "counter", "calls", MODULE, "of these, those that found nobody")                  \
	X(stalls, "ring_stalls", "counter", "stalls", MODULE, "members that were told of as stalled")            \
	X(evicted, "ring_evicted", "counter", "members", MODULE, "consumers that were evicted")                  \
	X(failed, "ring_failed", "counter", "members", MODULE, "consumers that failed with one they come after") \
	X(repaired, "ring_repaired", "counter", "slots", MODULE, "slots of dead producers that were given up")

static const struct field {
	struct family family;
	int takes;
} fields[] = {
#define ROW(field, name, type, unit, takes, help) { { name, type, unit, help }, takes },
	FIELDS(ROW)
#undef ROW
};

static uint64_t value_of(const struct dmp_info *info, uint32_t which)
{
	const uint64_t values[] = {
#define VALUE(field, name, type, unit, takes, help) info->field,
		FIELDS(VALUE)
#undef VALUE
	};

	return values[which];
}

static bool is_known(const struct surveyed *ring, int takes)
{
	if (!ring || (takes == MODULE && !strncmp(ring->name, "shm:", 4)))
		return false;
	return takes == ALWAYS || ring->missing != -EACCES;
}

static void put_field(const struct text *t, uint32_t which)
{
	const struct field *f = &fields[which];
	const struct shown_ring *r, *end = t->shown->ring + t->shown->rings;
	struct series s = { .name = NULL };

	put_head(t, &f->family);
	for (r = t->shown->ring; r < end; r++) {
		s.ring = r;
		if (is_known(r->ring, f->takes))
			put_sample(t, &f->family, &s, value_of(&r->ring->info, which));
	}
}

/* ---- latencies: bpf/latency.h ---- */

static const struct family latencies[LATENCIES] = {
	[WAKE_TO_RUN] = { "wake_to_run_seconds", "histogram", "seconds",
			  "from the moment a sleeper's barrier was crossed until it runs" },
	[TIME_ASLEEP] = { "time_asleep_seconds", "histogram", "seconds", "from falling asleep until it runs" },
	[KILL_TO_UNGATE] = { "kill_to_ungate_seconds", "histogram", "seconds",
			     "from SIGKILL until the consumer gates no more" },
};

/* Bucket i is from 2^i on, and less than twice that. */
static uint64_t bound(uint32_t bucket)
{
	return bucket < DMP_BUCKETS - 1 ? (2ULL << bucket) - 1 : UINT64_MAX;
}

static void put_latencies(const struct text *t, uint32_t which)
{
	const struct shown_ring *r, *end = t->shown->ring + t->shown->rings;
	struct distribution d = { .buckets = DMP_BUCKETS, .bound = bound, .ns = true };
	struct series s = { .name = NULL };

	put_head(t, &latencies[which]);
	for (r = t->shown->ring; r < end; r++) {
		if (!r->latency[which])
			continue;
		s.ring = r;
		d.bucket = (const uint64_t *)r->latency[which]->log2_ns;
		d.sum = r->latency[which]->total_ns;
		put_distribution(t, &latencies[which], &s, &d);
	}
}

void put_rings(const struct text *t)
{
	uint32_t i;

	put_counts(t);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		put_field(t, i);
	for (i = 0; i < LATENCIES; i++)
		put_latencies(t, i);
}
