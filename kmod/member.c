// SPDX-License-Identifier: GPL-2.0
/*
 * member.c: who takes part: slots, gates, and what it takes to be let in
 *
 * A change of membership is: the gate mask in one store, then the generation, then a full barrier, and only then is a
 * start computed. A producer that reads its gates reads the generation before and after, and starts over if it moved; so
 * either it sees the new gate, or the barrier makes the kernel see what it has published (and may overwrite) already.
 * tests and the model "join" hold every other order to lose an unread slot.
 */
#include <linux/poll.h>
#include <linux/string.h>
#include "dmp.h"
#include "trace.h"

/* What it announces is stored before it. */
void dmp_member_raise(struct dmp_ring *ring)
{
	struct dmp_meta *meta = ring->meta;

	lockdep_assert_held(&ring->lock);
	dmp_require_update(ring);
	smp_store_release(&meta->generation, meta->generation + 1); /* M, pairs with L and with who watches it */
	smp_mb(); /* M, pairs with L: a start is computed only after this */
}

/* Everybody may want to read the table again. */
void dmp_member_tell_all(struct dmp_ring *ring)
{
	u32 i;

	lockdep_assert_held(&ring->mutex); /* keeps who is in ring->member */
	for (i = 0; i < ring->members; i++) {
		if (ring->member[i])
			wake_up_interruptible_poll(&ring->member[i]->poll, EPOLLPRI | EPOLLHUP | EPOLLERR);
		cond_resched();
	}
}

/* Something else than who takes part has changed, that is to be read again. */
void dmp_member_changed(struct dmp_ring *ring)
{
	spin_lock(&ring->lock);
	dmp_member_raise(ring);
	spin_unlock(&ring->lock);
	dmp_member_tell_all(ring);
}

/* It may have claims open, and its record tells of them. NULL: nobody. */
bool dmp_member_produces(const struct dmp_member *m)
{
	return m && m->role == DMP_ROLE_PRODUCER && !m->left;
}

/* ---- join ---- */

/* A consumer that is there. */
struct dmp_member *dmp_member_find(struct dmp_ring *ring, const char *name)
{
	u32 i;

	for (i = 0; i < ring->members && i < DMP_MAX_GATES; i++) {
		struct dmp_member *m = ring->member[i];

		if (m && m->role == DMP_ROLE_CONSUMER && dmp_member_is_there(m) &&
		    !strncmp(m->name, name, DMP_MEMBER_NAME_MAX))
			return m;
	}
	return NULL;
}

/* Dependencies are there before who depends on them and never change but by leaving: the graph has no cycle. */
static int find_deps(struct dmp_ring *ring, const char *names, u32 n, u64 *deps)
{
	u32 i;

	*deps = 0;
	for (i = 0; i < n; i++, names += DMP_MEMBER_NAME_MAX) {
		struct dmp_member *m;

		if (dmp_name_check(names, DMP_MEMBER_NAME_MAX, false))
			return -EINVAL;
		m = dmp_member_find(ring, names);
		if (!m)
			return -ENOENT;
		*deps |= BIT_ULL(m->index);
	}
	return 0;
}

static u32 count_observers(const struct dmp_ring *ring)
{
	u32 i, n = 0;

	for (i = 0; i < ring->members; i++)
		n += ring->member[i] && ring->member[i]->role == DMP_ROLE_OBSERVER;
	return n;
}

/*
 * Consumers from the bottom, for their index is their bit in the gate mask; the others from the top. Observers take at
 * most half of the slots, so that r alone keeps nobody out.
 */
static int find_slot(struct dmp_ring *ring, u32 role, u32 *index)
{
	u32 i;

	if (role == DMP_ROLE_OBSERVER && count_observers(ring) >= ring->members / 2)
		return -ENOSPC;
	for (i = 0; i < ring->members; i++) {
		*index = role == DMP_ROLE_CONSUMER ? i : ring->members - 1 - i;
		if (role == DMP_ROLE_CONSUMER && i >= DMP_MAX_GATES)
			break;
		if (!ring->member[*index])
			return 0;
	}
	return -ENOSPC;
}

/* Every rule of joining, before any effect. */
static int check_rules(struct dmp_member *m, const struct dmp_join *args, const char *deps)
{
	struct dmp_member *same = m->role == DMP_ROLE_CONSUMER ? dmp_member_find(m->ring, m->name) : NULL;
	struct dmp_ring *ring = m->ring;
	u64 position;
	int err;

	if (m->role == DMP_ROLE_PRODUCER && ring->producers && !dmp_is_multi(ring))
		return -EBUSY;
	if (!dmp_require_allows(m))
		return -EPERM;
	err = find_deps(ring, deps, args->ndeps, &m->deps);
	if (err)
		return err;
	if (same) {
		m->index = same->index;
		return dmp_place_check(same, m);
	}
	err = dmp_start(ring, args, m->deps, ring->meta->gates, &position);
	return err ? err : find_slot(ring, m->role, &m->index);
}

