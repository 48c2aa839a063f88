// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_application.c: what applications count: three families for all of it, and what they call it is the label name
 *
 * For two to be of one family they must be of one type, and nobody says that one process counts what another measures.
 */
#include "export.h"

static const struct family counters = { "application", "counter", "", "what an application counts, under its name" };
static const struct family gauges = { "application_value", "gauge", "", "what an application shows, under its name" };
static const struct family histograms = { "application_distribution", "histogram", "",
					  "what an application measures, under its name and in its units" };

/* One of a member's counters or histograms. */
struct own {
	struct label label;
	uint64_t value;
	const struct dmp_histogram *histogram;
};

static void add_own(struct own *list, uint32_t *count, uint32_t id, const char *label, struct own own)
{
	if (id < DMP_COUNTER_APPLICATION)
		return;
	own.label = new_label(label, DMP_COUNTER_LABEL, 0, id);
	list[(*count)++] = own;
}

static uint32_t list_own(const struct counted *m, uint32_t kind, struct own *list)
{
	uint32_t i, count = 0;

	for (i = 0; i < m->counters && kind != DMP_COUNTER_HISTOGRAM; i++)
		if ((m->counter[i].flags & DMP_COUNTER_GAUGE) == kind)
			add_own(list, &count, m->counter[i].id, m->counter[i].label,
				(struct own){ .value = m->counter[i].value });
	for (i = 0; i < m->histograms && kind == DMP_COUNTER_HISTOGRAM; i++)
		add_own(list, &count, m->histogram[i].id, m->histogram[i].label,
			(struct own){ .histogram = &m->histogram[i] });
	return tell_apart(list, count, sizeof(*list));
}

static uint64_t bound(uint32_t bucket)
{
	return dmp_bucket_bound(bucket);
}

static void put_own(const struct text *t, const struct family *f, const struct series *s, const struct own *own)
{
	struct distribution d = { .buckets = DMP_HISTOGRAM_BUCKETS, .bound = bound };

	if (!own->histogram) {
		put_sample(t, f, s, own->value);
		return;
	}
	d.bucket = own->histogram->bucket;
	d.sum = own->histogram->sum;
	put_distribution(t, f, s, &d);
}

static void put_member(const struct text *t, const struct family *f, uint32_t kind, struct series *s)
{
	struct own list[DMP_COUNTERS_CAPACITY];
	uint32_t i, count = s->member->counted ? list_own(s->member->counted, kind, list) : 0;

	for (i = 0; i < count; i++) {
		s->name = list[i].label.s;
		put_own(t, f, s, &list[i]);
	}
}

static void put_family(const struct text *t, const struct family *f, uint32_t kind)
{
	const struct shown_ring *r, *end = t->shown->ring + t->shown->rings;
	struct series s;

	put_head(t, f);
	for (r = t->shown->ring; r < end; r++)
		for (s.ring = r, s.member = r->member; s.member < r->member + r->members; s.member++)
			put_member(t, f, kind, &s);
}

void put_application(const struct text *t)
{
	put_family(t, &counters, 0);
	put_family(t, &gauges, DMP_COUNTER_GAUGE);
	put_family(t, &histograms, DMP_COUNTER_HISTOGRAM);
}
