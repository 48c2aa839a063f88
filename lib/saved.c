// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * saved.c: what of a file ring survives a crash of the machine
 *
 * A save says: events below its cursor are on the disk, and so far each consumer had read. There are two, written in
 * turn, each with a checksum, so that one is whole whatever the disk had written when the power went.
 *
 *   sync     read the consumers' positions and the cursor; write the slots to the disk; write the save; only then may
 *            producers overwrite what that save needs no more
 *
 * The last is the syncer's gate: it holds the first seat of a file ring like a consumer that has read up to the smallest
 * position of the last save that is on the disk. Whoever waits for room that only a sync can make, syncs.
 *
 *   recover  same boot: the page cache has everything, and the usual repair of the dead is enough. Another boot: nothing
 *            but the last whole save is believed. Slots behind its cursor hold nothing; consumers are dead ones that were
 *            where it says.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "segment.h"

struct place {
	char name[DMP_MEMBER_NAME_MAX];
	__u64 position;
	__u64 deps;
	__u32 uid;
	__u32 there;
};

struct save {
	__u64 number; /* the higher of the two is the later */
	__u64 cursor;
	__u64 floor; /* the smallest position of all */
	__u32 ended;
	__u32 epoch;
	struct place place[DMP_MAX_GATES];
	__u64 checksum; /* of what precedes */
};

_Static_assert(sizeof(struct save) <= DMP_PAGE, "a save is a page");

static struct save *save_at(const struct dmp_head *h, uint64_t number)
{
	return (void *)((char *)h + h->saved_off + number % 2 * DMP_PAGE);
}

/* FNV-1a: to tell a torn page, not an enemy. */
static uint64_t checksum(const struct save *save)
{
	const unsigned char *p = (const void *)save, *end = p + offsetof(struct save, checksum);
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (; p < end; p++)
		sum = (sum ^ *p) * 0x100000001b3ULL;
	return sum;
}

static bool is_whole(const struct save *save)
{
	return save->checksum == checksum(save) && save->floor <= save->cursor;
}

/* The later whole one, or NULL. */
static const struct save *last_save(const struct dmp_head *h)
{
	const struct save *a = save_at(h, 0), *b = save_at(h, 1);

	if (!is_whole(a))
		return is_whole(b) ? b : NULL;
	return is_whole(b) && b->number > a->number ? b : a;
}

/* ---- save ---- */

/* Positions first: a consumer is never ahead of the cursor that is read after it. */
static void take_positions(const struct dmp_segment_ *s, struct save *save)
{
	uint32_t i;

	save->floor = UINT64_MAX;
	for (i = DMP_SAVED_INDEX + 1; i < s->shape.members && i < DMP_MAX_GATES; i++) {
		const struct dmp_entry *e = &s->table[i];
		struct place *p = &save->place[i];

		if (!(s->meta->gates >> i & 1))
			continue;
		memcpy(p->name, e->name, sizeof(p->name));
		p->position = dmp_load_acquire(dmp_seat_own_(s, i)->cursor);
		p->deps = e->deps;
		p->uid = s->seats[i].uid;
		p->there = 1;
		save->floor = p->position < save->floor ? p->position : save->floor;
	}
}

/* A stamped consumer may be ahead of the cursor by the publish in flight; saved it is not. */
static void bound_positions(struct save *save)
{
	uint32_t i;

	for (i = 0; i < DMP_MAX_GATES; i++)
		if (save->place[i].position > save->cursor)
			save->place[i].position = save->cursor;
	if (save->floor > save->cursor)
		save->floor = save->cursor;
}

static int snapshot(struct dmp_segment_ *s, struct save *save)
{
	int err = dmp_segment_lock_(s);

	if (err)
		return err;
	memset(save, 0, sizeof(*save));
	take_positions(s, save);
	save->ended = s->meta->ended;
	save->epoch = s->meta->epoch;
	dmp_segment_unlock_(s);
	save->cursor = dmp_load_acquire(s->cursor->cursor); /* H, pairs with A */
	bound_positions(save);
	return 0;
}

/* Never over the last that is on the disk: one that was written and failed, or whose writer died, is tried again. */
static int write_save(struct dmp_head *h, struct save *save)
{
	int err;

	save->number = h->saved + 1;
	save->checksum = checksum(save);
	*save_at(h, save->number) = *save;
	err = dmp_sys_sync(save_at(h, save->number), DMP_PAGE);
	if (!err)
		h->saved = save->number;
	return err;
}

static int map_data(struct dmp_segment_ *s)
{
	char *at;

	if (s->data)
		return 0;
	at = mmap(NULL, s->shape.data_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fds[0], (off_t)s->data_off);
	if (at == MAP_FAILED)
		return -errno;
	s->data = at;
	return 0;
}

/* What is on the disk now may go. Owner's A and B: somebody may sleep for this room. */
static void open_gate(struct dmp_segment_ *s, uint64_t floor)
{
	dmp_store_release(dmp_seat_own_(s, DMP_SAVED_INDEX)->cursor, floor); /* F, pairs with G */
	dmp_segment_wake_sequence_(s, 1 + DMP_SAVED_INDEX, floor);
}

static int sync_locked(struct dmp_segment_ *s)
{
	struct save save;
	int err = map_data(s);

	if (!err)
		err = snapshot(s, &save);
	if (!err)
		err = dmp_sys_sync(s->data, s->shape.data_size);
	if (!err)
		err = write_save(s->head, &save);
	if (!err)
		open_gate(s, save.floor);
	return err;
}

