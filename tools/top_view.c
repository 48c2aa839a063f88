// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* top_view.c: which rows there are, which of them are opened, and which is selected, from survey to survey */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* ---- rows by name ---- */

static struct row_key key_of(const struct row *row)
{
	struct row_key key = { .id = row->ring->info.id };

	strcpy(key.ring, row->ring->name);
	if (row->member) {
		key.index = row->member->info.index;
		key.incarnation = row->member->info.incarnation;
	}
	if (row->counter)
		key.counter = (uint32_t)(row->counter - row->member->counter) + 1;
	return key;
}

static bool is_same(const struct row_key *a, const struct row_key *b)
{
	return a->id == b->id && a->incarnation == b->incarnation && a->index == b->index && a->counter == b->counter &&
	       !strcmp(a->ring, b->ring);
}

static uint32_t find_opened(const struct view *v, const struct row *row)
{
	struct row_key key = key_of(row);
	uint32_t i;

	for (i = 0; i < v->opens; i++)
		if (is_same(&v->opened[i], &key))
			break;
	return i;
}

bool is_opened(const struct view *v, const struct row *row)
{
	return find_opened(v, row) < v->opens;
}

/* ---- rows ---- */

static int add_row(struct view *v, const struct row *row)
{
	struct row *rows = realloc(v->row, (v->rows + 1) * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	v->row = rows;
	rows[v->rows++] = *row;
	return 0;
}

static int add_counters(struct view *v, struct row row)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < row.member->counters && !err; i++) {
		row.counter = &row.member->counter[i];
		err = add_row(v, &row);
	}
	return err;
}

static int add_members(struct view *v, struct row row)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < row.ring->count && !err; i++) {
		row.member = &row.ring->member[i];
		err = add_row(v, &row);
		if (!err && is_opened(v, &row))
			err = add_counters(v, row);
	}
	return err;
}

static int add_ring(struct view *v, const struct surveyed *ring)
{
	const struct row row = { .ring = ring };
	int err = add_row(v, &row);

	return !err && is_opened(v, &row) ? add_members(v, row) : err;
}

/* ---- order ---- */

static int compare_members(const void *a, const void *b)
{
	const struct dmp_member_info *x = &((const struct counted *)a)->info, *y = &((const struct counted *)b)->info;

	return x->role != y->role ? (x->role > y->role) - (x->role < y->role)
				  : (x->index > y->index) - (x->index < y->index);
}

static int compare_rings(const void *a, const void *b, void *view)
{
	const struct surveyed *x = a, *y = b;
	const struct view *v = view;
	double by_x = 0, by_y = 0;

	if (v->order == BY_RATE) {
		by_x = rate_of_ring(v, x);
		by_y = rate_of_ring(v, y);
	} else if (v->order == BY_LAG) {
		by_x = fill_of_ring(x);
		by_y = fill_of_ring(y);
	}
	return by_x != by_y ? (by_x < by_y) - (by_x > by_y) : strcmp(x->name, y->name);
}

static void sort_survey(struct view *v)
{
	uint32_t i;

	qsort_r(v->now.ring, v->now.count, sizeof(*v->now.ring), compare_rings, v);
	for (i = 0; i < v->now.count; i++)
		qsort(v->now.ring[i].member, v->now.ring[i].count, sizeof(struct counted), compare_members);
}

/* ---- selection ---- */

static void select_row(struct view *v, uint32_t at)
{
	v->at = at < v->rows ? at : v->rows ? v->rows - 1 : 0;
	if (v->rows)
		v->selected = key_of(&v->row[v->at]);
}

/* Where it is now; what has gone hands on to who has its row. */
static void find_selected(struct view *v)
{
	struct row_key key;
	uint32_t i;

	for (i = 0; i < v->rows; i++) {
		key = key_of(&v->row[i]);
		if (is_same(&key, &v->selected))
			break;
	}
	select_row(v, i < v->rows ? i : v->at);
}

static int rebuild(struct view *v)
{
	uint32_t i;
	int err = 0;

	sort_survey(v);
	v->rows = 0;
	for (i = 0; i < v->now.count && !err; i++)
		err = add_ring(v, &v->now.ring[i]);
	find_selected(v);
	return err;
}

void view_move(struct view *v, int64_t rows)
{
	int64_t to = (int64_t)v->at + rows;

	select_row(v, to < 0 ? 0 : to > UINT32_MAX ? UINT32_MAX : (uint32_t)to);
}

/* ---- what is opened ---- */

static int open_row(struct view *v, const struct row *row)
{
	struct row_key *opened = realloc(v->opened, (v->opens + 1) * sizeof(*opened));

	if (!opened)
		return -ENOMEM;
	v->opened = opened;
	opened[v->opens++] = key_of(row);
	return 0;
}

/* A counter has nothing to be opened: its member is closed. */
int view_toggle(struct view *v)
{
	struct row row;
	uint32_t i;
	int err = 0;

	if (!v->rows)
		return 0;
	row = v->row[v->at];
	row.counter = NULL;
	i = find_opened(v, &row);
	if (i < v->opens)
		v->opened[i] = v->opened[--v->opens];
	else
		err = open_row(v, &row);
	v->selected = key_of(&row);
	return err ? err : rebuild(v);
}

int view_open(struct view *v, const char *ring)
{
	struct row row = { .member = NULL };
	uint32_t i;

	for (i = 0; i < v->now.count; i++) {
		row.ring = &v->now.ring[i];
		if (!strcmp(row.ring->name, ring) && !is_opened(v, &row))
			return open_row(v, &row) ? -ENOMEM : rebuild(v);
	}
	return 0;
}

int view_sort(struct view *v)
{
	v->order = (v->order + 1) % ORDERS;
	return rebuild(v);
}

/* ---- surveys ---- */

/* What was opened and has gone. */
static void forget_gone(struct view *v)
{
	struct surveyed ring;
	uint32_t i;

	for (i = v->opens; i--;) {
		strcpy(ring.name, v->opened[i].ring);
		ring.info.id = v->opened[i].id;
		if (!ring_in(&v->now, &ring))
			v->opened[i] = v->opened[--v->opens];
	}
}

int view_take(struct view *v)
{
	struct survey now;
	int err = take_survey(v->surveyor, &now);

	if (err)
		return err;
	free_survey(&v->before);
	v->before = v->now;
	v->now = now;
	forget_gone(v);
	return rebuild(v);
}

void view_free(struct view *v)
{
	free_survey(&v->before);
	free_survey(&v->now);
	free(v->row);
	free(v->opened);
	surveyor_free(v->surveyor);
}
