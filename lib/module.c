// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* module.c: rings that dmp.ko owns, through /dev/dmp */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "internal.h"

/* ---- ring files ---- */

static int open_device(int flags)
{
	int fd = dmp_sys_open(DMP_DEVICE, flags);

	return fd == -ENOENT || fd == -ENXIO ? -ENODEV : fd;
}

/* A file for these rights: what is opened read-only never carries w. */
static int open_for(uint32_t rights)
{
	return open_device(!rights || (rights & DMP_RIGHT_W) ? O_RDWR : O_RDONLY);
}

/* Bind a new file by one ioctl. Returns its descriptor. */
static int bind_file(uint32_t rights, unsigned long request, void *arg)
{
	int fd = open_for(rights), err;

	if (fd < 0)
		return fd;
	err = dmp_sys_ioctl(fd, request, arg);
	if (err < 0) {
		dmp_sys_close(fd);
		return err;
	}
	return fd;
}

static int bind_ring(struct dmp_ring *ring, uint32_t rights, unsigned long request, void *arg)
{
	int fd = bind_file(rights, request, arg);

	if (fd < 0)
		return fd;
	ring->fd = fd;
	return 0;
}

static int module_create(struct dmp_ring *ring, const char *name, struct dmp_create *args)
{
	int err = name ? dmp_plain_name_(args->name, name) : 0;

	return err ? err : bind_ring(ring, 0, DMP_IOC_CREATE, args);
}

static int module_open(struct dmp_ring *ring, const char *name, uint32_t rights)
{
	struct dmp_open args = { .size = sizeof(args), .rights = rights };
	int err = dmp_plain_name_(args.name, name);

	return err ? err : bind_ring(ring, rights, DMP_IOC_OPEN, &args);
}

/* A member file knows INFO, too, but only a ring file can list; a file of somebody else's knows neither. */
static int module_adopt(struct dmp_ring *ring, int fd)
{
	struct dmp_info info = { .size = sizeof(info) }, list = { .size = sizeof(list), .id = UINT64_MAX };

	if (dmp_sys_ioctl(fd, DMP_IOC_INFO, &info) || dmp_sys_ioctl(fd, DMP_IOC_LIST, &list) == -ENOTTY)
		return -EBADF;
	ring->fd = fd;
	return 0;
}

static int module_restrict(const struct dmp_ring *ring, uint32_t rights)
{
	struct dmp_bind args = { .size = sizeof(args), .rights = rights, .fd = ring->fd };

	return bind_file(rights, DMP_IOC_BIND, &args);
}

static void module_close(struct dmp_ring *ring)
{
	dmp_sys_close(ring->fd);
}

static int module_unlink(const char *name)
{
	struct dmp_unlink args = { .size = sizeof(args) };
	int err = dmp_plain_name_(args.name, name), fd;

	if (err)
		return err;
	fd = bind_file(DMP_RIGHT_R, DMP_IOC_UNLINK, &args);
	if (fd < 0)
		return fd;
	dmp_sys_close(fd);
	return 0;
}

static int module_info(const struct dmp_ring *ring, struct dmp_info *info)
{
	struct dmp_info args = { .size = sizeof(args) };
	int err = dmp_sys_ioctl(ring->fd, DMP_IOC_INFO, &args);

	if (!err)
		*info = args;
	return err;
}

int dmp_ring_next(uint64_t id, struct dmp_info *info)
{
	struct dmp_info args = { .size = sizeof(args), .id = id };
	int fd = bind_file(DMP_RIGHT_R, DMP_IOC_LIST, &args);

	if (fd < 0)
		return fd;
	dmp_sys_close(fd);
	*info = args;
	return 0;
}

/* MEMBERS, on a ring file or a member file. */
static int members_of(int fd, struct dmp_member_info *members, uint32_t count)
{
	struct dmp_members args = {
		.size = sizeof(args),
		.entry_size = sizeof(*members),
		.entries = (uintptr_t)members,
		.count = count,
	};
	int err = dmp_sys_ioctl(fd, DMP_IOC_MEMBERS, &args);

	return err ? err : (int)args.count;
}

static int module_members(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count)
{
	return members_of(ring->fd, members, count);
}

