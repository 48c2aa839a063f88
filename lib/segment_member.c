// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * segment_member.c: who takes part in a ring that no kernel owns: join, leave, and the death of others
 *
 * The rules, and their order, are the module's (kmod/join.c, kmod/member.c). The member table decides: a change is one
 * store to an entry's state, and settle() makes gates, dependencies and the end of the stream agree with it. It does the
 * same whoever runs it and however often, so that the next process goes on where one died.
 *
 * ORDER: letters of dmp/ring.h. M is here: the gate mask, the generation, a full barrier, and only then a start.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

#define SWEEP_NS 100000000 /* the dead are looked for so often by those who wait */

static bool is_mine(const struct dmp_segment_ *s, uint32_t i)
{
	return s->mine[i / 64] >> i % 64 & 1;
}

void dmp_segment_set_mine_(struct dmp_segment_ *s, uint32_t i, bool mine)
{
	uint64_t bit = 1ULL << i % 64;

	s->mine[i / 64] = mine ? s->mine[i / 64] | bit : s->mine[i / 64] & ~bit;
}

static bool gates(const struct dmp_entry *e)
{
	return e->role == DMP_ROLE_CONSUMER && (e->state == DMP_MEMBER_JOINED || e->state == DMP_MEMBER_HELD);
}

void dmp_segment_raise_generation_(struct dmp_segment_ *s)
{
	dmp_store_release(s->meta->generation, s->meta->generation + 1); /* M, pairs with L and who watches it */
	dmp_full_barrier();						 /* M, pairs with L */
	DMP_TEST_POINT(MEMBERSHIP);
}

/* ---- settle: everything follows from the table ---- */

struct sum {
	uint64_t gates;
	uint32_t producers;
	bool finished; /* the producer that has left */
};

static struct sum sum_up(const struct dmp_segment_ *s)
{
	struct sum sum = { 0 };
	uint32_t i;

	for (i = 0; i < s->shape.members; i++) {
		const struct dmp_entry *e = &s->table[i];

		if (gates(e))
			sum.gates |= 1ULL << i;
		if (e->role != DMP_ROLE_PRODUCER)
			continue;
		sum.producers += e->state == DMP_MEMBER_JOINED;
		sum.finished |= e->state == DMP_MEMBER_LEFT && s->seats[i].finished;
	}
	return sum;
}

static void drop_edges(struct dmp_segment_ *s, uint64_t gates)
{
	uint32_t i;

	for (i = 0; i < s->shape.members && i < DMP_MAX_GATES; i++)
		if (s->table[i].deps & ~gates)
			dmp_store_once(s->table[i].deps, s->table[i].deps & gates);
}

static void free_left(struct dmp_segment_ *s)
{
	uint32_t i;

	for (i = 0; i < s->shape.members; i++)
		if (s->table[i].state == DMP_MEMBER_LEFT)
			dmp_store_release(s->table[i].state, (__u32)DMP_MEMBER_FREE);
}

void dmp_segment_settle_(struct dmp_segment_ *s)
{
	struct sum sum = sum_up(s);

	dmp_store_once(s->meta->gates, sum.gates);
	DMP_TEST_POINT(MEMBERSHIP);
	drop_edges(s, sum.gates);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_store_once(s->meta->producers, sum.producers);
	DMP_TEST_POINT(MEMBERSHIP);
	if (!sum.producers && s->meta->ended == DMP_END_OPEN)
		/* After the cursor: who reads "ended" reads the last of it. */
		dmp_store_release(s->meta->ended, (__u32)(sum.finished ? DMP_END_CLEAN : DMP_END_CRASHED));
	dmp_segment_raise_generation_(s);
	free_left(s);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_segment_wake_all_(s);
}

/* ---- leaving ---- */

static bool is_published(const struct dmp_segment_ *s, const char *data, uint64_t n)
{
	const __u64 *stamp = (const void *)(data + dmp_slot_offset(n, s->shape.slots, s->shape.stride));

	return dmp_load_once(*stamp) == dmp_stamp_published(n);
}

