// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* metrics.c: counters and histograms as metrics: what they are called, and what is known of them */
#include <stdio.h>
#include <string.h>

#include "aggregator.h"

/* ---- what is known of a counter ---- */

static const struct known {
	uint32_t id;
	const char *unit, *help;
} known[] = {
#define ROW(NAME, id, name, unit, flags, help) { id, unit, help },
	DMP_COUNTERS(ROW)
#undef ROW
		{ DMP_HISTOGRAM_PUBLISH, "ns", "what publishing took, by the caller's measure" },
	{ DMP_HISTOGRAM_CONSUME, "ns", "what consuming took, by the caller's measure" },
};

static struct known known_of(uint32_t id, const char *label)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].id == id)
			return known[i];
	return (struct known){ .id = id, .unit = "", .help = label };
}

/* ---- names ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static int copy_affix(char *to, const char *from, const char *more)
{
	size_t i, length = strnlen(from, DMP_METRIC_AFFIX + 1);

	if (length > DMP_METRIC_AFFIX)
		return -EINVAL;
	for (i = 0; i < length; i++)
		if (!is_name_char(from[i]) && !strchr(more, from[i]))
			return -EINVAL;
	memcpy(to, from, length + 1);
	return 0;
}

/* The colon is for whoever runs the program, so a label has none. */
int dmp_names_init_(struct dmp_names_ *names, const struct dmp_aggregator_options *o)
{
	int err = copy_affix(names->prefix, o->prefix ? o->prefix : DMP_AGGREGATOR_PREFIX, ":");

	return err ? err : copy_affix(names->suffix, o->suffix ? o->suffix : "", "");
}

static bool ends_in(const char *s, const char *end)
{
	size_t length = strlen(s), n = strlen(end);

	return length > n && !strcmp(s + length - n, end);
}

/* A label as part of a name. */
static void clean_label(char *to, const char *label, uint32_t kind)
{
	char *c;

	memcpy(to, label, DMP_COUNTER_LABEL);
	if (!kind && ends_in(to, "_total"))
		to[strlen(to) - strlen("_total")] = 0;
	for (c = to; *c; c++)
		if (!is_name_char(*c))
			*c = '_';
}

static void make_name(char *to, const struct dmp_names_ *names, const char *label, uint32_t kind)
{
	char cleaned[DMP_COUNTER_LABEL], name[DMP_METRIC_NAME];

	clean_label(cleaned, label, kind);
	snprintf(name, sizeof(name), "%s%s%s", names->prefix, cleaned, names->suffix);
	snprintf(to, DMP_METRIC_NAME, "%s%.*s", !*name || is_digit(*name) ? "_" : "", DMP_METRIC_NAME - 2, name);
}

/* What OpenMetrics appends to the name of a metric of that kind: no other may be called like that. */
static bool is_appended(uint32_t kind, const char *end)
{
	static const char *const counter[] = { "_total", "_created", NULL }, *const gauge[] = { NULL },
				 *const histogram[] = { "_bucket", "_count", "_sum", "_created", NULL };
	const char *const *ends = kind == DMP_COUNTER_HISTOGRAM ? histogram : kind ? gauge : counter;

	for (; *ends; ends++)
		if (!strcmp(*ends, end))
			return true;
	return false;
}

static bool takes(const char *name, uint32_t kind, const char *other)
{
	size_t length = strlen(name);

	return !strncmp(name, other, length) && (!other[length] || is_appended(kind, other + length));
}

static bool clashes(const struct dmp_names_ *names, const char *name, uint32_t kind)
{
	uint32_t i;

	for (i = 0; i < names->count; i++)
		if (takes(names->of[i].name, names->of[i].kind, name) || takes(name, kind, names->of[i].name))
			return true;
	return false;
}

/* NULL: there is none left for it. */
static const char *new_name(struct dmp_names_ *names, const char *label, uint32_t kind, uint32_t id)
{
	char *name = names->of[names->count].name;
	size_t length;

	make_name(name, names, label, kind);
	length = strlen(name);
	if (clashes(names, name, kind))
		snprintf(name + length, DMP_METRIC_NAME - length, "_%x", id);
	if (name[length] && clashes(names, name, kind))
		return NULL;
	names->of[names->count++].kind = kind;
	return name;
}

/* ---- recording ---- */

static void record_as(void (*record)(void *context, const struct dmp_metric *metric), void *context,
		      struct dmp_names_ *names, struct dmp_metric *metric)
{
	const uint32_t kinds = DMP_COUNTER_GAUGE | DMP_COUNTER_HISTOGRAM;
	struct known k = known_of(metric->id, metric->label);

	metric->unit = k.unit;
	metric->help = k.help;
	metric->name = new_name(names, metric->label, metric->flags & kinds, metric->id);
	if (record && metric->name)
		record(context, metric);
}

static void record_counter(const struct dmp_recorder *r, struct dmp_names_ *names, const struct dmp_counter *c)
{
	struct dmp_metric metric = { .label = c->label, .id = c->id, .flags = c->flags, .value = c->value };

	record_as(c->flags & DMP_COUNTER_GAUGE ? r->gauge : r->counter, r->context, names, &metric);
}

static void record_histogram(const struct dmp_recorder *r, struct dmp_names_ *names, const struct dmp_histogram *h)
{
	struct dmp_metric metric = { .label = h->label,
				     .id = h->id,
				     .flags = h->flags & ~(uint32_t)DMP_COUNTER_GAUGE,
				     .value = h->sum,
				     .histogram = h };

	record_as(r->histogram, r->context, names, &metric);
}

void dmp_record_(const struct dmp_recorder *r, struct dmp_names_ *names, const struct dmp_snapshot_ *s)
{
	uint32_t i;

	names->count = 0;
	for (i = 0; i < s->counters; i++)
		record_counter(r, names, &s->counter[i]);
	for (i = 0; i < s->histograms; i++)
		record_histogram(r, names, &s->histogram[i]);
	if (r->flush)
		r->flush(r->context);
}
