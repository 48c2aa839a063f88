// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* stat_show.c: a snapshot as a table, for people */
#include <inttypes.h>

#include "stat.h"

/* ---- cells: of a row, member and role first ---- */

static void member_cells(struct table *table, const struct counted *m)
{
	table_cell(table, "%s", m->name);
	table_cell(table, m->info.state == DMP_MEMBER_HELD ? "%s (held)" : "%s", role_word(m->info.role));
}

static void rate_cell(struct table *table, const struct span *span, bool known, uint64_t growth)
{
	if (known)
		table_cell(table, "%.1f", per_second(span, growth));
	else
		table_cell(table, "-");
}

static void counter_row(struct table *table, const struct span *span, bool rates, const struct counted *m, uint32_t i)
{
	const char *unit = unit_of_counter(m->counter[i].id);
	uint64_t growth = 0;
	bool known = growth_of_counter(span, m, i, &growth);

	member_cells(table, m);
	table_cell(table, "%s", m->counter[i].label);
	table_cell(table, "%" PRIu64, m->counter[i].value);
	if (rates)
		rate_cell(table, span, known, growth);
	table_cell(table, "%s", unit ? unit : "-");
}

/* ---- histograms: a row for each thing said of them ---- */

static void count_row(struct table *table, const struct span *span, bool rates, const struct counted *m, uint32_t i)
{
	const struct span all = { .now = span->now };
	uint64_t growth = 0;
	bool known = growth_of_histogram(span, m, i, &growth);

	member_cells(table, m);
	table_cell(table, "%s.count", m->histogram[i].label);
	table_cell(table, "%" PRIu64, summary_of(&all, m, i).count);
	if (rates)
		rate_cell(table, span, known, growth);
	table_cell(table, "values");
}

/* A bound of the last bucket there is none, but it begins above the one before. */
static void value_cell(struct table *table, const struct summary *s, uint64_t value)
{
	if (!s->count)
		table_cell(table, "-");
	else if (value == UINT64_MAX)
		table_cell(table, ">%" PRIu64, (uint64_t)dmp_bucket_bound(DMP_HISTOGRAM_BUCKETS - 2));
	else
		table_cell(table, "%" PRIu64, value);
}

static void histogram_rows(struct table *table, const struct span *span, bool rates, const struct counted *m,
			   uint32_t i)
{
	const struct summary s = summary_of(span, m, i);
	const char *unit = unit_of_counter(m->histogram[i].id);
	const struct {
		const char *what;
		uint64_t value;
	} rows[] = {
		{ "mean", mean_of(&s) },
		{ "p50", bound_of(&s, 50) },
		{ "p99", bound_of(&s, 99) },
		{ "max", bound_of(&s, 100) },
	};
	size_t r;

	count_row(table, span, rates, m, i);
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		member_cells(table, m);
		table_cell(table, "%s.%s", m->histogram[i].label, rows[r].what);
		value_cell(table, &s, rows[r].value);
		if (rates)
			table_cell(table, "-");
		table_cell(table, "%s", unit ? unit : "-");
	}
}

/* ---- all ---- */

static void none_row(struct table *table, bool rates, const struct counted *m)
{
	member_cells(table, m);
	table_cell(table, "(joined without counters)");
	table_cell(table, "-");
	if (rates)
		table_cell(table, "-");
	table_cell(table, "-");
}

static void member_rows(struct table *table, const struct span *span, bool rates, const struct counted *m)
{
	uint32_t i;

	for (i = 0; i < m->counters; i++)
		counter_row(table, span, rates, m, i);
	for (i = 0; i < m->histograms; i++)
		histogram_rows(table, span, rates, m, i);
	if (!m->counters && !m->histograms)
		none_row(table, rates, m);
}

static void print_head(const char *ring, const struct snapshot *s)
{
	const struct dmp_info *i = &s->info;
	char name[256];

	printf("ring %s: cursor %llu, gate %llu\n", printable(ring, name, sizeof(name)), i->cursor, i->gate);
	printf("sleeps %llu, woken %llu, futile %llu, wakes %llu, empty %llu, repaired %llu, stalls %llu\n", i->sleeps,
	       i->woken, i->futile, i->wakes, i->empty, i->repaired, i->stalls);
}

void show_table(const char *ring, const struct span *span, bool rates)
{
	struct table *table = table_new(rates ? "lllrrl" : "lllrl");
	uint32_t i;

	print_head(ring, span->now);
	if (!span->now->count)
		printf("nobody is there\n");
	table_cell(table, "MEMBER");
	table_cell(table, "ROLE");
	table_cell(table, "COUNTER");
	table_cell(table, "VALUE");
	if (rates)
		table_cell(table, "PER S");
	table_cell(table, "UNIT");
	for (i = 0; i < span->now->count; i++)
		member_rows(table, span, rates, &span->now->member[i]);
	table_print(table);
}
