// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_shown.c: what is shown of a view: the survey's rings and members, and those that eBPF alone knows of
 *
 * These have gone, or are another network namespace's. A living member's counters are what eBPF has sampled of it, so that
 * they go on where they are when it leaves; before its first sample, and without eBPF, they are its page's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

/* ---- rings: of the module by id, then those in shared memory ---- */

static bool is_shm(const struct surveyed *ring)
{
	return !strncmp(ring->name, "shm:", 4);
}

static int compare_ids(const void *one, const void *other)
{
	const struct shown_ring *a = one, *b = other;

	return (a->label.id > b->label.id) - (a->label.id < b->label.id);
}

static bool is_among(const struct shown_ring *rings, uint32_t count, uint64_t id)
{
	const struct shown_ring wanted = { .label.id = id };

	return bsearch(&wanted, rings, count, sizeof(wanted), compare_ids);
}

/* Where more than one thing is known of a ring that the survey has not, it is added more than once. */
static void add_ring(struct shown *shown, uint32_t surveyed, uint64_t id, const char *name)
{
	struct shown_ring *to = &shown->ring[shown->rings];

	if (is_among(shown->ring, surveyed, id))
		return;
	to->label = new_label(name, DMP_NAME_MAX, 0, id);
	to->label.gone = true;
	to->label.age = id;
	shown->rings++;
}

static void add_pinned_rings(struct shown *shown, const struct pins *pins)
{
	uint32_t surveyed = shown->rings, i, which;

	for (i = 0; i < pins->members; i++)
		add_ring(shown, surveyed, pins->member[i].key.ring, pins->member[i].key.ring_name);
	for (which = 0; which < LATENCIES; which++)
		for (i = 0; i < pins->rings[which]; i++)
			add_ring(shown, surveyed, pins->ring[which][i].key.ring, pins->ring[which][i].key.name);
}

static void leave_out_repeated(struct shown *shown)
{
	uint32_t i, kept = shown->rings != 0;

	qsort(shown->ring, shown->rings, sizeof(*shown->ring), compare_ids);
	for (i = 1; i < shown->rings; i++)
		if (compare_ids(&shown->ring[i], &shown->ring[kept - 1]))
			shown->ring[kept++] = shown->ring[i];
	shown->rings = kept;
}

static void add_surveyed(struct shown *shown, const struct survey *survey, bool shm)
{
	const struct surveyed *r;

	for (r = survey->ring; r < survey->ring + survey->count; r++)
		if (is_shm(r) == shm)
			shown->ring[shown->rings++] =
				(struct shown_ring){ .ring = r,
						     .label = new_label(r->name, sizeof(r->name), 0, r->info.id) };
}

/* Returns how many of them are the module's. */
static uint32_t add_rings(struct shown *shown, const struct view *view)
{
	uint32_t module;

	add_surveyed(shown, view->survey, false);
	leave_out_repeated(shown);
	add_pinned_rings(shown, view->pins);
	leave_out_repeated(shown);
	module = shown->rings;
	add_surveyed(shown, view->survey, true);
	return module;
}

/* ---- members ---- */

static struct shown_member *new_member(struct shown_ring *ring, const char *name, size_t size, uint32_t role,
				       uint64_t index)
{
	struct shown_member *m = &ring->member[ring->members++];

	m->label = new_label(name, size, role, index);
	return m;
}

static void add_members(struct shown_ring *to, const struct pins *pins, bool module)
{
	const struct counted *m, *end = to->ring ? to->ring->member + to->ring->count : NULL;
	const struct sampled *sampled;
	struct shown_member *new;

	for (m = end ? to->ring->member : NULL; m < end; m++) {
		new = new_member(to, m->name, sizeof(m->name), m->info.role, m->info.index);
		new->counted = m;
		sampled = module ? find_sampled(pins, to->label.id, m) : NULL;
		new->sampled = sampled ? &sampled->value : NULL;
	}
}

