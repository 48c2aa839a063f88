// SPDX-License-Identifier: GPL-2.0
/* member_file.c: member files: whose call it is, decode, dispatch */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include "dmp.h"

static int member_flush(struct file *file, fl_owner_t id)
{
	struct dmp_member *m = file->private_data;

	if (dmp_member_is_closing(m))
		dmp_member_die(m);
	return 0;
}

static int member_release(struct inode *inode, struct file *file)
{
	dmp_member_free(file->private_data);
	return 0;
}

static int member_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dmp_member *m = file->private_data;

	if (!dmp_mm_is_current(m->mm))
		return -EPERM;
	if (READ_ONCE(m->left))
		return -ESTALE;
	return dmp_map_mmap(m, vma);
}

static __poll_t member_poll(struct file *file, struct poll_table_struct *table)
{
	struct dmp_member *m = file->private_data;

	poll_wait(file, &m->poll, table);
	return dmp_wait_poll(m);
}

static int get_wait(struct dmp_wait *args, const void __user *arg)
{
	int err = dmp_args_get(args, deadline, arg);

	if (err)
		return err;
	return args->flags & ~DMP_WAIT_REQUIRED ? -EINVAL : 0;
}

static long ioctl_wait(struct dmp_member *m, void __user *arg)
{
	struct dmp_wait args;
	int err = get_wait(&args, arg);

	if (err)
		return err;
	return args.flags & DMP_WAIT_REQUIRED ? dmp_require_wait(m, &args) : dmp_wait(m, &args);
}

static long ioctl_arm(struct dmp_member *m, void __user *arg)
{
	struct dmp_wait args;
	int err = get_wait(&args, arg);

	if (err)
		return err;
	return args.deadline == U64_MAX && !args.flags ? dmp_arm(m, &args) : -EINVAL;
}

static long ioctl_wake(struct dmp_member *m)
{
	if (m->role == DMP_ROLE_PRODUCER)
		return dmp_wake(m->ring, 0, m);
	if (m->role == DMP_ROLE_CONSUMER)
		return dmp_wake(m->ring, 1 + m->index, m);
	return 0;
}

static long ioctl_leave(struct dmp_member *m)
{
	dmp_member_leave(m);
	return 0;
}

/* Having read the table settles POLLPRI; what changes while it is read raises it again. */
static long ioctl_members(struct dmp_member *m, void __user *arg)
{
	u64 generation = READ_ONCE(m->ring->meta->generation);
	long err = dmp_info_members(m->ring, arg);

	if (!err) {
		spin_lock(&m->ring->lock);
		m->seen_generation = max(m->seen_generation, generation);
		spin_unlock(&m->ring->lock);
	}
	return err;
}

/* Commands without a struct: the argument is 0. */
static long ioctl_plain(struct dmp_member *m, unsigned int cmd)
{
	if (READ_ONCE(m->left))
		return -ESTALE;
	switch (cmd) {
	case DMP_IOC_WAKE:
		return ioctl_wake(m);
	case DMP_IOC_LEAVE:
		return ioctl_leave(m);
	default:
		return dmp_member_finish(m);
	}
}

static long member_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dmp_member *m = file->private_data;
	void __user *p = (void __user *)arg;

	if (!dmp_mm_is_current(m->mm))
		return -EPERM;
	switch (cmd) {
	case DMP_IOC_WAIT:
		return ioctl_wait(m, p);
	case DMP_IOC_ARM:
		return ioctl_arm(m, p);
	case DMP_IOC_WAKE:
	case DMP_IOC_LEAVE:
	case DMP_IOC_FINISH:
		return arg ? -EINVAL : ioctl_plain(m, cmd);
	case DMP_IOC_INFO:
		return dmp_info_get(m->ring, 0, p);
	case DMP_IOC_MEMBERS:
		return ioctl_members(m, p);
	case DMP_IOC_REQUIRED:
		return dmp_required(m->ring, p);
	case DMP_IOC_STALLED:
		return dmp_stalled(m, p);
	case DMP_IOC_HOLDUP:
		return dmp_holdup_get(m->ring, p);
	default:
		return -ENOTTY;
	}
}

static void member_fdinfo(struct seq_file *s, struct file *file)
{
	dmp_info_member_fdinfo(s, file->private_data);
}

const struct file_operations dmp_member_fops = {
	.owner = THIS_MODULE,
	.flush = member_flush,
	.release = member_release,
	.mmap = member_mmap,
	.poll = member_poll,
	.unlocked_ioctl = member_ioctl,
	.show_fdinfo = member_fdinfo,
	.llseek = noop_llseek,
};