/* One at a time, of all processes: a mutex and a lock, as for membership. */
int dmp_saved_sync_(struct dmp_segment_ *s)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	int err;

	dmp_segment_adopt_(s);
	pthread_mutex_lock(&one);
	err = dmp_lock_(s->fds[0], DMP_LOCK_SYNC_);
	if (!err) {
		err = sync_locked(s);
		dmp_unlock_(s->fds[0], DMP_LOCK_SYNC_);
	}
	pthread_mutex_unlock(&one);
	return err;
}

/* Only if the syncer is behind all others: a sync takes it no further than they are. */
int dmp_saved_make_room_(struct dmp_member *m)
{
	const struct dmp_segment_ *s = m->segment;
	uint64_t gates = dmp_load_acquire(s->meta->gates) & ~(1ULL << DMP_SAVED_INDEX);
	uint64_t saved = dmp_load_once(dmp_seat_own_(s, DMP_SAVED_INDEX)->cursor);

	for (; gates; gates &= gates - 1)
		if (dmp_load_once(dmp_seat_own_(s, (uint32_t)__builtin_ctzll(gates))->cursor) <= saved)
			return -EAGAIN;
	return m->published > saved ? dmp_saved_sync_(m->segment) : -EAGAIN;
}

/* ---- create ---- */

static void seat_syncer(struct dmp_meta *meta, char *members, uint64_t floor)
{
	struct dmp_entry *e = (struct dmp_entry *)(void *)((char *)meta + meta->table_off) + DMP_SAVED_INDEX;
	struct dmp_own *own = (void *)(members + dmp_own_offset(DMP_SAVED_INDEX));

	e->role = DMP_ROLE_CONSUMER;
	e->state = DMP_MEMBER_HELD;
	e->start = floor;
	memcpy(e->name, DMP_SAVED_NAME, sizeof(DMP_SAVED_NAME));
	own->cursor = floor;
	meta->gates |= 1ULL << DMP_SAVED_INDEX;
}

int dmp_saved_init_(struct dmp_head *h)
{
	struct save save = { 0 };
	int err;

	dmp_sys_boot(h->boot);
	seat_syncer((void *)((char *)h + h->meta_off), (char *)h + h->members_off, 0);
	err = dmp_sys_sync(h, h->data_off);
	return err ? err : write_save(h, &save);
}

/* ---- recover ---- */

static __u64 *stamp_of(const struct dmp_segment_ *s, uint64_t n)
{
	return (void *)(s->data + dmp_slot_offset(n, s->shape.slots, s->shape.stride));
}

/* Every event that the save promises is there. */
static bool has_events(const struct dmp_segment_ *s, const struct save *save)
{
	uint64_t n;

	for (n = save->floor; n < save->cursor; n++)
		if (*stamp_of(s, n) != dmp_stamp_published(n))
			return false;
	return true;
}

/* Slots behind the cursor, as far as a producer may have come: what the disk has of them is old, new or both. */
static void forget_rest(struct dmp_segment_ *s, const struct save *save)
{
	uint64_t n;

	for (n = save->cursor; n < save->floor + s->shape.slots; n++)
		*stamp_of(s, n) = dmp_stamp_writing(n);
}

static void seat_consumers(struct dmp_segment_ *s, const struct save *save)
{
	uint32_t i;

	for (i = DMP_SAVED_INDEX + 1; i < s->shape.members && i < DMP_MAX_GATES; i++) {
		const struct place *p = &save->place[i];
		struct dmp_entry *e = &s->table[i];

		if (!p->there)
			continue;
		e->role = DMP_ROLE_CONSUMER;
		e->state = DMP_MEMBER_HELD;
		e->start = p->position;
		e->deps = p->deps;
		memcpy(e->name, p->name, sizeof(e->name));
		s->seats[i].uid = p->uid;
		dmp_seat_own_(s, i)->cursor = p->position;
	}
}

/* Everything that processes write, but for the slots, anew. */
static void rebuild(struct dmp_segment_ *s, const struct save *save)
{
	struct dmp_meta *meta = s->meta;

	memset(s->seats, 0, meta->members * sizeof(*s->seats));
	memset(s->table, 0, meta->members * sizeof(*s->table));
	memset(s->members, 0, (size_t)meta->members * meta->member_size);
	memset(s->cursor, 0, sizeof(*s->cursor));
	dmp_segment_init_lines_(meta);
	s->head->busy = 0;
	s->head->saved = save->number;
	s->cursor->cursor = save->cursor;
	s->cursor->claimed = save->floor + meta->slots; /* observers: all that may have been overwritten */
	meta->ended = save->ended;
	meta->epoch = save->epoch;
	meta->gates = 0;
	seat_syncer(meta, s->members, save->floor);
	seat_consumers(s, save);
}

static int restore(struct dmp_segment_ *s)
{
	const struct save *save = last_save(s->head);
	int err = save ? map_data(s) : -EUCLEAN;
	bool stamped = s->meta->flags & DMP_RING_STAMPED;

	if (!err && (save->cursor - save->floor > s->shape.slots || (stamped && !has_events(s, save))))
		err = -EUCLEAN;
	if (err)
		return err;
	if (stamped)
		forget_rest(s, save);
	rebuild(s, save);
	err = dmp_segment_lock_(s);
	if (err)
		return err;
	dmp_segment_settle_(s);
	dmp_segment_unlock_(s);
	return 0;
}

bool dmp_saved_is_of_this_boot_(const struct dmp_segment_ *s)
{
	char boot[DMP_BOOT_MAX];

	dmp_sys_boot(boot);
	return !boot[0] || !memcmp(boot, s->head->boot, sizeof(boot));
}

int dmp_saved_recover_(struct dmp_segment_ *s)
{
	int err;

	if (s->head->boot[0] && dmp_saved_is_of_this_boot_(s))
		return 0;
	err = restore(s);
	if (!err)
		dmp_sys_boot(s->head->boot); /* last: until then it is begun anew */
	return err;
}
