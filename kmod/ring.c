// SPDX-License-Identifier: GPL-2.0
/* ring.c: the ring object: created whole, freed with its last reference */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "dmp.h"
#include "trace.h"

/*
 * Every ring, in the order of their ids. The sampler walks it, and eBPF programs do (bpf/walk.h), under RCU. They
 * find it by a variable for each CPU, because only those are in the module's BTF; a program that names it holds the module.
 */
static LIST_HEAD(dmp_rings);
static DEFINE_SPINLOCK(dmp_rings_lock);
static u64 dmp_ring_ids; /* dmp_rings_lock */
DEFINE_PER_CPU(struct list_head *, dmp_rings_head);

/* A module's variables for each CPU can only be initialised with numbers. */
void __init dmp_rings_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(dmp_rings_head, cpu) = &dmp_rings;
}

static void list_ring(struct dmp_ring *ring)
{
	spin_lock(&dmp_rings_lock);
	ring->id = ++dmp_ring_ids;
	list_add_tail_rcu(&ring->all, &dmp_rings);
	spin_unlock(&dmp_rings_lock);
}

/*
 * Whose turn it is with the sampler, which is one. It takes no reference: then a ring's last file would not be its last
 * reference, and its name be taken a moment longer. Who frees the ring waits for the end of the turn instead.
 */
static struct dmp_ring *sampled; /* dmp_rings_lock */
static DECLARE_WAIT_QUEUE_HEAD(turn_ended);

static void unlist_ring(struct dmp_ring *ring)
{
	spin_lock(&dmp_rings_lock);
	while (sampled == ring) {
		spin_unlock(&dmp_rings_lock);
		wait_event(turn_ended, READ_ONCE(sampled) != ring);
		spin_lock(&dmp_rings_lock);
	}
	list_del_rcu(&ring->all);
	spin_unlock(&dmp_rings_lock);
}

/* The next ring, of all there are; NULL: the first, or no more. Its pages and members stay until the next call. */
struct dmp_ring *dmp_ring_after(struct dmp_ring *ring)
{
	struct list_head *next;

	spin_lock(&dmp_rings_lock);
	next = ring ? ring->all.next : dmp_rings.next;
	WRITE_ONCE(sampled, next == &dmp_rings ? NULL : list_entry(next, struct dmp_ring, all));
	ring = sampled;
	spin_unlock(&dmp_rings_lock);
	wake_up_all(&turn_ended);
	return ring;
}

static void describe(struct dmp_ring *ring)
{
	struct dmp_meta *meta = ring->meta;

	meta->abi = DMP_ABI_VERSION;
	meta->flags = ring->flags;
	meta->slots = ring->slots;
	meta->event_size = ring->event_size;
	meta->stride = ring->stride;
	meta->payload_off = ring->flags & DMP_RING_STAMPED ? sizeof(u64) : 0;
	meta->members = ring->members;
	meta->member_size = DMP_MEMBER_PAGES * PAGE_SIZE;
	meta->notify_off = DMP_NOTIFY_OFF;
	meta->table_off = DMP_TABLE_OFF;
	meta->meta_size = ring->meta_pages << PAGE_SHIFT;
	meta->data_size = ring->data_pages << PAGE_SHIFT;
	/* Whoever sees the magic sees all that it stands for. */
	smp_store_release(&meta->magic, DMP_MAGIC);
}

static void init_sequences(struct dmp_ring *ring)
{
	struct dmp_notify *lines = (void *)ring->meta + DMP_NOTIFY_OFF;
	u32 i;

	for (i = 0; i < DMP_SEQUENCES; i++) {
		struct dmp_sequence *s = &ring->seq[i];

		s->waiters = RB_ROOT_CACHED;
		s->line = &lines[i];
		s->line->notify = DMP_NOBODY;
		if (i == 0)
			s->cursor = &ring->cursor->cursor;
		else if (i - 1 < ring->members)
			s->cursor = &dmp_ring_own(ring, i - 1)->cursor;
	}
	dmp_mode_init(ring);
}

