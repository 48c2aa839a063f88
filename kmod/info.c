// SPDX-License-Identifier: GPL-2.0
/* info.c: what a ring and its members are doing: INFO, LIST, MEMBERS, fdinfo */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "dmp.h"

static void fill_positions(struct dmp_ring *ring, struct dmp_info *info)
{
	const struct dmp_stats *st = &ring->stats;

	info->joined = READ_ONCE(ring->joined);
	info->cursor = dmp_published(ring);
	info->held = READ_ONCE(ring->held);
	spin_lock(&ring->lock);
	info->claimed = dmp_is_multi(ring) ? READ_ONCE(ring->cursor->claimed) : info->cursor;
	info->gate = dmp_ring_gate(ring, info->cursor);
	info->generation = ring->meta->generation;
	info->producers = ring->meta->producers;
	info->epoch = ring->meta->epoch;
	info->ended = ring->meta->ended;
	info->sleeps = st->sleeps;
	info->woken = st->woken;
	info->futile = st->futile;
	info->changed = st->changed;
	info->late = st->late;
	info->wakes = st->wakes;
	info->empty = st->empty;
	info->examined = st->examined;
	info->crossed = st->crossed;
	info->fences = st->fences;
	info->repaired = READ_ONCE(st->repaired);
	info->undecided = READ_ONCE(st->undecided);
	info->evicted = st->evicted;
	info->failed = st->failed;
	info->stalls = st->stalls;
	info->missing = ring->meta->missing;
	spin_unlock(&ring->lock);
}

/* positions: may the caller see how far the ring and its members are? info->size is kept. */
void dmp_info_fill(struct dmp_ring *ring, struct dmp_info *info, bool positions)
{
	memset_after(info, 0, size);
	info->flags = ring->flags;
	info->id = ring->id;
	memcpy(info->name, ring->name, sizeof(info->name));
	info->uid = from_kuid_munged(current_user_ns(), ring->uid);
	info->gid = from_kgid_munged(current_user_ns(), ring->gid);
	info->mode = ring->mode;
	info->slots = ring->slots;
	info->event_size = ring->event_size;
	info->stride = ring->stride;
	info->members = ring->members;
	info->bytes = ring->bytes;
	if (positions)
		fill_positions(ring, info);
}

static u64 position_of(const struct dmp_member *m)
{
	switch (m->role) {
	case DMP_ROLE_PRODUCER:
		return dmp_sequence_at(m->ring, 0);
	case DMP_ROLE_CONSUMER:
		return READ_ONCE(dmp_ring_own(m->ring, m->index)->cursor);
	default:
		return 0;
	}
}

static void fill_waiting(const struct dmp_member *m, struct dmp_member_info *info)
{
	const struct dmp_waiter *w = &m->waiter;
	u32 i;

	if (m->awaits_required)
		info->waiting = DMP_WAITING_ASLEEP | DMP_WAITING_MISSING;
	if (w->state != DMP_WAIT_ARMED)
		return;
	info->waiting |= w->asleep ? DMP_WAITING_ASLEEP : DMP_WAITING_ARMED;
	info->waits_target = w->target;
	for (i = 0; i < w->count; i++) {
		if (!w->links[i].queued)
			continue;
		if (w->links[i].seq)
			info->waits_on |= BIT_ULL(w->links[i].seq - 1);
		else
			info->waiting |= DMP_WAITING_CURSOR;
	}
}

/* The member's own words, for people: a record that is no range is an empty one. */
static void fill_own(const struct dmp_member *m, struct dmp_member_info *info)
{
	const struct dmp_own *own = dmp_ring_own(m->ring, m->index);

	if (m->role == DMP_ROLE_CONSUMER)
		info->aborted = READ_ONCE(own->aborted);
	if (m->role != DMP_ROLE_PRODUCER || !dmp_is_multi(m->ring))
		return;
	info->claim_lo = READ_ONCE(own->claim_lo);
	info->claim_hi = dmp_available(READ_ONCE(own->claim_hi), info->claim_lo, m->ring->slots);
}

static void fill_member(const struct dmp_member *m, struct dmp_member_info *info)
{
	memset(info, 0, sizeof(*info));
	info->index = m->index;
	info->role = m->role;
	info->state = m->held ? DMP_MEMBER_HELD : m->left ? DMP_MEMBER_LEFT : DMP_MEMBER_JOINED;
	info->policy = m->policy;
	dmp_member_who(m, &info->pid, &info->tid, &info->thread_state);
	info->uid = from_kuid_munged(current_user_ns(), m->uid);
	memcpy(info->name, m->name, sizeof(info->name));
	info->incarnation = m->ring->table[m->index].incarnation;
	info->cursor = position_of(m);
	info->deps = m->deps;
	info->finished = m->finished;
	fill_waiting(m, info);
	fill_own(m, info);
	info->sleeps = m->sleeps;
	info->woken = m->woken;
	info->futile = m->futile;
	info->changed = m->changed;
	info->late = m->late;
	info->wakes = m->wakes;
	info->empty = m->empty;
	info->arms = m->arms;
}

