// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* member.c: join and leave */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "liveness.h"
#include "segment.h"

#define OFF UINT64_MAX /* no prefetching */

/* ---- join: the arguments ---- */

static int copy_name(char *to, const char *name)
{
	size_t len = strlen(name);

	if (len >= DMP_MEMBER_NAME_MAX)
		return -EINVAL;
	memset(to, 0, DMP_MEMBER_NAME_MAX);
	memcpy(to, name, len);
	return 0;
}

int dmp_member_names_(char (*to)[DMP_MEMBER_NAME_MAX], const char *const *names, uint32_t count)
{
	uint32_t i;
	int err = 0;

	if (count > DMP_MAX_GATES)
		return -EINVAL;
	for (i = 0; i < count && !err; i++)
		err = names[i] ? copy_name(to[i], names[i]) : -EINVAL;
	return err;
}

/* The owner's join, with everything it wants. */
static int join_owner(struct dmp_member *m, const struct dmp_ring *ring, const struct dmp_join_options *o,
		      struct dmp_join *args)
{
	char after[DMP_MAX_GATES][DMP_MEMBER_NAME_MAX];
	int err = dmp_member_names_(after, o->after, o->after_count);

	if (!err && o->name)
		err = copy_name(args->name, o->name);
	if (err)
		return err;
	args->deps = o->after_count ? (uintptr_t)after : 0;
	args->ndeps = o->after_count;
	args->policy = o->policy;
	args->hold = o->hold;
	args->from = o->from;
	args->position = o->from == DMP_FROM_POSITION ? o->position : 0;
	return ring->ops->join(m, ring, args);
}

/* ---- join: the member ---- */

/* See the constants in dmp/ring.h for the reasons. */
static void set_ahead(struct dmp_member *m)
{
	uint64_t slots = DMP_AHEAD_BYTES / m->stride, bytes = (m->mask + 1) * m->stride;
	bool write = m->stride >= DMP_AHEAD_WRITE_BIG ||
		     (m->stride >= DMP_AHEAD_WRITE_MIN && bytes < DMP_AHEAD_WRITE_RING);

	if (!slots)
		slots = 1;
	m->lines = (uint32_t)((m->stride < DMP_AHEAD_BYTES ? m->stride : DMP_AHEAD_BYTES) + DMP_LINE - 1) / DMP_LINE;
	m->ahead_read = m->stride >= DMP_AHEAD_READ_MIN ? slots : OFF;
	m->ahead_write = write ? slots : OFF;
}

static void set_places(struct dmp_member *m, const struct dmp_maps_ *maps)
{
	const struct dmp_meta *meta = m->segment ? &m->segment->shape : maps->region[DMP_META_].at;
	char *base = maps->region[DMP_META_].at, *self = maps->region[DMP_SELF_].at;
	uint32_t sequence = m->role == DMP_ROLE_CONSUMER ? 1 + m->index : 0;

	m->meta = maps->region[DMP_META_].at;
	m->members = maps->region[DMP_MEMBERS_].at;
	m->member_size = meta->member_size;
	m->data = maps->region[DMP_DATA_].at;
	m->mask = meta->slots - 1;
	m->stride = meta->stride;
	m->payload_off = meta->payload_off;
	m->stamped = !!(meta->flags & DMP_RING_STAMPED);
	m->multi = !!(meta->flags & DMP_RING_MULTI);
	m->ring = maps->region[DMP_CURSOR_].at;
	m->line = (struct dmp_notify *)(void *)(base + meta->notify_off) + sequence;
	m->own = (struct dmp_own *)(void *)(self + dmp_own_offset(m->index));
	m->entry = (const struct dmp_entry *)(void *)(base + meta->table_off) + m->index;
	m->told = &m->ring->cursor;
	if (m->multi)
		m->told = m->role == DMP_ROLE_PRODUCER ? &m->own->claim_lo : &m->ring->claimed;
}

/*
 * A producer of a packed ring may follow one that died after overwriting more than it published: the claimed position
 * must not go back, or observers would take scribbled slots for good. Believed only as far as a ring's worth.
 */
static void set_claimed(struct dmp_member *m)
{
	uint64_t claimed = dmp_load_once(m->ring->claimed);

	if (m->stamped) {
		m->claimed = UINT64_MAX; /* the stamps tell */
		return;
	}
	m->claimed = dmp_available(claimed, m->next, m->mask + 1);
	if (m->role == DMP_ROLE_PRODUCER && claimed != m->claimed)
		dmp_store_once(m->ring->claimed, m->claimed); /* J, pairs with K: the fence is the first claim's */
}

