// SPDX-License-Identifier: GPL-2.0
/*
 * require.c: consumers that must be there before anybody produces, and that must get on
 *
 * What is required is a list of names that belong to a uid, replaced as a whole. Who of them is there is looked up in the
 * member table at each change of membership, before its generation is raised: so whoever sees the generation sees
 * meta->missing as well. A producer sleeps until it is 0.
 *
 * Whether a consumer stalls is for those to say who wait for it; here it is checked, told of once, and counted.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "dmp.h"
#include "trace.h"

struct dmp_requirement {
	kuid_t uid;
	u32 count;
	char names[][DMP_MEMBER_NAME_MAX];
};

/* ---- who is there ---- */

static bool is_there(const struct dmp_ring *ring, u32 i, const struct dmp_requirement *r, const char *name)
{
	const struct dmp_entry *e = &ring->table[i];

	if (e->role != DMP_ROLE_CONSUMER || (e->state != DMP_MEMBER_JOINED && e->state != DMP_MEMBER_HELD))
		return false;
	if (ring->member[i] && !uid_eq(ring->member[i]->uid, r->uid))
		return false;
	return !strncmp(e->name, name, DMP_MEMBER_NAME_MAX);
}

/* The member index of who is there by that name; -1: nobody. */
static int find_there(const struct dmp_ring *ring, const struct dmp_requirement *r, const char *name)
{
	u32 i;

	lockdep_assert_held(&ring->lock);
	for (i = 0; i < ring->members && i < DMP_MAX_GATES; i++)
		if (is_there(ring, i, r, name))
			return i;
	return -1;
}

/* Who takes part has changed, or what is required. */
void dmp_require_update(struct dmp_ring *ring)
{
	const struct dmp_requirement *r = ring->required;
	u32 i, missing = 0;

	lockdep_assert_held(&ring->lock);
	for (i = 0; r && i < r->count; i++)
		missing += find_there(ring, r, r->names[i]) < 0;
	WRITE_ONCE(ring->meta->required, r ? r->count : 0);
	WRITE_ONCE(ring->meta->missing, missing);
	if (!missing)
		wake_up_interruptible_all(&ring->all_there);
}

/* May m join as what it wants to be? The names of others are not to be had. */
bool dmp_require_allows(const struct dmp_member *m)
{
	const struct dmp_requirement *r = m->ring->required;
	u32 i;

	lockdep_assert_held(&m->ring->mutex); /* dmp_require() changes it */
	if (m->role != DMP_ROLE_CONSUMER || !r || uid_eq(m->uid, r->uid))
		return true;
	for (i = 0; i < r->count; i++)
		if (!strncmp(r->names[i], m->name, DMP_MEMBER_NAME_MAX))
			return false;
	return true;
}

/* ---- REQUIRE ---- */

static int check_names(const struct dmp_requirement *r)
{
	u32 i, j;

	for (i = 0; i < r->count; i++) {
		if (dmp_name_check(r->names[i], DMP_MEMBER_NAME_MAX, false))
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (!strcmp(r->names[i], r->names[j]))
				return -EINVAL;
	}
	return 0;
}

/* NULL: none is required. */
static struct dmp_requirement *get_requirement(const struct dmp_require *args, kuid_t uid)
{
	size_t size = (size_t)args->count * DMP_MEMBER_NAME_MAX;
	struct dmp_requirement *r;
	int err;

	if (!args->count)
		return NULL;
	r = kmalloc(sizeof(*r) + size, GFP_KERNEL_ACCOUNT);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->uid = uid;
	r->count = args->count;
	err = copy_from_user(r->names, u64_to_user_ptr(args->names), size) ? -EFAULT : check_names(r);
	if (!err)
		return r;
	kfree(r);
	return ERR_PTR(err);
}

static int replace(struct dmp_ring *ring, struct dmp_requirement *new)
{
	struct dmp_requirement *old;

	if (mutex_lock_killable(&ring->mutex)) {
		kfree(new);
		return -EINTR;
	}
	spin_lock(&ring->lock);
	old = ring->required;
	ring->required = new;
	spin_unlock(&ring->lock);
	dmp_member_changed(ring);
	mutex_unlock(&ring->mutex);
	kfree(old);
	return 0;
}

int dmp_require(struct dmp_ring *ring, u32 rights, void __user *arg)
{
	struct dmp_requirement *new;
	struct dmp_require args;
	kuid_t uid;
	int err = dmp_args_get(&args, pad, arg);

	if (err)
		return err;
	uid = make_kuid(current_user_ns(), args.uid);
	if (args.pad || args.count > DMP_MAX_GATES || !args.count != !args.names || !uid_valid(uid))
		return -EINVAL;
	if (!(rights & DMP_RIGHT_W))
		return -EACCES;
	if (!uid_eq(current_euid(), ring->uid))
		return -EPERM;
	new = get_requirement(&args, uid);
	return IS_ERR(new) ? PTR_ERR(new) : replace(ring, new);
}

/* ---- REQUIRED ---- */

static void fill(const struct dmp_ring *ring, const char *name, struct dmp_required_info *info)
{
	int i = find_there(ring, ring->required, name);

	memcpy(info->name, name, sizeof(info->name));
	info->uid = from_kuid_munged(current_user_ns(), ring->required->uid);
	if (i < 0)
		return;
	info->there = 1;
	info->index = i;
	info->state = ring->table[i].state;
	info->incarnation = ring->table[i].incarnation;
	info->cursor = READ_ONCE(dmp_ring_own(ring, i)->cursor);
}

