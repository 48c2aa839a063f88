// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* ring.c: rings: create, open, restrict, close, and what is known of them */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_MEMBERS 16
#define DEFAULT_MODE	0700

/* ---- names ---- */

static bool name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

/* Which owner of the memory "OWNER:NAME" speaks of; none: dmp. */
static int skip_prefix(const char **name)
{
	const char *colon = strchr(*name, ':');
	size_t len = colon ? (size_t)(colon - *name) : 0;

	if (!colon)
		return 0;
	if ((len == 3 && !memcmp(*name, "shm", 3)) || (len == 4 && !memcmp(*name, "file", 4)))
		return -EOPNOTSUPP;
	if (len != 3 || memcmp(*name, "dmp", 3))
		return -EINVAL;
	*name = colon + 1;
	return 0;
}

int dmp_name_(char *plain, const char *name)
{
	size_t len, i;
	int err;

	if (!name)
		return -EINVAL;
	err = skip_prefix(&name);
	if (err)
		return err;
	len = strlen(name);
	if (!len || len >= DMP_NAME_MAX)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!name_char(name[i]))
			return -EINVAL;
	memset(plain, 0, DMP_NAME_MAX);
	memcpy(plain, name, len);
	return 0;
}

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

static int wrap(struct dmp_ring **ring, int fd)
{
	struct dmp_ring *r = malloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fd = fd;
	*ring = r;
	return 0;
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

/* The same, as a ring. */
static int bind_ring(struct dmp_ring **ring, uint32_t rights, unsigned long request, void *arg)
{
	int fd = bind_file(rights, request, arg), err;

	if (fd < 0)
		return fd;
	err = wrap(ring, fd);
	if (err)
		dmp_sys_close(fd);
	return err;
}

int dmp_ring_create(struct dmp_ring **ring, const char *name, const struct dmp_ring_options *options)
{
	struct dmp_create args = { .size = sizeof(args) };
	int err = name ? dmp_name_(args.name, name) : 0;

	if (err)
		return err;
	if (!options)
		return -EINVAL;
	args.flags = options->flags;
	args.slots = options->slots;
	args.event_size = options->event_size;
	args.members = options->members ? options->members : DEFAULT_MEMBERS;
	args.mode = options->mode ? options->mode : DEFAULT_MODE;
	return bind_ring(ring, 0, DMP_IOC_CREATE, &args);
}

int dmp_ring_open(struct dmp_ring **ring, const char *name, uint32_t rights)
{
	struct dmp_open args = { .size = sizeof(args), .rights = rights };
	int err = dmp_name_(args.name, name);

	return err ? err : bind_ring(ring, rights, DMP_IOC_OPEN, &args);
}

/* A member file knows INFO, too, but only a ring file can list; a file of somebody else's knows neither. */
static bool is_ring_file(int fd)
{
	struct dmp_info info = { .size = sizeof(info) }, list = { .size = sizeof(list), .id = UINT64_MAX };

	return !dmp_sys_ioctl(fd, DMP_IOC_INFO, &info) && dmp_sys_ioctl(fd, DMP_IOC_LIST, &list) != -ENOTTY;
}

int dmp_ring_from_fd(struct dmp_ring **ring, int fd)
{
	return is_ring_file(fd) ? wrap(ring, fd) : -EBADF;
}

int dmp_ring_restrict(const struct dmp_ring *ring, uint32_t rights)
{
	struct dmp_bind args = { .size = sizeof(args), .rights = rights, .fd = ring->fd };

	return bind_file(rights, DMP_IOC_BIND, &args);
}

int dmp_ring_fd(const struct dmp_ring *ring)
{
	return ring->fd;
}

void dmp_ring_close(struct dmp_ring *ring)
{
	if (!ring)
		return;
	dmp_sys_close(ring->fd);
	free(ring);
}

int dmp_ring_unlink(const char *name)
{
	struct dmp_unlink args = { .size = sizeof(args) };
	int err = dmp_name_(args.name, name);
	int fd;

	if (err)
		return err;
	fd = bind_file(DMP_RIGHT_R, DMP_IOC_UNLINK, &args);
	if (fd < 0)
		return fd;
	dmp_sys_close(fd);
	return 0;
}

/* ---- what is known of them ---- */

int dmp_ring_info(const struct dmp_ring *ring, struct dmp_info *info)
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

int dmp_members_(int fd, struct dmp_member_info *members, uint32_t count)
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

int dmp_ring_members(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count)
{
	return dmp_members_(ring->fd, members, count);
}