/* Up to count members into infos, each consistent in itself; returns how many there are. */
static u32 snapshot(struct dmp_ring *ring, struct dmp_member_info *infos, u32 count)
{
	u32 i, n = 0;

	for (i = 0; i < ring->members; i++) {
		const struct dmp_member *m;

		spin_lock(&ring->lock); /* keeps the member: dmp_member_free_slot() takes it */
		m = ring->member[i];
		if (m && n < count)
			fill_member(m, &infos[n]);
		n += !!m;
		spin_unlock(&ring->lock);
		cond_resched();
	}
	return n;
}

/* INFO, on either kind of file. */
int dmp_info_get(struct dmp_ring *ring, u32 rights, void __user *arg)
{
	struct dmp_info info;
	int err = dmp_args_get(&info, fences, arg);

	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	dmp_info_fill(ring, &info, true);
	info.rights = rights;
	return dmp_args_put(arg, &info);
}

int dmp_info_members(struct dmp_ring *ring, void __user *arg)
{
	struct dmp_member_info *infos = NULL;
	struct dmp_members args;
	u32 room, n;
	int err = dmp_args_get(&args, pad, arg);

	if (err)
		return err;
	if (args.pad || args.entry_size < offsetofend(struct dmp_member_info, claim_hi) || args.entry_size > PAGE_SIZE)
		return -EINVAL;
	room = min(args.count, ring->members);
	if (room) {
		infos = kvmalloc_array(room, sizeof(*infos), GFP_KERNEL_ACCOUNT);
		if (!infos)
			return -ENOMEM;
	}
	n = snapshot(ring, infos, room);
	err = dmp_args_put_array(args.entries, args.entry_size, infos, sizeof(*infos), min(n, room));
	kvfree(infos);
	args.count = n;
	return err ? err : dmp_args_put(arg, &args);
}

void dmp_info_ring_fdinfo(struct seq_file *s, struct dmp_ring *ring, u32 rights)
{
	struct dmp_info info = { .size = sizeof(info) };

	dmp_info_fill(ring, &info, true);
	seq_printf(s, "ring:\t%llu %s\n", info.id, info.name[0] ? info.name : "(anonymous)");
	seq_printf(s, "rights:\t%c%c%c\n", rights & DMP_RIGHT_R ? 'r' : '-', rights & DMP_RIGHT_W ? 'w' : '-',
		   rights & DMP_RIGHT_X ? 'x' : '-');
	seq_printf(s, "slots:\t%llu\nevent-size:\t%u\nstride:\t%u\nbytes:\t%llu\n", info.slots, info.event_size,
		   info.stride, info.bytes);
	seq_printf(s, "members:\t%u of %u\nheld:\t%u\nproducers:\t%u\nended:\t%u\n", info.joined, info.members,
		   info.held, info.producers, info.ended);
	seq_printf(s, "cursor:\t%llu\ngate:\t%llu\ngeneration:\t%llu\n", info.cursor, info.gate, info.generation);
	seq_printf(s, "missing:\t%u\nstalls:\t%llu\n", info.missing, info.stalls);
	seq_printf(s, "sleeps:\t%llu\nwoken:\t%llu\nfutile:\t%llu\nwakes:\t%llu\nempty:\t%llu\n", info.sleeps,
		   info.woken, info.futile, info.wakes, info.empty);
}

static const char *const role_names[] = {
	[DMP_ROLE_PRODUCER] = "producer",
	[DMP_ROLE_CONSUMER] = "consumer",
	[DMP_ROLE_OBSERVER] = "observer",
};

static const char *const state_names[] = {
	[DMP_MEMBER_JOINED] = "joined",
	[DMP_MEMBER_LEFT] = "left",
	[DMP_MEMBER_HELD] = "held",
};

void dmp_info_member_fdinfo(struct seq_file *s, struct dmp_member *m)
{
	struct dmp_member_info info;

	spin_lock(&m->ring->lock);
	fill_member(m, &info);
	spin_unlock(&m->ring->lock);
	seq_printf(s, "ring:\t%llu %s\n", m->ring->id, m->ring->name[0] ? m->ring->name : "(anonymous)");
	seq_printf(s, "member:\t%u %s\nrole:\t%s\nstate:\t%s\npid:\t%d\n", info.index, info.name, role_names[info.role],
		   state_names[info.state], info.pid);
	seq_printf(s, "cursor:\t%llu\ndeps:\t%llx\n", info.cursor, info.deps);
	seq_printf(s, "waiting:\t%x\nwaits-for:\t%llu\n", info.waiting, info.waits_target);
	seq_printf(s, "sleeps:\t%llu\nwoken:\t%llu\nfutile:\t%llu\nwakes:\t%llu\nempty:\t%llu\n", info.sleeps,
		   info.woken, info.futile, info.wakes, info.empty);
}