/* Who walks dmp_rings may still look at the ring, and finds that its last reference has gone; the pages go at once. */
static void ring_free(struct dmp_ring *ring)
{
	dmp_map_free(ring);
	kvfree(ring->records);
	kvfree(ring->member);
	kfree(ring->required);
	dmp_quota_uncharge(ring);
	kfree_rcu(ring, rcu);
}

/* The memory: charged before it is taken, so that the limits hold against a crowd, too. */
static int ring_alloc(struct dmp_ring *ring, const struct dmp_create *args)
{
	int err;

	ring->bytes = dmp_map_bytes(args);
	err = dmp_quota_charge(ring);
	if (err)
		return err;
	ring->member =
		kvcalloc(ring->members, sizeof(*ring->member), GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!ring->member)
		return -ENOMEM;
	if (dmp_is_multi(ring))
		ring->records = kvcalloc(ring->members, sizeof(*ring->records),
					 GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (dmp_is_multi(ring) && !ring->records)
		return -ENOMEM;
	return dmp_map_alloc(ring);
}

/* args are checked already (device.c). The ring comes with one reference. */
struct dmp_ring *dmp_ring_create(const struct dmp_create *args)
{
	struct dmp_ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	int err;

	if (!ring)
		return ERR_PTR(-ENOMEM);
	refcount_set(&ring->refs, 1);
	INIT_LIST_HEAD(&ring->name_link);
	mutex_init(&ring->mutex);
	spin_lock_init(&ring->lock);
	dmp_repair_init(ring);
	dmp_place_init(ring);
	init_waitqueue_head(&ring->all_there);
	ring->flags = args->flags;
	ring->slots = args->slots;
	ring->event_size = args->event_size;
	ring->stride = dmp_stride(args->event_size, args->flags & DMP_RING_STAMPED);
	ring->members = args->members;
	ring->uid = current_euid();
	ring->gid = current_egid();
	ring->mode = args->mode;
	memcpy(ring->name, args->name, sizeof(ring->name));

	err = ring_alloc(ring, args);
	if (err) {
		ring_free(ring);
		return ERR_PTR(err);
	}
	init_sequences(ring);
	describe(ring);
	list_ring(ring);
	trace_dmp_create(ring);
	return ring;
}

void dmp_ring_put(struct dmp_ring *ring)
{
	if (!dmp_names_put(ring))
		return;
	unlist_ring(ring);
	trace_dmp_destroy(ring);
	dmp_repair_exit(ring);
	dmp_mode_exit(ring);
	dmp_place_exit(ring);
	ring_free(ring);
}

/* What the mode grants the caller: like a file's, the first class that fits decides. */
u32 dmp_ring_rights(const struct dmp_ring *ring)
{
	if (uid_eq(current_euid(), ring->uid))
		return (ring->mode >> 6) & DMP_RIGHTS_ALL;
	if (in_egroup_p(ring->gid))
		return (ring->mode >> 3) & DMP_RIGHTS_ALL;
	return ring->mode & DMP_RIGHTS_ALL;
}

struct dmp_own *dmp_ring_own(const struct dmp_ring *ring, u32 index)
{
	return (void *)ring->cursor + PAGE_SIZE + (size_t)index * DMP_MEMBER_PAGES * PAGE_SIZE + dmp_own_offset(index);
}

/* A producer has been there, and all have left. */
bool dmp_ring_ended(const struct dmp_ring *ring)
{
	return READ_ONCE(ring->meta->ended) >= DMP_END_CLEAN;
}

/* Who gates. Not who is being let in: that one's 0, which frees nothing meanwhile, is no position yet. */
u64 dmp_ring_gates(const struct dmp_ring *ring)
{
	u64 gates = ring->meta->gates, bits;

	for (bits = gates; bits; bits &= bits - 1)
		if (!ring->member[__ffs64(bits)])
			gates &= ~(bits & -bits);
	return gates;
}

/* The smallest cursor of those who gate, never above the ring's. */
u64 dmp_ring_gate(const struct dmp_ring *ring, u64 cursor)
{
	u64 gates = dmp_ring_gates(ring), gate = cursor;

	for (; gates; gates &= gates - 1)
		gate = min(gate, READ_ONCE(dmp_ring_own(ring, __ffs64(gates))->cursor));
	return gate;
}
