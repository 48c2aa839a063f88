// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* stat_json.c: a snapshot as JSON: keys stay */
#include "stat.h"

static void string_or_null(struct json *j, const char *key, const char *value)
{
	if (value)
		json_string(j, key, value);
	else
		json_null(j, key);
}

static void number_or_null(struct json *j, const char *key, bool known, uint64_t value)
{
	if (known)
		json_number(j, key, value);
	else
		json_null(j, key);
}

/* What it has grown by in interval_ns, and what that is in a second, rounded. */
static void growth(struct json *j, const struct span *span, bool known, uint64_t grown)
{
	number_or_null(j, "growth", known, grown);
	number_or_null(j, "per_second", known, (uint64_t)(per_second(span, grown) + 0.5));
}

static void counter(struct json *j, const struct span *span, const struct counted *m, uint32_t i)
{
	const struct dmp_counter *c = &m->counter[i];
	uint64_t grown = 0;
	bool known = growth_of_counter(span, m, i, &grown);

	json_open(j, NULL, '{');
	json_number(j, "id", c->id);
	json_string(j, "label", c->label);
	string_or_null(j, "unit", unit_of_counter(c->id));
	json_bool(j, "gauge", c->flags & DMP_COUNTER_GAUGE);
	json_number(j, "value", c->value);
	growth(j, span, known, grown);
	json_close(j, '}');
}

/* Those that have something in them; the last has no bound. */
static void buckets(struct json *j, const struct summary *s)
{
	uint32_t b;

	json_open(j, "buckets", '[');
	for (b = 0; b < DMP_HISTOGRAM_BUCKETS; b++) {
		if (!s->bucket[b])
			continue;
		json_open(j, NULL, '{');
		number_or_null(j, "at_most", dmp_bucket_bound(b) != UINT64_MAX, dmp_bucket_bound(b));
		json_number(j, "count", s->bucket[b]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void bound(struct json *j, const char *key, const struct summary *s, uint32_t percent)
{
	uint64_t value = bound_of(s, percent);

	number_or_null(j, key, s->count && value != UINT64_MAX, value);
}

static void histogram(struct json *j, const struct span *span, const struct counted *m, uint32_t i)
{
	const struct span all = { .now = span->now };
	const struct summary total = summary_of(&all, m, i), s = summary_of(span, m, i);
	uint64_t grown = 0;
	bool known = growth_of_histogram(span, m, i, &grown);

	json_open(j, NULL, '{');
	json_number(j, "id", m->histogram[i].id);
	json_string(j, "label", m->histogram[i].label);
	string_or_null(j, "unit", unit_of_counter(m->histogram[i].id));
	json_number(j, "count", total.count);
	json_number(j, "sum", total.sum);
	growth(j, span, known, grown);
	number_or_null(j, "mean", s.count, mean_of(&s));
	bound(j, "p50", &s, 50);
	bound(j, "p99", &s, 99);
	bound(j, "max", &s, 100);
	buckets(j, &total);
	json_close(j, '}');
}

static void member(struct json *j, const struct span *span, const struct counted *m)
{
	uint32_t i;

	json_open(j, NULL, '{');
	json_number(j, "index", m->info.index);
	json_string(j, "name", m->info.name);
	json_string(j, "role", role_word(m->info.role));
	json_string(j, "state", state_word(m->info.state));
	json_number(j, "incarnation", m->info.incarnation);
	json_open(j, "counters", '[');
	for (i = 0; i < m->counters; i++)
		counter(j, span, m, i);
	json_close(j, ']');
	json_open(j, "histograms", '[');
	for (i = 0; i < m->histograms; i++)
		histogram(j, span, m, i);
	json_close(j, ']');
	json_close(j, '}');
}

void show_json(const char *ring, const struct span *span)
{
	struct json j = { .out = stdout };
	const struct snapshot *s = span->now;
	uint32_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "ring", ring);
	json_number(&j, "id", s->info.id);
	json_number(&j, "cursor", s->info.cursor);
	json_number(&j, "gate", s->info.gate);
	number_or_null(&j, "interval_ns", span->before, span_ns(span));
	json_ring_counters(&j, &s->info);
	json_open(&j, "members", '[');
	for (i = 0; i < s->count; i++)
		member(&j, span, &s->member[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}
