// SPDX-License-Identifier: GPL-2.0
/*
 * member.c: who takes part: slots, gates, and leaving
 *
 * A change of membership is: the gate mask in one store, then the generation, then a full barrier, and only then is a
 * start computed. A producer that reads its gates reads the generation before and after, and starts over if it moved; so
 * either it sees the new gate, or the barrier makes the kernel see what it has published (and may overwrite) already.
 * tests and the model "join" hold every other order to lose an unread slot.
 */
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "dmp.h"
#include "trace.h"

static struct dmp_entry *entry_of(const struct dmp_member *m)
{
	return &m->ring->table[m->index];
}

/* What it announces is stored before it. */
static void raise_generation(struct dmp_ring *ring)
{
	struct dmp_meta *meta = ring->meta;

	lockdep_assert_held(&ring->lock);
	smp_store_release(&meta->generation, meta->generation + 1); /* M, pairs with L and with who watches it */
	smp_mb(); /* M, pairs with L: a start is computed only after this */
}

/* Everybody may want to read the table again. */
static void tell_all(struct dmp_ring *ring)
{
	u32 i;

	lockdep_assert_held(&ring->mutex); /* keeps who is in ring->member */
	for (i = 0; i < ring->members; i++) {
		if (ring->member[i])
			wake_up_interruptible_poll(&ring->member[i]->poll, EPOLLPRI | EPOLLHUP | EPOLLERR);
		cond_resched();
	}
}

/* ---- join ---- */

static struct dmp_member *find_consumer(struct dmp_ring *ring, const char *name)
{
	u32 i;

