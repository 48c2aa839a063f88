// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* ring.c: rings: create, open, restrict, close, and what is known of them */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "internal.h"

#define DEFAULT_MEMBERS 16
#define DEFAULT_MODE	0700

static struct dmp_ring *new_ring(const struct dmp_ops_ *ops)
{
	struct dmp_ring *ring = calloc(1, sizeof(*ring));

	if (ring) {
		ring->ops = ops;
		ring->fd = -1;
	}
	return ring;
}

/* The ring if there was no error, else nothing. */
static int give(struct dmp_ring **to, struct dmp_ring *ring, int err)
{
	if (err)
		free(ring);
	else
		*to = ring;
	return err;
}

int dmp_ring_create(struct dmp_ring **ring, const char *name, const struct dmp_ring_options *options)
{
	struct dmp_create args = { .size = sizeof(args) };
	const struct dmp_ops_ *ops;
	struct dmp_ring *new;
	int err = dmp_owner_(&ops, &name);

	if (err)
		return err;
	if (!options)
		return -EINVAL;
	args.flags = options->flags;
	args.slots = options->slots;
	args.event_size = options->event_size;
	args.members = options->members ? options->members : DEFAULT_MEMBERS;
	args.mode = options->mode ? options->mode : DEFAULT_MODE;
	new = new_ring(ops);
	return new ? give(ring, new, ops->create(new, name, &args)) : -ENOMEM;
}

int dmp_ring_open(struct dmp_ring **ring, const char *name, uint32_t rights)
{
	const struct dmp_ops_ *ops;
	struct dmp_ring *new;
	int err = name ? dmp_owner_(&ops, &name) : -EINVAL;

	if (err)
		return err;
	new = new_ring(ops);
	return new ? give(ring, new, ops->open(new, name, rights)) : -ENOMEM;
}

/* What is a file of its own is a segment: of shared memory, or the like. */
static const struct dmp_ops_ *owner_of_fd(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) ? &dmp_shm_ops_ : &dmp_module_ops_;
}

int dmp_ring_from_fd(struct dmp_ring **ring, int fd)
{
	const struct dmp_ops_ *ops = owner_of_fd(fd);
	struct dmp_ring *new = new_ring(ops);

	return new ? give(ring, new, ops->adopt(new, fd)) : -ENOMEM;
}

int dmp_ring_restrict(const struct dmp_ring *ring, uint32_t rights)
{
	return ring->ops->restrict_to(ring, rights);
}

int dmp_ring_fd(const struct dmp_ring *ring)
{
	return ring->fd;
}

void dmp_ring_close(struct dmp_ring *ring)
{
	if (!ring)
		return;
	ring->ops->close(ring);
	free(ring);
}

int dmp_ring_unlink(const char *name)
{
	const struct dmp_ops_ *ops;
	int err = name ? dmp_owner_(&ops, &name) : -EINVAL;

	return err ? err : ops->unlink(name);
}

int dmp_ring_info(const struct dmp_ring *ring, struct dmp_info *info)
{
	return ring->ops->info(ring, info);
}

int dmp_ring_members(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count)
{
	return ring->ops->members(ring, members, count);
}

int dmp_ring_holdup(const struct dmp_ring *ring, uint32_t what, struct dmp_holdup *holdup)
{
	struct dmp_holdup args = { .size = sizeof(args), .what = what };
	int err = ring->ops->holdup(ring->fd, &args);

	if (!err)
		*holdup = args;
	return err;
}

int dmp_ring_sync(const struct dmp_ring *ring)
{
	return ring->ops->sync(ring);
}
