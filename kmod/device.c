// SPDX-License-Identifier: GPL-2.0
/* device.c: /dev/dmp and the ring file it becomes: decode, check, dispatch */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "dmp.h"

#define MAX_EVENT_SIZE (1U << 20)
#define RING_FLAGS     (DMP_RING_STAMPED | DMP_RING_FENCED | DMP_RING_PERSISTENT | DMP_RING_MULTI)

static int device_open(struct inode *inode, struct file *file)
{
	struct dmp_file *f;

	if (in_compat_syscall())
		return -EOPNOTSUPP; /* 32-bit callers are refused: nobody tests them */
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->net = get_net(current->nsproxy->net_ns);
	mutex_init(&f->bind);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct dmp_file *f = file->private_data;

	if (f->ring)
		dmp_ring_put(f->ring);
	put_net(f->net);
	kfree(f);
	return 0;
}

static struct dmp_ring *bound_ring(struct dmp_file *f)
{
	return smp_load_acquire(&f->ring); /* pairs with bind_ring() */
}

/* Bind once, for good; the ring's reference becomes the file's. */
static void bind_ring(struct dmp_file *f, struct dmp_ring *ring, u32 rights)
{
	lockdep_assert_held(&f->bind);
	f->rights = rights;
	smp_store_release(&f->ring, ring);
}

/* What the file was opened for bounds what it can carry. */
static u32 file_rights(const struct file *file)
{
	return file->f_mode & FMODE_WRITE ? DMP_RIGHTS_ALL : DMP_RIGHTS_ALL & ~DMP_RIGHT_W;
}

/* Wanted against allowed; wanting nothing in particular is wanting all there is. */
static int settle_rights(u32 wanted, u32 allowed, u32 *rights)
{
	if ((wanted & ~allowed) || !allowed)
		return -EACCES;
	*rights = wanted ? wanted : allowed;
	return 0;
}

/* What the mode allows, or all to who may override it; asked, and so audited, only if the mode is not enough. */
static u32 open_rights(const struct dmp_ring *ring, u32 wanted)
{
	u32 rights = dmp_ring_rights(ring);

	if (wanted ? !(wanted & ~rights) : rights == DMP_RIGHTS_ALL)
		return rights;
	if (wanted ? capable(CAP_DAC_OVERRIDE) : ns_capable_noaudit(&init_user_ns, CAP_DAC_OVERRIDE))
		return DMP_RIGHTS_ALL;
	return rights;
}

static int check_create(const struct dmp_create *args)
{
	u64 data;

	if ((args->flags & DMP_RING_MULTI) && !(args->flags & DMP_RING_STAMPED))
		return -EINVAL; /* nothing but its stamp would tell that a slot is published */
	if ((args->flags & ~RING_FLAGS) || args->pad || (args->mode & ~0777u))
		return -EINVAL;
	if (dmp_name_check(args->name, sizeof(args->name), !(args->flags & DMP_RING_PERSISTENT)))
		return -EINVAL;
	if (!is_power_of_2(args->slots) || !args->event_size || args->event_size > MAX_EVENT_SIZE || !args->members)
		return -EINVAL;
	if (check_mul_overflow(args->slots, (u64)dmp_stride(args->event_size, args->flags & DMP_RING_STAMPED), &data))
		return -EFBIG;
	if (data > LONG_MAX)
		return -EFBIG;
	if (!PAGE_ALIGNED(data))
		return -EINVAL;
	return dmp_quota_check(args, dmp_map_bytes(args));
}

static long ioctl_create(struct file *file, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	struct dmp_create args;
	struct dmp_ring *ring;
	int err = dmp_args_get(&args, pad, arg);

	if (err)
		return err;
	err = check_create(&args);
	if (err)
		return err;
	if (args.name[0] && dmp_names_taken(f->net, args.name))
		return -EEXIST; /* known before any memory is taken; dmp_names_add() decides */
	ring = dmp_ring_create(&args);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	if (ring->name[0])
		err = dmp_names_add(f->net, ring);
	if (err)
		dmp_ring_put(ring);
	else
		bind_ring(f, ring, file_rights(file)); /* the creator's file has all rights, whatever the mode */
	return err;
}

static long ioctl_open(struct file *file, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	struct dmp_open args;
	struct dmp_ring *ring;
	u32 rights;
	int err = dmp_args_get(&args, name, arg);

	if (err)
		return err;
	if ((args.rights & ~DMP_RIGHTS_ALL) || dmp_name_check(args.name, sizeof(args.name), false))
		return -EINVAL;
	ring = dmp_names_find(f->net, args.name);
	if (!ring)
		return -ENOENT;
	err = settle_rights(args.rights, open_rights(ring, args.rights) & file_rights(file), &rights);
	if (err)
		dmp_ring_put(ring);
	else
		bind_ring(f, ring, rights);
	return err;
}

/* The ring and rights of another ring file, with a reference to the ring. */
static struct dmp_ring *ring_of_fd(int fd, u32 *rights)
{
	struct file *other = fget(fd);
	struct dmp_ring *ring = NULL;