static uint32_t role_of_word(const char *word)
{
	uint32_t role;

	for (role = DMP_ROLE_PRODUCER; role < DMP_ROLE_OBSERVER; role++)
		if (!strncmp(word, role_word(role), sizeof(((struct dmp_member_key *)0)->role)))
			break;
	return role;
}

static bool is_surveyed(const struct shown_ring *ring, const struct dmp_member_key *key)
{
	const struct counted *m;

	for (m = ring->ring ? ring->ring->member : NULL; m && m < ring->ring->member + ring->ring->count; m++)
		if (m->info.index == key->index && m->info.incarnation == key->incarnation)
			return true;
	return false;
}

static void add_pinned_member(struct shown_ring *to, const struct sampled *from)
{
	const struct dmp_member_key *key = &from->key;
	struct shown_member *m;

	if (is_surveyed(to, key))
		return;
	m = new_member(to, key->name, sizeof(key->name), role_of_word(key->role), key->index);
	m->sampled = &from->value;
	m->label.gone = from->value.left;
	m->label.age = from->value.sampled_ns;
	to->label.gone &= m->label.gone;
}

static bool is_of(const struct sampled *sampled, const struct pins *pins, uint64_t ring)
{
	return sampled < pins->member + pins->members && sampled->key.ring == ring;
}

/* The rings of the module, and what is pinned, are in the same order. */
static void show_members(struct shown *shown, const struct view *view, uint32_t module)
{
	const struct sampled *sampled = view->pins->member;
	struct shown_member *room = shown->member;
	struct shown_ring *r;

	for (r = shown->ring; r < shown->ring + shown->rings; r++) {
		r->member = room;
		add_members(r, view->pins, r < shown->ring + module);
		for (; r < shown->ring + module && is_of(sampled, view->pins, r->label.id); sampled++)
			add_pinned_member(r, sampled);
		room += r->members;
		r->members = tell_apart(r->member, r->members, sizeof(*r->member));
	}
}

/* ---- all ---- */

static void show_latencies(struct shown *shown, const struct pins *pins, uint32_t module)
{
	uint32_t i, which;

	for (i = 0; i < module; i++)
		for (which = 0; which < LATENCIES; which++)
			shown->ring[i].latency[which] = find_latency(pins, which, shown->ring[i].label.id);
}

static int make_room(struct shown *shown, const struct view *view)
{
	uint32_t i, rings = view->survey->count + view->pins->members, members = view->pins->members;

	for (i = 0; i < LATENCIES; i++)
		rings += view->pins->rings[i];
	for (i = 0; i < view->survey->count; i++)
		members += view->survey->ring[i].count;
	*shown = (struct shown){ .ring = calloc(rings + 1, sizeof(*shown->ring)),
				 .member = calloc(members + 1, sizeof(*shown->member)) };
	if (shown->ring && shown->member)
		return 0;
	free_shown(shown);
	return -ENOMEM;
}

int show_view(const struct view *view, struct shown *shown)
{
	int err = make_room(shown, view);
	uint32_t module;

	if (err)
		return err;
	module = add_rings(shown, view);
	show_members(shown, view, module);
	show_latencies(shown, view->pins, module);
	shown->rings = tell_apart(shown->ring, shown->rings, sizeof(*shown->ring));
	return 0;
}

void free_shown(struct shown *shown)
{
	free(shown->ring);
	free(shown->member);
	*shown = (struct shown){ .rings = 0 };
}

bool shown_value(const struct shown_member *m, uint32_t at, uint64_t *value)
{
	static const uint32_t ids[] = {
#define ID(NAME, id, name, unit, flags, help) id,
		DMP_COUNTERS(ID)
#undef ID
	};
	const uint64_t *sampled = (const uint64_t *)m->sampled; /* begins with them, in this order */

	if (!sampled)
		return m->counted && built_in(m->counted, ids[at], value);
	*value = sampled[at];
	return m->sampled->counted & 1U << at;
}
