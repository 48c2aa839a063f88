// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* stat_read.c: snapshots of what members count, and what has come between two of them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stat.h"

/* ---- a snapshot ---- */

static const struct {
	uint32_t id;
	const char *name, *unit;
} table[] = {
#define ROW(NAME, id, name, unit, flags, help) { id, #name, unit },
	DMP_COUNTERS(ROW)
#undef ROW
};

const char *unit_of_counter(uint32_t id)
{
	size_t i;

	if (id == DMP_HISTOGRAM_PUBLISH || id == DMP_HISTOGRAM_CONSUME)
		return "ns";
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].id == id)
			return table[i].unit;
	return NULL;
}

static void put_known(struct counted *m, uint32_t at, uint64_t value)
{
	struct dmp_counter *c = &m->counter[m->counters++];

	*c = (struct dmp_counter){ .id = table[at].id, .flags = DMP_COUNTER_IN_USE, .value = value };
	snprintf(c->label, sizeof(c->label), "%s", table[at].name);
}

/* Without its page: what others have counted of it. */
static void read_known(struct counted *m)
{
	put_known(m, DMP_COUNTER_AT_SLEEPS, m->info.sleeps);
	put_known(m, DMP_COUNTER_AT_WAKES, m->info.wakes);
	put_known(m, DMP_COUNTER_AT_FUTILE, m->info.futile);
	put_known(m, DMP_COUNTER_AT_EMPTY, m->info.empty);
}

static uint32_t at_most(int n, uint32_t most)
{
	return n < 0 ? 0 : (uint32_t)n < most ? (uint32_t)n : most;
}

static void read_page(const struct dmp_member *reader, struct counted *m)
{
	m->counters = at_most(dmp_counters_read(reader, m->info.index, m->counter, DMP_COUNTERS_CAPACITY),
			      DMP_COUNTERS_CAPACITY);
	m->histograms =
		at_most(dmp_histograms_read(reader, m->info.index, m->histogram, MOST_HISTOGRAMS), MOST_HISTOGRAMS);
}

static void name_it(struct counted *m)
{
	if (m->info.name[0])
		snprintf(m->name, sizeof(m->name), "%.*s", DMP_MEMBER_NAME_MAX - 1, m->info.name);
	else
		snprintf(m->name, sizeof(m->name), "#%u", m->info.index);
}

/* It is there, no observer of our own, and asked for. */
static bool is_wanted(const struct stat_source *from, const struct counted *m)
{
	if (m->info.state != DMP_MEMBER_JOINED && m->info.state != DMP_MEMBER_HELD)
		return false;
	if (from->reader && from->reader->index == m->info.index)
		return false;
	return !from->wanted || !strcmp(from->wanted, m->name);
}

static void add_member(const struct stat_source *from, const struct dmp_member_info *info, struct all_counted *to)
{
	struct counted *m = &to->member[to->count];

	*m = (struct counted){ .info = *info };
	name_it(m);
	if (!is_wanted(from, m))
		return;
	if (from->reader)
		read_page(from->reader, m);
	else
		read_known(m);
	to->count++;
}

/* A page was read between two looks at whose it is: those that were the same member's are kept. */
static void drop_who_left(const struct members *after, struct all_counted *all)
{
	const struct dmp_member_info *m;
	uint32_t i, kept = 0;

	for (i = 0; i < all->count; i++) {
		m = member_by_index(after, all->member[i].info.index);
		if (m && m->incarnation == all->member[i].info.incarnation)
			all->member[kept++] = all->member[i];
	}
	all->count = kept;
}

static int read_between(const struct stat_source *from, const struct members *before, struct all_counted *to)
{
	struct members after;
	uint32_t i;
	int err;

	for (i = 0; i < before->count; i++)
		add_member(from, &before->list[i], to);
	err = find_members(from->ring, from->reader, &after);
	if (err)
		return err;
	drop_who_left(&after, to);
	free_members(&after);
	return 0;
}

int read_counted(const struct stat_source *from, struct all_counted *to)
{
	struct members before;
	int err = find_members(from->ring, from->reader, &before);

	if (err)
		return err;
	*to = (struct all_counted){ .member = calloc(before.count + 1, sizeof(*to->member)) };
	err = to->member ? read_between(from, &before, to) : -ENOMEM;
	if (err)
		free(to->member);
	free_members(&before);
	return err;
}

/* ---- two ---- */

uint64_t span_ns(const struct span *span)
{
	return span->before ? span->now->at - span->before->at : 0;
}

double per_second(const struct span *span, uint64_t growth)
{
	uint64_t ns = span_ns(span);

	return ns ? (double)growth * 1e9 / (double)ns : 0;
}

/* The same member, in the same life. */
static const struct counted *before_of(const struct span *span, const struct counted *m)
{
	uint32_t i;

	for (i = 0; span->before && i < span->before->count; i++)
		if (span->before->member[i].info.index == m->info.index &&
		    span->before->member[i].info.incarnation == m->info.incarnation)
			return &span->before->member[i];
	return NULL;
}

/* Counters stay where they are among a member's. */
bool growth_of_counter(const struct span *span, const struct counted *m, uint32_t i, uint64_t *growth)
{
	const struct counted *before = before_of(span, m);
	const struct dmp_counter *c = &m->counter[i];

	if (!before || (c->flags & DMP_COUNTER_GAUGE) || i >= before->counters || before->counter[i].id != c->id ||
	    before->counter[i].value > c->value)
		return false;
	*growth = c->value - before->counter[i].value;
	return true;
}

static const struct dmp_histogram *histogram_before(const struct span *span, const struct counted *m, uint32_t i)
{
	const struct counted *before = before_of(span, m);

	if (!before || i >= before->histograms || before->histogram[i].id != m->histogram[i].id)
		return NULL;
	return &before->histogram[i];
}

static uint64_t difference(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

struct summary summary_of(const struct span *span, const struct counted *m, uint32_t i)
{
	const struct dmp_histogram *now = &m->histogram[i], *before = histogram_before(span, m, i);
	struct summary s = { .sum = difference(now->sum, before ? before->sum : 0) };
	uint32_t b;

	for (b = 0; b < DMP_HISTOGRAM_BUCKETS; b++) {
		s.bucket[b] = difference(now->bucket[b], before ? before->bucket[b] : 0);
		s.count += s.bucket[b];
	}
	return s;
}

bool growth_of_histogram(const struct span *span, const struct counted *m, uint32_t i, uint64_t *growth)
{
	if (!histogram_before(span, m, i))
		return false;
	*growth = summary_of(span, m, i).count;
	return true;
}

uint64_t mean_of(const struct summary *s)
{
	return s->count ? s->sum / s->count : 0;
}

uint64_t bound_of(const struct summary *s, uint32_t percent)
{
	uint64_t beyond = s->count / 100 * (100 - percent) + s->count % 100 * (100 - percent) / 100;
	uint64_t wanted = s->count - beyond, seen = 0;
	uint32_t b;

	if (!s->count)
		return 0;
	for (b = 0; b < DMP_HISTOGRAM_BUCKETS - 1; b++) {
		seen += s->bucket[b];
		if (seen >= wanted)
			break;
	}
	return dmp_bucket_bound(b);
}