static void fill_entry(struct dmp_member *m, u64 start)
{
	struct dmp_entry *e = dmp_member_entry(m);

	e->role = m->role;
	e->policy = m->policy;
	e->deps = m->deps;
	e->start = start;
	e->gone = DMP_GONE_NOT;
	memcpy(e->name, m->name, sizeof(e->name));
	e->incarnation++;
	m->incarnation = e->incarnation;
	smp_store_release(&e->state, DMP_MEMBER_JOINED);
}

/*
 * From the mask on the consumer gates, at 0 until its start is known: that holds the producer up, and frees nothing. The
 * stamps of several producers are read without the lock: there may be many; ring->mutex keeps the membership.
 */
static int begin_consumer(struct dmp_member *m, const struct dmp_join *args, u64 *start)
{
	struct dmp_ring *ring = m->ring;
	u64 gates = ring->meta->gates;
	int err;

	WRITE_ONCE(ring->meta->gates, gates | BIT_ULL(m->index));
	dmp_member_raise(ring);
	spin_unlock(&ring->lock);
	dmp_published(ring);
	spin_lock(&ring->lock);
	err = dmp_start(ring, args, m->deps, gates, start);
	if (err) {
		/* The smallest gate has moved past the position since the check. */
		WRITE_ONCE(ring->meta->gates, gates);
		dmp_member_raise(ring);
		return err;
	}
	smp_store_release(&dmp_ring_own(ring, m->index)->cursor, *start); /* F in its stead, pairs with G */
	return 0;
}

static void begin_producer(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	ring->producers++;
	dmp_writers_add(m);
	WRITE_ONCE(ring->meta->producers, ring->producers);
	WRITE_ONCE(ring->meta->epoch, ring->meta->epoch + 1);
	WRITE_ONCE(ring->meta->ended, DMP_END_OPEN);
}

static int begin(struct dmp_member *m, const struct dmp_join *args, u64 *start)
{
	struct dmp_ring *ring = m->ring;
	int err = 0;

	spin_lock(&ring->lock);
	if (ring->member[m->index]) {
		*start = dmp_place_resume(m);
	} else if (m->role == DMP_ROLE_CONSUMER) {
		err = begin_consumer(m, args, start);
	} else {
		if (m->role == DMP_ROLE_PRODUCER)
			begin_producer(m);
		err = dmp_start(ring, args, 0, 0, start);
	}
	if (!err) {
		ring->member[m->index] = m;
		m->joined = true;
		fill_entry(m, *start);
		dmp_member_raise(ring); /* for who reads the table; the one before was for the gates */
		m->seen_generation = ring->meta->generation;
	}
	spin_unlock(&ring->lock);
	if (err && m->role == DMP_ROLE_CONSUMER)
		dmp_wake_dropped(ring, 1 + m->index); /* a producer may have armed on it meanwhile */
	return err;
}

/* Let a member in: its slot, its gate, its start. On success args say so. */
int dmp_member_admit(struct dmp_member *m, struct dmp_join *args, const char *deps)
{
	struct dmp_ring *ring = m->ring;
	u64 start;
	int err;

	if (mutex_lock_killable(&ring->mutex))
		return -EINTR;
	dmp_published(ring); /* starts go by it, and perhaps nobody has looked for laps */
	err = check_rules(m, args, deps);
	/* Its pages: nobody has them mapped for writing, for the slot's last member is released. */
	if (!err && !ring->member[m->index])
		memset((void *)dmp_ring_own(ring, m->index) - dmp_own_offset(m->index), 0,
		       DMP_MEMBER_PAGES * PAGE_SIZE);
	if (!err)
		err = begin(m, args, &start);
	if (!err) {
		WRITE_ONCE(ring->joined, ring->joined + 1);
		if (m->role == DMP_ROLE_CONSUMER)
			dmp_wake_changed(ring);
		dmp_member_tell_all(ring);
		args->position = start;
		args->index = m->index;
		args->meta_size = ring->meta_pages << PAGE_SHIFT;
		args->incarnation = dmp_member_entry(m)->incarnation;
	}
	mutex_unlock(&ring->mutex);
	if (!err)
		trace_dmp_join(m, start);
	return err;
}
