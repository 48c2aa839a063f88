// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* segment_info.c: what a ring that no kernel owns and its members are doing, as INFO and MEMBERS tell it */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "segment.h"

static void fill_shape(const struct dmp_segment_ *s, struct dmp_info *info)
{
	info->flags = s->meta->flags;
	info->id = s->head->id;
	memcpy(info->name, s->head->name, sizeof(info->name) - 1);
	info->mode = s->head->mode;
	info->slots = s->shape.slots;
	info->event_size = s->shape.event_size;
	info->stride = s->shape.stride;
	info->members = s->shape.members;
	info->bytes = s->head->size;
}

static void fill_owner(const struct dmp_segment_ *s, struct dmp_info *info)
{
	struct stat st;

	if (fstat(s->fds[0], &st))
		return;
	info->uid = st.st_uid;
	info->gid = st.st_gid;
}

static void fill_positions(const struct dmp_segment_ *s, struct dmp_info *info)
{
	uint64_t gates = s->meta->gates & dmp_possible_gates_(s);
	uint32_t i;

	for (i = 0; i < s->shape.members; i++)
		info->joined += s->table[i].state == DMP_MEMBER_JOINED;
	info->cursor = info->gate = dmp_load_acquire(s->cursor->cursor);
	for (; gates; gates &= gates - 1) {
		uint64_t at = dmp_load_once(dmp_seat_own_(s, (uint32_t)__builtin_ctzll(gates))->cursor);

		info->gate = at < info->gate ? at : info->gate;
	}
	info->generation = s->meta->generation;
	info->producers = s->meta->producers;
	info->epoch = s->meta->epoch;
	info->ended = s->meta->ended;
}

static void fill_tally(const struct dmp_tally *t, struct dmp_info *info)
{
	info->sleeps = t->sleeps;
	info->woken = t->woken;
	info->changed = t->changed;
	info->wakes = t->wakes;
	info->empty = t->empty;
	info->fences = t->fences;
}

/* Who asks sees nobody who has died. */
static void look_after(struct dmp_segment_ *s)
{
	if (!dmp_segment_trylock_(s))
		return;
	dmp_segment_sweep_(s);
	dmp_segment_unlock_(s);
}

int dmp_segment_info_(const struct dmp_ring *ring, struct dmp_info *info)
{
	struct dmp_segment_ *s = ring->segment;

	look_after(s);
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->rights = ring->rights;
	fill_shape(s, info);
	fill_owner(s, info);
	fill_positions(s, info);
	fill_tally(&s->head->tally, info);
	return 0;
}

static uint64_t position_of(const struct dmp_segment_ *s, uint32_t i)
{
	if (s->table[i].role == DMP_ROLE_OBSERVER)
		return 0;
	return dmp_load_once(*dmp_sequence_(s, s->table[i].role == DMP_ROLE_CONSUMER ? 1 + i : 0));
}

static void fill_waiting(const struct dmp_seat *seat, struct dmp_member_info *info)
{
	info->waiting = dmp_load_acquire(seat->waiting);
	if (!info->waiting)
		return;
	info->waits_target = seat->target;
	if (seat->waits_on)
		info->waits_on = 1ULL << (seat->waits_on - 1);
	else
		info->waiting |= DMP_WAITING_CURSOR;
}

static void fill_member(const struct dmp_segment_ *s, uint32_t i, struct dmp_member_info *info)
{
	const struct dmp_entry *e = &s->table[i];
	const struct dmp_seat *seat = &s->seats[i];

	memset(info, 0, sizeof(*info));
	info->index = i;
	info->role = e->role;
	info->state = e->state;
	info->policy = e->policy;
	info->pid = e->state == DMP_MEMBER_JOINED ? seat->pid : 0;
	info->uid = seat->uid;
	memcpy(info->name, e->name, sizeof(info->name) - 1); /* it may have no end */
	info->incarnation = e->incarnation;
	info->cursor = position_of(s, i);
	info->deps = e->deps;
	info->finished = seat->finished;
	fill_waiting(seat, info);
	info->sleeps = seat->tally.sleeps;
	info->woken = seat->tally.woken;
	info->wakes = seat->tally.wakes;
	info->empty = seat->tally.empty;
}

static int fill_members(struct dmp_segment_ *s, struct dmp_member_info *members, uint32_t count)
{
	uint32_t i, n = 0;

	look_after(s);
	for (i = 0; i < s->shape.members; i++) {
		if (s->table[i].state == DMP_MEMBER_FREE)
			continue;
		if (n < count)
			fill_member(s, i, &members[n]);
		n++;
	}
	return (int)n;
}

int dmp_segment_members_(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count)
{
	return fill_members(ring->segment, members, count);
}

int dmp_segment_read_members_(struct dmp_member *m, struct dmp_member_info *members, uint32_t count)
{
	return fill_members(m->segment, members, count);
}

/* No kernel knows its members' threads here. */
int dmp_segment_holdup_(int fd, struct dmp_holdup *args)
{
	(void)fd;
	(void)args;
	return -EOPNOTSUPP;
}
