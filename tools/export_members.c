// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_members.c: what is counted of members: the table of dmp/counters.h, their lag, and what their callers measure */
#include <errno.h>

#include "export.h"

/* ---- for each member ---- */

typedef void (*put_member_fn)(const struct text *t, const struct family *f, const struct series *s, uint32_t which);

static void put_family(const struct text *t, const struct family *f, put_member_fn put, uint32_t which)
{
	const struct shown_ring *r, *end = t->shown->ring + t->shown->rings;
	struct series s = { .name = NULL };

	put_head(t, f);
	for (r = t->shown->ring; r < end; r++)
		for (s.ring = r, s.member = r->member; s.member < r->member + r->members; s.member++)
			put(t, f, &s, which);
}

/* ---- the table ---- */

#define COUNTER_OR_GAUGE(flags) (((flags)&DMP_COUNTER_GAUGE) ? "gauge" : "counter")

static const struct family counters[] = {
#define ROW(NAME, id, name, unit, flags, help) { #name, COUNTER_OR_GAUGE(flags), unit, help },
	DMP_COUNTERS(ROW)
#undef ROW
};

static void put_counter(const struct text *t, const struct family *f, const struct series *s, uint32_t at)
{
	uint64_t value;

	if (shown_value(s->member, at, &value))
		put_sample(t, f, s, value);
}

/* ---- lag ---- */

static const struct family lag = { "lag", "gauge", "events", "published and not yet released by it" };

static void put_lag(const struct text *t, const struct family *f, const struct series *s, uint32_t which)
{
	const struct counted *m = s->member->counted;

	(void)which;
	if (m && m->info.role == DMP_ROLE_CONSUMER && s->ring->ring->missing != -EACCES)
		put_sample(t, f, s, lag_of_member(&m->info, s->ring->ring->info.cursor));
}

/* ---- histograms: theirs alone know how long it took ---- */

static const struct family publish_latency = { "publish_latency_seconds", "histogram", "seconds",
					       "what publishing took, by the caller's measure" };
static const struct family consume_latency = { "consume_latency_seconds", "histogram", "seconds",
					       "what consuming took, by the caller's measure" };

static uint64_t bound(uint32_t bucket)
{
	return dmp_bucket_bound(bucket);
}

static void put_latency(const struct text *t, const struct family *f, const struct series *s, uint32_t id)
{
	const struct counted *m = s->member->counted;
	struct distribution d = { .buckets = DMP_HISTOGRAM_BUCKETS, .bound = bound, .ns = true };
	uint32_t i;

	for (i = 0; m && i < m->histograms; i++)
		if (m->histogram[i].id == id) {
			d.bucket = m->histogram[i].bucket;
			d.sum = m->histogram[i].sum;
			put_distribution(t, f, s, &d);
			return;
		}
}

void put_members(const struct text *t)
{
	uint32_t at;

	for (at = 0; at < ARRAY_SIZE(counters); at++)
		put_family(t, &counters[at], put_counter, at);
	put_family(t, &lag, put_lag, 0);
	put_family(t, &publish_latency, put_latency, DMP_HISTOGRAM_PUBLISH);
	put_family(t, &consume_latency, put_latency, DMP_HISTOGRAM_CONSUME);
}
