// SPDX-License-Identifier: GPL-2.0
/* quota.c: how much a ring, and a user, may have. Memory is charged to the creator's cgroup by the allocations
 * themselves (map.c), here to RLIMIT_MEMLOCK of the creator's user and to the module's own limits. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include "dmp.h"

static unsigned long max_ring_bytes = 1UL << 30;
module_param(max_ring_bytes, ulong, 0644);
MODULE_PARM_DESC(max_ring_bytes, "bytes of one ring (1 GiB)");

static unsigned int max_members = 4096;
module_param(max_members, uint, 0644);
MODULE_PARM_DESC(max_members, "member slots of one ring (4096; at most 65536)");

#define MOST_MEMBERS 65536 /* the ABI's offsets in meta are 32 bits wide */

static unsigned int max_rings_per_uid = 256;
module_param(max_rings_per_uid, uint, 0644);
MODULE_PARM_DESC(max_rings_per_uid, "rings that one uid may have (256); CAP_SYS_RESOURCE is exempt");

static unsigned long max_bytes_per_uid = 4UL << 30;
module_param(max_bytes_per_uid, ulong, 0644);
MODULE_PARM_DESC(max_bytes_per_uid, "bytes that the rings of one uid may have (4 GiB); CAP_SYS_RESOURCE is exempt");

struct dmp_user {
	struct list_head link;
	kuid_t uid;
	u32 rings;
	u64 bytes;
};

static LIST_HEAD(users);
static DEFINE_MUTEX(users_lock);

/* Limits of one ring, before anything is allocated. */
int dmp_quota_check(const struct dmp_create *args, u64 bytes)
{
	return args->members > min_t(u32, READ_ONCE(max_members), MOST_MEMBERS) || bytes > READ_ONCE(max_ring_bytes)
		       ? -EFBIG
		       : 0;
}

static struct dmp_user *quota_of(kuid_t uid)
{
	struct dmp_user *u;

	lockdep_assert_held(&users_lock);
	list_for_each_entry(u, &users, link)
		if (uid_eq(u->uid, uid))
			return u;
	u = kzalloc(sizeof(*u), GFP_KERNEL_ACCOUNT);
	if (u) {
		u->uid = uid;
		list_add(&u->link, &users);
	}
	return u;
}

static void put_user_if_idle(struct dmp_user *u)
{
	lockdep_assert_held(&users_lock);
	if (u->rings)
		return;
	list_del(&u->link);
	kfree(u);
}

static bool over_quota(const struct dmp_user *u, u64 bytes)
{
	return u->rings >= READ_ONCE(max_rings_per_uid) || u->bytes + bytes > READ_ONCE(max_bytes_per_uid);
}

static int charge_user(struct dmp_ring *ring)
{
	struct dmp_user *u;
	int err = 0;

	mutex_lock(&users_lock);
	u = quota_of(ring->uid);
	if (!u) {
		err = -ENOMEM;
	} else if (over_quota(u, ring->bytes) && !capable(CAP_SYS_RESOURCE)) {
		err = -EDQUOT;
		put_user_if_idle(u);
	} else {
		u->rings++;
		u->bytes += ring->bytes;
		ring->user = u;
	}
	mutex_unlock(&users_lock);
	return err;
}

static void uncharge_user(struct dmp_ring *ring)
{
	mutex_lock(&users_lock);
	ring->user->rings--;
	ring->user->bytes -= ring->bytes;
	put_user_if_idle(ring->user);
	mutex_unlock(&users_lock);
	ring->user = NULL;
}

/* The user's locked_vm, as AF_XDP does; who is over the limit and has CAP_IPC_LOCK is not charged. */
static int charge_memlock(struct dmp_ring *ring)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT, pages = ring->bytes >> PAGE_SHIFT;
	struct user_struct *user;

	user = get_uid(current_user());
	if (atomic_long_add_return(pages, &user->locked_vm) <= limit) {
		ring->locked = user;
		return 0;
	}
	atomic_long_sub(pages, &user->locked_vm);
	free_uid(user);
	return capable(CAP_IPC_LOCK) ? 0 : -ENOBUFS;
}

int dmp_quota_charge(struct dmp_ring *ring)
{
	int err = charge_user(ring);

	if (err)
		return err;
	err = charge_memlock(ring);
	if (err)
		uncharge_user(ring);
	return err;
}

void dmp_quota_uncharge(struct dmp_ring *ring)
{
	if (ring->locked) {
		atomic_long_sub(ring->bytes >> PAGE_SHIFT, &ring->locked->locked_vm);
		free_uid(ring->locked);
	}
	if (ring->user)
		uncharge_user(ring);
}