	if (!other)
		return NULL;
	if (other->f_op == &dmp_device_fops) {
		struct dmp_file *o = other->private_data;

		ring = bound_ring(o);
		if (ring) {
			refcount_inc(&ring->refs);
			*rights = o->rights;
		}
	}
	fput(other);
	return ring;
}

static long ioctl_bind(struct file *file, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	struct dmp_bind args;
	struct dmp_ring *ring;
	u32 allowed, rights;
	int err = dmp_args_get(&args, pad, arg);

	if (err)
		return err;
	if ((args.rights & ~DMP_RIGHTS_ALL) || args.pad)
		return -EINVAL;
	ring = ring_of_fd(args.fd, &allowed);
	if (!ring)
		return -EBADF;
	err = settle_rights(args.rights, allowed & file_rights(file), &rights);
	if (err)
		dmp_ring_put(ring);
	else
		bind_ring(f, ring, rights);
	return err;
}

static long ioctl_unlink(struct file *file, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	struct dmp_unlink args;
	int err = dmp_args_get(&args, name, arg);

	if (err)
		return err;
	if (args.pad || dmp_name_check(args.name, sizeof(args.name), false))
		return -EINVAL;
	return dmp_names_unlink(f->net, args.name);
}

static long ioctl_list(struct file *file, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	struct dmp_info info;
	struct dmp_ring *ring;
	int err = dmp_args_get(&info, fences, arg);

	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	ring = dmp_names_next(f->net, info.id);
	if (!ring)
		return -ENOENT;
	dmp_info_fill(ring, &info, open_rights(ring, 0) & DMP_RIGHT_R);
	dmp_ring_put(ring);
	return dmp_args_put(arg, &info);
}

static long ioctl_join(struct dmp_file *f, void __user *arg)
{
	char *deps = NULL;
	struct dmp_join args;
	int err = dmp_args_get(&args, meta_size, arg), fd;

	if (err)
		return err;
	err = dmp_join_check(&args);
	if (err)
		return err;
	if (args.ndeps) {
		deps = memdup_user(u64_to_user_ptr(args.deps), (size_t)args.ndeps * DMP_MEMBER_NAME_MAX);
		if (IS_ERR(deps))
			return PTR_ERR(deps);
	}
	fd = dmp_join(f, &args, deps, arg);
	kfree(deps);
	return fd;
}

static long ioctl_evict(struct dmp_file *f, void __user *arg)
{
	struct dmp_evict args;
	int err = dmp_args_get(&args, name, arg);

	if (err)
		return err;
	if (args.flags || dmp_name_check(args.name, sizeof(args.name), false))
		return -EINVAL;
	return f->rights & DMP_RIGHT_W ? dmp_place_evict(f->ring, args.name) : -EACCES;
}

/* Commands on a file that is bound. */
static long ioctl_bound(struct dmp_file *f, unsigned int cmd, void __user *arg)
{
	struct dmp_ring *ring = bound_ring(f);

	if (!ring)
		return -ENOTCONN;
	switch (cmd) {
	case DMP_IOC_INFO:
		return dmp_info_get(ring, f->rights, arg);
	case DMP_IOC_MEMBERS:
		return dmp_info_members(ring, arg);
	case DMP_IOC_EVICT:
		return ioctl_evict(f, arg);
	case DMP_IOC_REQUIRE:
		return dmp_require(ring, f->rights, arg);
	case DMP_IOC_REQUIRED:
		return dmp_required(ring, arg);
	case DMP_IOC_HOLDUP:
		return dmp_holdup_get(ring, arg);
	default:
		return ioctl_join(f, arg);
	}
}

/* The three ways to bind a file; it can be done once. */
static long ioctl_unbound(struct file *file, unsigned int cmd, void __user *arg)
{
	struct dmp_file *f = file->private_data;
	long err;

	if (mutex_lock_killable(&f->bind))
		return -EINTR;
	if (f->ring)
		err = -EISCONN;
	else if (cmd == DMP_IOC_CREATE)
		err = ioctl_create(file, arg);
	else if (cmd == DMP_IOC_OPEN)
		err = ioctl_open(file, arg);
	else
		err = ioctl_bind(file, arg);
	mutex_unlock(&f->bind);
	return err;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case DMP_IOC_CREATE:
	case DMP_IOC_OPEN:
	case DMP_IOC_BIND:
		return ioctl_unbound(file, cmd, p);
	case DMP_IOC_UNLINK:
		return ioctl_unlink(file, p);
	case DMP_IOC_LIST:
		return ioctl_list(file, p);
	case DMP_IOC_INFO:
	case DMP_IOC_MEMBERS:
	case DMP_IOC_REQUIRE:
	case DMP_IOC_REQUIRED:
	case DMP_IOC_HOLDUP:
	case DMP_IOC_JOIN:
	case DMP_IOC_EVICT:
		return ioctl_bound(file->private_data, cmd, p);
	default:
		return -ENOTTY;
	}
}

static void device_fdinfo(struct seq_file *s, struct file *file)
{
	struct dmp_file *f = file->private_data;
	struct dmp_ring *ring = bound_ring(f);

	if (ring)
		dmp_info_ring_fdinfo(s, ring, f->rights);
}

const struct file_operations dmp_device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.show_fdinfo = device_fdinfo,
	.llseek = noop_llseek,
};
