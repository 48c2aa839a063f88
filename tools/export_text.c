// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_text.c: metrics as OpenMetrics 1.0, or as the text that Prometheus had before (0.0.4)
 *
 * Names of metrics come from tables of this program alone. Names of rings and members, and labels of counters, are what
 * other processes have written: values of labels, cleaned, no two the same.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS  "text/plain; version=0.0.4; charset=utf-8"
#define NS_PER_S    1000000000

/* ---- a family ---- */

static const char *total_of(const struct family *f)
{
	return strcmp(f->type, "counter") ? "" : "_total";
}

/* OpenMetrics wants a unit at the end of the name, or none. */
static bool ends_in_unit(const struct family *f)
{
	size_t name = strlen(f->name), unit = strlen(f->unit);

	return unit && name >= unit && !strcmp(f->name + name - unit, f->unit);
}

/* The older text has no families: there a counter is called as its sample is. */
void put_head(const struct text *t, const struct family *f)
{
	const char *end = t->openmetrics ? "" : total_of(f);

	fprintf(t->to, "# HELP dmp_%s%s %s\n", f->name, end, f->help);
	fprintf(t->to, "# TYPE dmp_%s%s %s\n", f->name, end, f->type);
	if (t->openmetrics && ends_in_unit(f))
		fprintf(t->to, "# UNIT dmp_%s %s\n", f->name, f->unit);
}

/* ---- a sample ---- */

static void put_labels(const struct text *t, const struct series *s)
{
	if (s->ring)
		fprintf(t->to, "ring=\"%s\"", s->ring->label.s);
	if (s->member)
		fprintf(t->to, ",member=\"%s\",role=\"%s\"", s->member->label.s, role_word(s->member->label.role));
	if (s->name)
		fprintf(t->to, ",name=\"%s\"", s->name);
}

static void put_begin(const struct text *t, const struct family *f, const char *end, const struct series *s)
{
	fprintf(t->to, "dmp_%s%s", f->name, end);
	if (!s->ring)
		return;
	fputc('{', t->to);
	put_labels(t, s);
	fputc('}', t->to);
}

void put_sample(const struct text *t, const struct family *f, const struct series *s, uint64_t value)
{
	put_begin(t, f, total_of(f), s);
	fprintf(t->to, " %" PRIu64 "\n", value);
}

/* ---- a histogram ---- */

/* Exact: no double comes by here. */
static void put_value(const struct text *t, bool ns, uint64_t value)
{
	if (ns)
		fprintf(t->to, "%" PRIu64 ".%09" PRIu64, value / NS_PER_S, value % NS_PER_S);
	else
		fprintf(t->to, "%" PRIu64 ".0", value);
}

static void put_bucket(const struct text *t, const struct family *f, const struct series *s,
		       const struct distribution *d, uint32_t i, uint64_t count)
{
	fprintf(t->to, "dmp_%s_bucket{", f->name);
	put_labels(t, s);
	fputs(",le=\"", t->to);
	if (d->bound(i) == UINT64_MAX)
		fputs("+Inf", t->to);
	else
		put_value(t, d->ns, d->bound(i));
	fprintf(t->to, "\"} %" PRIu64 "\n", count);
}

/* Of a page that lies the sum may not fit: buckets never go down. */
static uint64_t add_up(uint64_t sum, uint64_t more)
{
	return sum + more < sum ? UINT64_MAX : sum + more;
}

void put_distribution(const struct text *t, const struct family *f, const struct series *s,
		      const struct distribution *d)
{
	uint64_t count = 0;
	uint32_t i;

	for (i = 0; i < d->buckets; i++) {
		count = add_up(count, d->bucket[i]);
		put_bucket(t, f, s, d, i, count);
	}
	put_begin(t, f, "_sum", s);
	fputc(' ', t->to);
	put_value(t, d->ns, d->sum);
	fputc('\n', t->to);
	put_begin(t, f, "_count", s);
	fprintf(t->to, " %" PRIu64 "\n", count);
}

/* ---- all ---- */

const char *metrics_type(const char *accept)
{
	double openmetrics = wish_for(accept, "application/openmetrics-text", "1.0.0");

	return openmetrics > 0 && openmetrics >= wish_for(accept, "text/plain", "0.0.4") ? OPENMETRICS : PROMETHEUS;
}

int write_metrics(FILE *to, const char *type, const struct view *view)
{
	struct shown shown;
	const struct text t = { to, !strcmp(type, OPENMETRICS), &shown };
	int err = show_view(view, &shown);

	if (err)
		return err;
	put_rings(&t);
	put_members(&t);
	put_application(&t);
	if (t.openmetrics)
		fputs("# EOF\n", to);
	free_shown(&shown);
	return 0;
}
