// SPDX-License-Identifier: GPL-2.0
/*
 * join.c: a new member: arguments, file, and where it starts
 *
 * All that may fail for want of memory or descriptors is done first; then the member is admitted under ring->mutex
 * (member.c), which fails only by a rule.
 */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "dmp.h"

static int check_consumer(const struct dmp_join *args)
{
	if (args->policy > DMP_POLICY_FAIL || args->ndeps >= DMP_MAX_GATES || !args->ndeps != !args->deps)
		return -EINVAL;
	return args->hold && args->policy != DMP_POLICY_HOLD ? -EINVAL : 0;
}

/* What can be said about the arguments alone. */
int dmp_join_check(const struct dmp_join *args)
{
	bool consumer = args->role == DMP_ROLE_CONSUMER;

	if (args->role < DMP_ROLE_PRODUCER || args->role > DMP_ROLE_OBSERVER || args->flags)
		return -EINVAL;
	if (args->incarnation || args->index || args->meta_size)
		return -EINVAL;
	if (dmp_name_check(args->name, sizeof(args->name), !consumer))
		return -EINVAL;
	if (args->from > DMP_FROM_POSITION || (args->position && args->from != DMP_FROM_POSITION))
		return -EINVAL;
	if (args->role == DMP_ROLE_PRODUCER && args->from)
		return -EINVAL;
	if (consumer)
		return check_consumer(args);
	return args->policy || args->ndeps || args->deps || args->hold ? -EINVAL : 0;
}

static u32 right_of(u32 role)
{
	return role == DMP_ROLE_PRODUCER ? DMP_RIGHT_W : role == DMP_ROLE_CONSUMER ? DMP_RIGHT_X : DMP_RIGHT_R;
}

/* The most sequences that a member can wait on. */
static u32 links_of(const struct dmp_ring *ring, const struct dmp_join *args)
{
	if (args->role == DMP_ROLE_PRODUCER)
		return min_t(u32, ring->members, DMP_MAX_GATES) + 1;
	return 1 + args->ndeps;
}

/* The least and the most advanced position at which a consumer can start; gates: who holds the producer up now. */
static void start_range(struct dmp_ring *ring, u64 deps, u64 gates, u64 *oldest, u64 *latest)
{
	u64 cursor = dmp_sequence_at(ring, 0), floor = cursor > ring->slots ? cursor - ring->slots : 0;
	u64 bits, at;

	*oldest = *latest = cursor;
	for (bits = gates; bits; bits &= bits - 1) {
		at = READ_ONCE(dmp_ring_own(ring, __ffs64(bits))->cursor);
		*oldest = min(*oldest, at);
		if (deps & bits & -bits)
			*latest = min(*latest, at);
	}
	/* Nobody honest gates below that: the producer has overwritten it. */
	*oldest = max(*oldest, floor);
	*latest = max(*latest, floor);
}

/*
 * Where a consumer starts. Without gates nothing but the ring's cursor is safe: a producer's cached limit is not
 * visible from here, so cursor - slots may be overwritten already.
 */
static int start_consumer(struct dmp_ring *ring, const struct dmp_join *args, u64 deps, u64 gates, u64 *position)
{
	u64 oldest, latest;

	start_range(ring, deps, gates, &oldest, &latest);
	if (args->from == DMP_FROM_POSITION && (args->position < oldest || args->position > latest))
		return -ERANGE;
	*position = args->from == DMP_FROM_POSITION ? args->position : args->from == DMP_FROM_OLDEST ? oldest : latest;
	return 0;
}

/* Observers gate nobody, so nothing is safe for them: they are told what they have lost. */
static int start_observer(struct dmp_ring *ring, const struct dmp_join *args, u64 *position)
{
	u64 cursor = dmp_sequence_at(ring, 0);

	if (args->from == DMP_FROM_POSITION && args->position > cursor)
		return -ERANGE;
	if (args->from == DMP_FROM_POSITION)
		*position = args->position;
	else if (args->from == DMP_FROM_OLDEST)
		*position = cursor > ring->slots ? cursor - ring->slots : 0;
	else
		*position = cursor;
	return 0;
}

int dmp_start(struct dmp_ring *ring, const struct dmp_join *args, u64 deps, u64 gates, u64 *position)
{
	if (args->role == DMP_ROLE_CONSUMER)
		return start_consumer(ring, args, deps, gates, position);
	if (args->role == DMP_ROLE_OBSERVER)
		return start_observer(ring, args, position);
	*position = dmp_sequence_at(ring, 0);
	return 0;
}

/* A member that is nobody yet: no slot, unknown to others. Freed by dmp_member_free(), as any. */
static struct dmp_member *member_alloc(struct dmp_file *f, const struct dmp_join *args)
{
	struct dmp_member *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return ERR_PTR(-ENOMEM);
	if (dmp_wait_init(m, links_of(f->ring, args))) {
		kfree(m);
		return ERR_PTR(-ENOMEM);
	}
	m->mm = dmp_mm_get();
	if (IS_ERR(m->mm)) {
		long err = PTR_ERR(m->mm);

		kfree(m->waiter.links);
		kfree(m);
		/* A pending signal stops mm_take_all_locks(); nothing has happened yet, so the call starts over. */
		return ERR_PTR(err == -EINTR ? -ERESTARTNOINTR : err);
	}
	refcount_inc(&f->ring->refs);
	m->ring = f->ring;
	m->net = get_net(f->net);
	m->tgid = get_pid(task_tgid(current));
	m->tid = get_pid(task_pid(current));
	m->uid = current_euid();
	m->role = args->role;
	m->policy = args->policy;
	m->hold = args->hold ? args->hold : DMP_HOLD_DEFAULT;
	memcpy(m->name, args->name, sizeof(m->name));
	init_waitqueue_head(&m->poll);
	INIT_WORK(&m->die, dmp_member_die_work);
	dmp_mm_add(m);
	return m;
}

static struct file *member_file(struct dmp_file *f, const struct dmp_join *args)
{
	struct dmp_member *m = member_alloc(f, args);
	struct file *file;

	if (IS_ERR(m))
		return ERR_CAST(m);
	file = anon_inode_getfile("[dmp]", &dmp_member_fops, m, O_RDWR);
	if (IS_ERR(file))
		dmp_member_free(m);
	return file;
}

/* Until the descriptor is installed nobody can use the file, and dropping it undoes all. */
int dmp_join(struct dmp_file *f, struct dmp_join *args, const char *deps, void __user *arg)
{
	struct file *file;
	int fd, err;

	if (!(f->rights & right_of(args->role)))
		return -EACCES;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = member_file(f, args);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	err = dmp_args_put(arg, args); /* can the answer be written? Better known before others see the member */
	if (!err)
		err = dmp_member_admit(file->private_data, args, deps);
	if (!err)
		err = dmp_args_put(arg, args);
	if (err) {
		put_unused_fd(fd);
		fput(file);
		return err;
	}
	fd_install(fd, file);
	return fd;
}