	for (i = 0; i < ring->members && i < DMP_MAX_GATES; i++) {
		struct dmp_member *m = ring->member[i];

		if (m && m->role == DMP_ROLE_CONSUMER && !m->left && !strncmp(m->name, name, DMP_MEMBER_NAME_MAX))
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
		m = find_consumer(ring, names);
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
	struct dmp_ring *ring = m->ring;
	u64 position;
	int err;

	if (m->role == DMP_ROLE_PRODUCER && ring->producers && !dmp_is_multi(ring))
		return -EBUSY;
	err = find_deps(ring, deps, args->ndeps, &m->deps);
	if (err)
		return err;
	if (m->role == DMP_ROLE_CONSUMER && find_consumer(ring, m->name))
		return -EEXIST;
	err = dmp_start(ring, args, m->deps, ring->meta->gates, &position);
	return err ? err : find_slot(ring, m->role, &m->index);
}

static void fill_entry(struct dmp_member *m, u64 start)
{
	struct dmp_entry *e = entry_of(m);

	e->role = m->role;
	e->policy = m->policy;
	e->deps = m->deps;
	e->start = start;
	memcpy(e->name, m->name, sizeof(e->name));
	e->incarnation++;
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
	raise_generation(ring);
	spin_unlock(&ring->lock);
	dmp_published(ring);
	spin_lock(&ring->lock);
	err = dmp_start(ring, args, m->deps, gates, start);
	if (err) {
		/* The smallest gate has moved past the position since the check. */
		WRITE_ONCE(ring->meta->gates, gates);
		raise_generation(ring);
		return err;
	}
	smp_store_release(&dmp_ring_own(ring, m->index)->cursor, *start); /* F in its stead, pairs with G */
	return 0;
}

static void begin_producer(struct dmp_ring *ring)
{
	ring->producers++;
	WRITE_ONCE(ring->meta->producers, ring->producers);
	WRITE_ONCE(ring->meta->epoch, ring->meta->epoch + 1);
	WRITE_ONCE(ring->meta->ended, DMP_END_OPEN);
}

static int begin(struct dmp_member *m, const struct dmp_join *args, u64 *start)
{
	struct dmp_ring *ring = m->ring;
	int err = 0;

	spin_lock(&ring->lock);
	if (m->role == DMP_ROLE_CONSUMER) {
		err = begin_consumer(m, args, start);
	} else {
		if (m->role == DMP_ROLE_PRODUCER)
			begin_producer(ring);
		err = dmp_start(ring, args, 0, 0, start);
	}
	if (!err) {
		ring->member[m->index] = m;
		m->joined = true;
		fill_entry(m, *start);
		raise_generation(ring); /* for who reads the table; the one before was for the gates */
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
	err = check_rules(m, args, deps);
	if (!err) {
		/* Its pages: nobody has them mapped for writing, for the slot's last member is released. */
		memset((void *)dmp_ring_own(ring, m->index) - dmp_own_offset(m->index), 0,
		       DMP_MEMBER_PAGES * PAGE_SIZE);
		err = begin(m, args, &start);
	}
	if (!err) {
		WRITE_ONCE(ring->joined, ring->joined + 1);
		if (m->role == DMP_ROLE_CONSUMER)
			dmp_wake_changed(ring);
		tell_all(ring);
		args->position = start;
		args->index = m->index;
		args->meta_size = ring->meta_pages << PAGE_SHIFT;
		args->incarnation = entry_of(m)->incarnation;
	}
	mutex_unlock(&ring->mutex);
	if (!err)
		trace_dmp_join(m, start);
	return err;
}

/* ---- leave ---- */

/* The first thing of a leave that anybody sees; raise_generation() announces it. */
static void retire(struct dmp_member *m)
{
	lockdep_assert_held(&m->ring->lock);
	WRITE_ONCE(m->left, true);
	WRITE_ONCE(entry_of(m)->incarnation, entry_of(m)->incarnation + 1);
	WRITE_ONCE(entry_of(m)->state, DMP_MEMBER_LEFT);
	smp_wmb(); /* M, pairs with F's load fence: the incarnation before the gate goes */
}

/* No gate, no edges: incarnation first, then the mask, then the generation. */
static void leave_consumer(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;
	u64 bit = BIT_ULL(m->index);
	u32 i;

	spin_lock(&ring->lock);
	retire(m);
	WRITE_ONCE(ring->meta->gates, ring->meta->gates & ~bit);
	for (i = 0; i < ring->members && i < DMP_MAX_GATES; i++) {
		struct dmp_member *other = ring->member[i];

		if (other && (other->deps & bit)) {
			other->deps &= ~bit;
			WRITE_ONCE(ring->table[i].deps, other->deps);
		}
	}
	raise_generation(ring);
	spin_unlock(&ring->lock);
	dmp_wake_dropped(ring, 1 + m->index);
}

/* It may have left between A and B, or with half a batch stamped: repair, look as WAKE does, and end the stream. */
static void leave_producer(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	spin_lock(&ring->lock);
	retire(m);
	ring->producers--;
	WRITE_ONCE(ring->meta->producers, ring->producers);
	spin_unlock(&ring->lock);
	dmp_repair(m);
	dmp_wake(ring, 0, NULL);
	spin_lock(&ring->lock);
	if (!ring->producers)
		/* After the cursor: who reads "ended" reads the last of it. */
		smp_store_release(&ring->meta->ended, m->finished ? DMP_END_CLEAN : DMP_END_CRASHED);
	raise_generation(ring);
	spin_unlock(&ring->lock);
	if (!ring->producers)
		dmp_wake_ended(ring);
}

static void leave_observer(struct dmp_member *m)
{
	spin_lock(&m->ring->lock);
	retire(m);
	raise_generation(m->ring);
	spin_unlock(&m->ring->lock);
}

/* Once, by whichever way comes first. */
void dmp_member_leave(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	mutex_lock(&ring->mutex);
	if (!m->joined || m->left) {
		mutex_unlock(&ring->mutex);
		return;
	}
	if (m->role == DMP_ROLE_CONSUMER)
		leave_consumer(m);
	else if (m->role == DMP_ROLE_PRODUCER)
		leave_producer(m);
	else
		leave_observer(m);
	dmp_wait_withdraw(m);
	WRITE_ONCE(ring->joined, ring->joined - 1);
	tell_all(ring);
	mutex_unlock(&ring->mutex);
	trace_dmp_leave(m);
}

void dmp_member_leave_work(struct work_struct *work)
{
	dmp_member_leave(container_of(work, struct dmp_member, leave));
}

int dmp_member_finish(struct dmp_member *m)
{
	int err = 0;

	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	mutex_lock(&m->ring->mutex);
	if (m->left)
		err = -ESTALE;
	else
		m->finished = true;
	mutex_unlock(&m->ring->mutex);
	return err;
}

static void free_slot(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	mutex_lock(&ring->mutex);
	spin_lock(&ring->lock);
	ring->member[m->index] = NULL;
	WRITE_ONCE(entry_of(m)->state, DMP_MEMBER_FREE);
	spin_unlock(&ring->lock);
	mutex_unlock(&ring->mutex);
}

/*
 * The file is released. Who may still hold m? Not the file: this is its end. Not a mapping: it holds the file. Not the
 * notifier: m is removed from its list here, under its lock, and the work it queued is waited for. Not a waker: its links
 * are gone since it left, and ring->member no longer has it after free_slot().
 */
void dmp_member_free(struct dmp_member *m)
{
	dmp_mm_remove(m);
	cancel_work_sync(&m->leave);
	dmp_member_leave(m);
	if (m->joined)
		free_slot(m);
	dmp_mm_put(m->mm);
	put_pid(m->tgid);
	dmp_ring_put(m->ring);
	put_net(m->net);
	kfree(m->waiter.links);
	kfree(m);
}
