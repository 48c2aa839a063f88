// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* top_cells.c: what a row says */
#include <errno.h>
#include <string.h>

#include "top.h"

/* ---- numbers ---- */

/* Five characters at most: 99999, 123k, 1.23M, 18.4E; three digits of them count. */
static void number_text(double n, char to[CELL])
{
	static const char units[] = "kMGTPE";
	size_t i;

	if (n < 99999.5) {
		snprintf(to, CELL, "%.0f", n);
		return;
	}
	for (i = 0, n /= 1000; n >= 999.5 && units[i + 1]; i++)
		n /= 1000;
	snprintf(to, CELL, "%.*f%c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, units[i]);
}

/* What grew from before to now, by the second. False: nothing can be said. */
static bool rate(const struct view *v, uint64_t before, uint64_t now, double *to)
{
	uint64_t ns = v->now.at - v->before.at;

	if (!ns || now < before)
		return false;
	*to = (double)(now - before) * 1e9 / (double)ns;
	return true;
}

static void rate_text(const struct view *v, bool known, uint64_t before, uint64_t now, char to[CELL])
{
	double n;

	if (known && rate(v, before, now, &n))
		number_text(n, to);
}

/* ---- what is known ---- */

static bool is_blind(const struct surveyed *ring)
{
	return ring->missing == -EACCES;
}

static uint64_t between(uint64_t from, uint64_t to)
{
	return from < to ? to - from : 0;
}

static int percent(uint64_t part, const struct surveyed *ring)
{
	uint64_t slots = ring->info.slots;

	return part >= slots ? 100 : (int)((double)part * 100 / (double)slots);
}

/* Events, as it counts them; of a consumer at least how far it has come. */
static bool events_of(const struct counted *m, uint64_t *events)
{
	uint32_t id = m->info.role == DMP_ROLE_PRODUCER ? DMP_COUNTER_PUBLISHED : DMP_COUNTER_CONSUMED;

	if (built_in(m, id, events))
		return true;
	*events = m->info.cursor;
	return m->info.role == DMP_ROLE_CONSUMER;
}

double rate_of_ring(const struct view *v, const struct surveyed *ring)
{
	const struct surveyed *before = ring_in(&v->before, ring);
	double n = 0;

	return before && rate(v, before->info.cursor, ring->info.cursor, &n) ? n : 0;
}

double fill_of_ring(const struct surveyed *ring)
{
	return (double)between(ring->info.gate, ring->info.cursor) / (double)ring->info.slots;
}

/* ---- states ---- */

static const char *missing_word(int missing)
{
	return missing == -EACCES ? "no right" : missing == -ENOSPC ? "no place" : "unread";
}

static const char *state_of_member(const struct dmp_member_info *m)
{
	if (m->state == DMP_MEMBER_HELD)
		return state_word(m->state);
	if (m->waiting)
		return waiting_word(m->waiting);
	return m->thread_state ? thread_word(m->thread_state) : "-";
}

/* ---- rows ---- */

static const struct cells nothing = {
	.pid = "",
	.role = "",
	.events = "-",
	.rate = "-",
	.lag = "",
	.sleeps = "-",
	.wakes = "-",
	.state = "",
	.fill = -1,
};

static struct cells cells_of_ring(const struct view *v, const struct surveyed *r)
{
	const struct surveyed *before = ring_in(&v->before, r);
	const struct dmp_info *now = &r->info, *was = before ? &before->info : now;
	struct cells c = nothing;

	snprintf(c.name, sizeof(c.name), "%s", r->name);
	snprintf(c.state, CELL, "%s", r->missing ? missing_word(r->missing) : ended_word(r->info.ended));
	if (is_blind(r))
		return c;
	snprintf(c.role, CELL, "%u/%u", now->joined, now->members);
	number_text((double)now->cursor, c.events);
	number_text((double)between(now->gate, now->cursor), c.lag);
	c.fill = percent(between(now->gate, now->cursor), r);
	rate_text(v, before, was->cursor, now->cursor, c.rate);
	rate_text(v, before, was->sleeps, now->sleeps, c.sleeps);
	rate_text(v, before, was->wakes, now->wakes, c.wakes);
	return c;
}

static void lag_cells(const struct row *row, struct cells *c)
{
	uint64_t lag = between(row->member->info.cursor, row->ring->info.cursor);

	if (row->member->info.role != DMP_ROLE_CONSUMER || is_blind(row->ring))
		return;
	number_text((double)lag, c->lag);
	c->fill = percent(lag, row->ring);
}

static void events_cells(const struct view *v, const struct counted *m, const struct counted *before, struct cells *c)
{
	uint64_t now, then;

	if (!events_of(m, &now))
		return;
	number_text((double)now, c->events);
	if (before && events_of(before, &then))
		rate_text(v, true, then, now, c->rate);
}

static struct cells cells_of_member(const struct view *v, const struct row *row)
{
	const struct counted *m = row->member, *before = member_in(&v->before, row->ring, m);
	const struct dmp_member_info *was = before ? &before->info : &m->info;
	struct cells c = nothing;

	snprintf(c.name, sizeof(c.name), "  %s", m->name);
	if (m->info.pid)
		snprintf(c.pid, CELL, "%d", m->info.pid);
	snprintf(c.role, CELL, "%s", role_word(m->info.role));
	snprintf(c.state, CELL, "%s", state_of_member(&m->info));
	lag_cells(row, &c);
	events_cells(v, m, before, &c);
	rate_text(v, before, was->sleeps, m->info.sleeps, c.sleeps);
	rate_text(v, before, was->wakes, m->info.wakes, c.wakes);
	return c;
}

/* Counters stay where they are among a member's. */
static struct cells cells_of_counter(const struct view *v, const struct row *row)
{
	const struct counted *before = member_in(&v->before, row->ring, row->member);
	const struct dmp_counter *n = row->counter;
	uint32_t at = (uint32_t)(n - row->member->counter);
	struct cells c = nothing;

	snprintf(c.name, sizeof(c.name), "    %s", n->label);
	snprintf(c.state, CELL, "%s", unit_of_counter(n->id) ? unit_of_counter(n->id) : "");
	strcpy(c.sleeps, "");
	strcpy(c.wakes, "");
	number_text((double)n->value, c.events);
	if (before && at < before->counters && before->counter[at].id == n->id && !(n->flags & DMP_COUNTER_GAUGE))
		rate_text(v, true, before->counter[at].value, n->value, c.rate);
	return c;
}

struct cells cells_of(const struct view *v, const struct row *row)
{
	if (row->counter)
		return cells_of_counter(v, row);
	return row->member ? cells_of_member(v, row) : cells_of_ring(v, row->ring);
}

/* ---- the lines above ---- */

void title_text(const struct view *v, char *to, size_t size)
{
	uint32_t i, members = 0;

	for (i = 0; i < v->now.count; i++)
		members += v->now.ring[i].count;
	snprintf(to, size, "dmp top: %u ring%s, %u member%s, every %u s%s", v->now.count, v->now.count == 1 ? "" : "s",
		 members, members == 1 ? "" : "s", v->interval, v->paused ? " (paused)" : "");
}

static const char *module_word(int err)
{
	return err == -ENODEV	? "module not loaded"
	       : err == -EACCES ? "/dev/dmp: not allowed"
				: "/dev/dmp: too many files are open";
}

static uint32_t count_missing(const struct view *v, int err)
{
	uint32_t i, n = 0;

	for (i = 0; i < v->now.count; i++)
		n += v->now.ring[i].missing == err;
	return n;
}

void missing_text(const struct view *v, char *to, size_t size)
{
	uint32_t rights = count_missing(v, -EACCES), full = count_missing(v, -ENOSPC);
	int err = v->now.module_error;

	snprintf(to, size, "%s%s", err ? module_word(err) : "", err && (rights || full) ? "; " : "");
	if (rights || full)
		snprintf(to + strlen(to), size - strlen(to),
			 "sleeps and wakes only: %u without right r, %u without place", rights, full);
}