/* As kmod/repair.c: the cursor over what is stamped, stamps behind a gap back to "writing". */
static void repair(struct dmp_segment_ *s)
{
	struct dmp_maps_ maps;
	uint64_t cursor = dmp_load_once(s->cursor->cursor), end = cursor + s->shape.slots, n = cursor;
	char *data;

	if (!(s->meta->flags & DMP_RING_STAMPED) || dmp_segment_map_(s, &maps, DMP_ROLE_PRODUCER, 0))
		return;
	data = maps.region[DMP_DATA_].at;
	while (n < end && is_published(s, data, n))
		n++;
	if (n != cursor)
		dmp_store_release(s->cursor->cursor, n); /* A, in the owner's stead */
	DMP_TEST_POINT(MEMBERSHIP);
	for (; n < end; n++)
		if (is_published(s, data, n))
			*(__u64 *)(void *)(data + dmp_slot_offset(n, s->shape.slots, s->shape.stride)) =
				dmp_stamp_writing(n);
	dmp_unmap_(&maps);
}

/* The first thing of a leave that anybody sees; settle() does the rest. A file ring keeps a dead consumer's place. */
static void retire(struct dmp_segment_ *s, uint32_t i, bool died)
{
	struct dmp_entry *e = &s->table[i];
	bool held = died && dmp_is_file_(s) && e->role == DMP_ROLE_CONSUMER;

	if (e->role == DMP_ROLE_PRODUCER)
		repair(s);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_store_once(e->incarnation, e->incarnation + 1);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_store_release(e->state, (__u32)(held ? DMP_MEMBER_HELD : DMP_MEMBER_LEFT));
	dmp_store_fence(); /* M, pairs with F's load fence: the incarnation before the gate goes */
	DMP_TEST_POINT(MEMBERSHIP);
}

static bool has_died(const struct dmp_segment_ *s, uint32_t i)
{
	return dmp_load_once(s->table[i].state) == DMP_MEMBER_JOINED && !is_mine(s, i) &&
	       !dmp_is_locked_(s->fds[0], DMP_LOCK_MEMBER_ + i);
}

void dmp_segment_sweep_(struct dmp_segment_ *s)
{
	bool found = false;
	uint32_t i;

	for (i = 0; i < s->shape.members; i++) {
		if (!has_died(s, i))
			continue;
		retire(s, i, true);
		found = true;
	}
	if (found)
		dmp_segment_settle_(s);
}

/* A look without the lock, which is wanted only if there is something to do: a member has died, or whoever had it. */
static bool somebody_has_died(const struct dmp_segment_ *s)
{
	uint32_t i;

	if (dmp_load_once(s->head->busy) && !dmp_is_locked_(s->fds[0], DMP_LOCK_MEMBERSHIP_))
		return true;
	for (i = 0; i < s->shape.members; i++)
		if (has_died(s, i))
			return true;
	return false;
}

void dmp_segment_tend_(struct dmp_segment_ *s, uint64_t now)
{
	if (now - dmp_load_once(s->head->swept) < SWEEP_NS)
		return;
	dmp_segment_adopt_(s);
	dmp_store_once(s->head->swept, now);
	if (!somebody_has_died(s) || !dmp_segment_trylock_(s))
		return;
	dmp_segment_sweep_(s);
	dmp_segment_unlock_(s);
}

/* In a child made by fork it is the parent's member. */
static bool is_ours(const struct dmp_member *m)
{
	return m->segment->pid == (uint32_t)getpid() && is_mine(m->segment, m->index) &&
	       dmp_load_once(m->entry->incarnation) == m->incarnation;
}

static void leave_locked(const struct dmp_member *m)
{
	struct dmp_segment_ *s = m->segment;

	if (!is_ours(m))
		return;
	retire(s, m->index, false);
	dmp_segment_set_mine_(s, m->index, false);
	dmp_unlock_(s->fds[0], DMP_LOCK_MEMBER_ + m->index);
	dmp_segment_settle_(s);
}

void dmp_segment_leave_(struct dmp_member *m)
{
	struct dmp_segment_ *s = m->segment;

	if (!dmp_segment_lock_(s)) {
		leave_locked(m);
		dmp_segment_unlock_(s);
	}
	DMP_TEST_POINT(LEAVE_AFTER);
	dmp_segment_put_(s);
}

int dmp_segment_finish_(struct dmp_member *m)
{
	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (!is_ours(m))
		return -ESTALE;
	m->segment->seats[m->index].finished = 1;
	return 0;
}

/* It would go on to write what it has mapped. */
int dmp_segment_evict_(const struct dmp_ring *ring, const struct dmp_evict *args)
{
	(void)ring;
	(void)args;
	return -EOPNOTSUPP;
}