/* REQUIRED, likewise. */
static int required_of(int fd, struct dmp_required_info *infos, uint32_t count)
{
	struct dmp_required args = {
		.size = sizeof(args),
		.entry_size = sizeof(*infos),
		.entries = (uintptr_t)infos,
		.count = count,
	};
	int err = dmp_sys_ioctl(fd, DMP_IOC_REQUIRED, &args);

	return err ? err : (int)args.count;
}

static int module_require(const struct dmp_ring *ring, struct dmp_require *args)
{
	return dmp_sys_ioctl(ring->fd, DMP_IOC_REQUIRE, args);
}

static int module_required(const struct dmp_ring *ring, struct dmp_required_info *infos, uint32_t count)
{
	return required_of(ring->fd, infos, count);
}

static int module_holdup(int fd, struct dmp_holdup *args)
{
	return dmp_sys_ioctl(fd, DMP_IOC_HOLDUP, args);
}

/* The kernel's memory goes with the machine: nothing is ever written anywhere. */
static int module_sync(const struct dmp_ring *ring)
{
	(void)ring;
	return -EOPNOTSUPP;
}

static int module_evict(const struct dmp_ring *ring, const struct dmp_evict *args)
{
	return dmp_sys_ioctl(ring->fd, DMP_IOC_EVICT, (void *)(uintptr_t)args);
}

/* ---- member files ---- */

static int module_join(struct dmp_member *m, const struct dmp_ring *ring, struct dmp_join *args)
{
	int err, fd = dmp_sys_ioctl(ring->fd, DMP_IOC_JOIN, args);

	if (fd < 0)
		return fd;
	DMP_TEST_POINT(JOIN_AFTER);
	err = dmp_map_(m->maps, fd, m->role, args);
	if (err)
		dmp_sys_close(fd);
	else
		m->fd = fd;
	return err;
}

static void module_leave(struct dmp_member *m)
{
	dmp_sys_ioctl(m->fd, DMP_IOC_LEAVE, NULL); /* fails only if it has left already */
	DMP_TEST_POINT(LEAVE_AFTER);
	dmp_sys_close(m->fd);
}

static int module_finish(struct dmp_member *m)
{
	return dmp_sys_ioctl(m->fd, DMP_IOC_FINISH, NULL);
}

/* C, D and E are the kernel's. */
static int module_wait(struct dmp_member *m, const struct dmp_wait *wait)
{
	dmp_count_(m, DMP_COUNTER_AT_SLEEPS, 1);
	return dmp_sys_ioctl(m->fd, DMP_IOC_WAIT, (void *)(uintptr_t)wait);
}

static int module_arm(struct dmp_member *m, const struct dmp_wait *wait)
{
	return dmp_sys_ioctl(m->fd, DMP_IOC_ARM, (void *)(uintptr_t)wait);
}

/* Fails only for a member that has left, and leaving wakes. */
static int module_wake(struct dmp_member *m)
{
	if (m->multi && m->role == DMP_ROLE_PRODUCER && !dmp_watched_is_done_(m))
		return -EAGAIN; /* somebody else's claim is in the way */
	return dmp_sys_ioctl(m->fd, DMP_IOC_WAKE, NULL);
}

static int module_read_members(struct dmp_member *m, struct dmp_member_info *members, uint32_t count)
{
	return members_of(m->fd, members, count);
}

static int module_read_required(struct dmp_member *m, struct dmp_required_info *infos, uint32_t count)
{
	return required_of(m->fd, infos, count);
}

static int module_stalled(struct dmp_member *m, struct dmp_stalled *args)
{
	return dmp_sys_ioctl(m->fd, DMP_IOC_STALLED, args);
}

const struct dmp_ops_ dmp_module_ops_ = {
	.create = module_create,
	.open = module_open,
	.adopt = module_adopt,
	.restrict_to = module_restrict,
	.close = module_close,
	.unlink = module_unlink,
	.info = module_info,
	.members = module_members,
	.holdup = module_holdup,
	.sync = module_sync,
	.evict = module_evict,
	.require = module_require,
	.required = module_required,
	.join = module_join,
	.leave = module_leave,
	.finish = module_finish,
	.wait = module_wait,
	.arm = module_arm,
	.wake = module_wake,
	.read_members = module_read_members,
	.read_required = module_read_required,
	.stalled = module_stalled,
};
