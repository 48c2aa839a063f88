// SPDX-License-Identifier: GPL-2.0
/*
 * identity.c: whose member it is
 *
 * A member belongs to the address space (mm) that joined, and ends with it: that is the one thing that kill -9, exec and
 * the exit of the last thread have in common, and that a forked child or a receiver of the file does not share. One
 * notifier per mm tells its members. The mm itself stays allocated as long as the notifier, so its address is no
 * one else's.
 *
 * Should something keep the mm alive (a child made by vfork, say), the close of the file by the dying or exec'ed process
 * says it: see dmp_member_is_closing().
 */
#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "dmp.h"

struct dmp_mm {
	struct mmu_notifier notifier;
	struct mutex lock;
	struct list_head members; /* that have not been freed */
};

static struct mmu_notifier *mm_alloc_notifier(struct mm_struct *mm)
{
	struct dmp_mm *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return ERR_PTR(-ENOMEM);
	mutex_init(&m->lock);
	INIT_LIST_HEAD(&m->members);
	return &m->notifier;
}

static void mm_free_notifier(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct dmp_mm, notifier));
}

/*
 * The address space ends: so do its members. Leaving takes locks and may repair a whole ring, and here every other mm that
 * exits with a notifier waits for us (one SRCU for all): so it is left to a work item. The close of the file by the dying
 * process, a moment from now, mostly comes first.
 */
static void mm_release(struct mmu_notifier *notifier, struct mm_struct *unused)
{
	struct dmp_mm *mm = container_of(notifier, struct dmp_mm, notifier);
	struct dmp_member *m;

	mutex_lock(&mm->lock);
	list_for_each_entry(m, &mm->members, mm_link)
		queue_work(system_unbound_wq, &m->die);
	mutex_unlock(&mm->lock);
}

static const struct mmu_notifier_ops mm_ops = {
	.alloc_notifier = mm_alloc_notifier,
	.free_notifier = mm_free_notifier,
	.release = mm_release,
};

/*
 * The caller's, with a reference. The first one of an mm takes all its locks (mm_take_all_locks): a cost of joining that
 * grows with the number of mappings, and the reason why a process that joins often should stay a member of something.
 */
struct dmp_mm *dmp_mm_get(void)
{
	struct mmu_notifier *notifier = mmu_notifier_get(&mm_ops, current->mm);

	return IS_ERR(notifier) ? ERR_CAST(notifier) : container_of(notifier, struct dmp_mm, notifier);
}

void dmp_mm_put(struct dmp_mm *mm)
{
	mmu_notifier_put(&mm->notifier);
}

void dmp_mm_add(struct dmp_member *m)
{
	mutex_lock(&m->mm->lock);
	list_add(&m->mm_link, &m->mm->members);
	mutex_unlock(&m->mm->lock);
}

void dmp_mm_remove(struct dmp_member *m)
{
	mutex_lock(&m->mm->lock);
	list_del_init(&m->mm_link);
	mutex_unlock(&m->mm->lock);
}

bool dmp_mm_is_current(const struct dmp_mm *mm)
{
	return current->mm == mm->notifier.mm;
}

/*
 * Whether this close of a member's file is its process going away: one of its thread group, which has no live thread any
 * more, or runs in another address space by now (exec). An ordinary close by a living process is not: mappings may
 * still use the file.
 */
bool dmp_member_is_closing(const struct dmp_member *m)
{
	if (task_tgid(current) != m->tgid)
		return false;
	return atomic_read(&current->signal->live) == 0 || (current->mm && !dmp_mm_is_current(m->mm));
}

/*
 * Who it is, in the eyes of the caller: numbers of the caller's pid namespace, and the state of the thread that joined.
 * What cannot be seen from there, or is gone, is 0: its number may be another's by now.
 */
void dmp_member_who(const struct dmp_member *m, s32 *pid, s32 *tid, u32 *thread_state)
{
	struct task_struct *task;

	*pid = *tid = *thread_state = 0;
	if (m->left)
		return;
	*pid = pid_vnr(m->tgid);
	rcu_read_lock();
	task = pid_task(m->tid, PIDTYPE_PID);
	if (task)
		*tid = pid_vnr(m->tid);
	if (*tid)
		*thread_state = task_state_to_char(task);
	rcu_read_unlock();
}