static void set_position(struct dmp_member *m, uint64_t start)
{
	m->next = m->limit = m->published = m->free = start;
	m->pos = m->seen = start;
	set_claimed(m);
	m->generation = dmp_load_acquire(m->meta->generation);
	m->deps = dmp_load_once(m->entry->deps);
	if (dmp_load_once(m->entry->incarnation) != m->incarnation)
		m->generation--; /* evicted already: the first look in vain is to find that out */
}

static struct dmp_member *new_member(const struct dmp_ops_ *ops, uint32_t role, const struct dmp_join_options *o)
{
	struct dmp_member *m = aligned_alloc(_Alignof(struct dmp_member), sizeof(*m));
	struct dmp_maps_ *maps = malloc(sizeof(*maps));

	if (!m || !maps) {
		free(m);
		free(maps);
		return NULL;
	}
	memset(m, 0, sizeof(*m));
	m->ops = ops;
	m->role = role;
	m->maps = maps;
	m->fd = -1;
	m->wait = o->wait ? *o->wait : dmp_wait_sleep;
	return m;
}

static void free_member(struct dmp_member *m)
{
	free(m->maps);
	free(m->liveness);
	free(m);
}

/* Point the member at what the owner has mapped for it. */
static void attach(struct dmp_member *m, const struct dmp_join *args, uint32_t counters)
{
	m->index = args->index;
	m->incarnation = args->incarnation;
	set_places(m, m->maps);
	set_ahead(m);
	set_position(m, args->position);
	dmp_counters_begin_(m, counters);
}

int dmp_join(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options, struct dmp_member **member)
{
	static const struct dmp_join_options defaults;
	const struct dmp_join_options *o = options ? options : &defaults;
	struct dmp_join args = { .size = sizeof(args), .role = role };
	struct dmp_member *m = new_member(ring->ops, role, o);
	int err;

	if (!m)
		return -ENOMEM;
	DMP_TEST_POINT(JOIN_BEFORE);
	err = o->counters > DMP_COUNTERS_NONE ? -EINVAL : dmp_liveness_new_(m, o->liveness);
	if (!err)
		err = join_owner(m, ring, o, &args);
	if (err) {
		free_member(m);
		return err;
	}
	attach(m, &args, o->counters);
	*member = m;
	return 0;
}

/* ---- leave ---- */

int dmp_evict(const struct dmp_ring *ring, const char *name)
{
	struct dmp_evict args = { .size = sizeof(args) };
	int err = name ? copy_name(args.name, name) : -EINVAL;

	return err ? err : ring->ops->evict(ring, &args);
}

void dmp_leave(struct dmp_member *m)
{
	if (!m)
		return;
	DMP_TEST_POINT(LEAVE_BEFORE);
	m->ops->leave(m);
	dmp_unmap_(m->maps);
	free_member(m);
}

int dmp_finish(struct dmp_member *m)
{
	return m->ops->finish(m);
}

/* ---- what is known of it ---- */

uint32_t dmp_ended(const struct dmp_member *m)
{
	return dmp_load_acquire(m->meta->ended);
}

uint64_t dmp_position(const struct dmp_member *m)
{
	return m->role == DMP_ROLE_PRODUCER ? m->next : m->pos;
}

uint32_t dmp_event_size(const struct dmp_member *m)
{
	return m->meta->event_size;
}

uint64_t dmp_slots(const struct dmp_member *m)
{
	return m->mask + 1;
}

uint64_t dmp_aborted(const struct dmp_member *m)
{
	return m->own->aborted;
}

int dmp_member_fd(const struct dmp_member *m)
{
	return m->fd;
}

int dmp_read_members(struct dmp_member *m, struct dmp_member_info *members, uint32_t count)
{
	return m->ops->read_members(m, members, count);
}

/* At least one more slot than is claimed; the kernel knows what other producers have claimed since. */
static uint64_t wanted_of(const struct dmp_member *m)
{
	return m->wanted > m->next ? m->wanted : m->next + 1;
}

int dmp_holdup(const struct dmp_member *m, uint32_t what, struct dmp_holdup *holdup)
{
	struct dmp_holdup args = { .size = sizeof(args), .what = what };
	int err;

	if (what == DMP_HOLDUP_ROOM && m->role == DMP_ROLE_PRODUCER)
		args.position = wanted_of(m);
	err = m->ops->holdup(m->fd, &args);
	if (!err)
		*holdup = args;
	return err;
}