/* All of one moment. Returns how many there are; infos are zero, and of room. */
static u32 snapshot(struct dmp_ring *ring, struct dmp_required_info *infos, u32 room, u32 *missing)
{
	u32 i, count;

	spin_lock(&ring->lock);
	count = ring->required ? ring->required->count : 0;
	for (i = 0; i < count && i < room; i++)
		fill(ring, ring->required->names[i], &infos[i]);
	*missing = ring->meta->missing;
	spin_unlock(&ring->lock);
	return count;
}

int dmp_required(struct dmp_ring *ring, void __user *arg)
{
	struct dmp_required_info *infos = NULL;
	struct dmp_required args;
	u32 room;
	int err = dmp_args_get(&args, missing, arg);

	if (err)
		return err;
	if (args.missing || args.entry_size < offsetofend(struct dmp_required_info, cursor) ||
	    args.entry_size > PAGE_SIZE)
		return -EINVAL;
	room = min_t(u32, args.count, DMP_MAX_GATES);
	if (room) {
		infos = kcalloc(room, sizeof(*infos), GFP_KERNEL_ACCOUNT);
		if (!infos)
			return -ENOMEM;
	}
	args.count = snapshot(ring, infos, room, &args.missing);
	err = dmp_args_put_array(args.entries, args.entry_size, infos, sizeof(*infos), min(args.count, room));
	kfree(infos);
	return err ? err : dmp_args_put(arg, &args);
}

/* ---- WAIT for who is missing ---- */

/* One thread at a time, as for what else there is to wait for. */
static int begin_wait(struct dmp_member *m)
{
	int err = 0;

	spin_lock(&m->ring->lock);
	if (m->left)
		err = -ESTALE;
	else if (m->waiter.task)
		err = -EBUSY;
	else
		m->waiter.task = current; /* who leaves wakes it */
	if (!err && m->ring->meta->missing) {
		m->awaits_required = true;
		m->sleeps++;
		m->ring->stats.sleeps++;
	}
	spin_unlock(&m->ring->lock);
	return err;
}

static void end_wait(struct dmp_member *m, bool slept, bool late)
{
	spin_lock(&m->ring->lock);
	m->late += late;
	m->ring->stats.late += late;
	m->woken += slept && !late;
	m->ring->stats.woken += slept && !late;
	m->waiter.task = NULL;
	m->awaits_required = false;
	spin_unlock(&m->ring->lock);
}

/* *expired: the time was up, whatever else. */
static int sleep(struct dmp_member *m, ktime_t *expires, bool *expired)
{
	struct dmp_ring *ring = m->ring;
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait(&ring->all_there, &wait, TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(m->left))
			err = -ESTALE;
		else if (!READ_ONCE(ring->meta->missing))
			break;
		else if (*expired)
			err = -ETIMEDOUT;
		else if (signal_pending(current))
			err = -ERESTARTSYS;
		if (err)
			break;
		*expired = !schedule_hrtimeout_range(expires, current->timer_slack_ns, HRTIMER_MODE_ABS);
	}
	finish_wait(&ring->all_there, &wait);
	return err;
}

int dmp_require_wait(struct dmp_member *m, const struct dmp_wait *args)
{
	ktime_t expires = dmp_wait_expires(args->deadline);
	bool slept, expired = false;
	int err;

	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (args->target)
		return -EINVAL;
	err = begin_wait(m);
	if (err)
		return err;
	slept = m->awaits_required;
	err = sleep(m, args->deadline == U64_MAX ? NULL : &expires, &expired);
	end_wait(m, slept && !err, expired && !err);
	return err;
}

/* ---- STALLED ---- */

static bool stands_there(const struct dmp_ring *ring, const struct dmp_stalled *args)
{
	const struct dmp_entry *e = &ring->table[args->index];

	lockdep_assert_held(&ring->lock);
	if (!(dmp_ring_gates(ring) & BIT_ULL(args->index)) || e->incarnation != args->incarnation)
		return false;
	return READ_ONCE(dmp_ring_own(ring, args->index)->cursor) <= args->position &&
	       args->position < dmp_produced(ring);
}

/* 1: this is news, 0: it is not, -ENOENT: it is not so. */
static int note(struct dmp_ring *ring, const struct dmp_stalled *args)
{
	struct dmp_told *told = &ring->told[args->index];
	int err = -ENOENT;

	spin_lock(&ring->lock);
	if (stands_there(ring, args))
		err = told->incarnation != args->incarnation || told->position != args->position;
	if (err == 1) {
		told->incarnation = args->incarnation;
		told->position = args->position;
		ring->stats.stalls++;
		trace_dmp_stall(ring, args); /* here, where the name is still its own */
	}
	spin_unlock(&ring->lock);
	return err;
}

/* The same, and what is so stays so until it is evicted: only its own doing could change that, and too late. */
static int note_and_evict(struct dmp_ring *ring, const struct dmp_stalled *args)
{
	int err;

	if (mutex_lock_killable(&ring->mutex))
		return -EINTR;
	err = note(ring, args);
	if (err >= 0)
		dmp_place_remove(ring->member[args->index]);
	mutex_unlock(&ring->mutex);
	return err;
}

int dmp_stalled(struct dmp_member *m, void __user *arg)
{
	struct dmp_stalled args;
	int err = dmp_args_get(&args, pad, arg);

	if (err)
		return err;
	if (args.pad || (args.flags & ~DMP_STALLED_EVICT))
		return -EINVAL;
	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (READ_ONCE(m->left))
		return -ESTALE;
	if (args.index >= min_t(u32, m->ring->members, DMP_MAX_GATES))
		return -ENOENT;
	return args.flags & DMP_STALLED_EVICT ? note_and_evict(m->ring, &args) : note(m->ring, &args);
}
