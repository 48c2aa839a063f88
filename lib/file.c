// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* file.c: file:PATH, rings that survive their processes and, from the last sync on, the machine */
#include <errno.h>
#include <string.h>

#include "segment.h"

/* For people: the end of the path. */
static void name_after(char *name, const char *path)
{
	const char *slash = strrchr(path, '/');

	strncpy(name, slash ? slash + 1 : path, DMP_NAME_MAX - 1);
}

/* One seat more than was asked for: the syncer's. */
static int file_create(struct dmp_ring *ring, const char *path, struct dmp_create *args)
{
	if (!path || !*path)
		return -EINVAL;
	name_after(args->name, path);
	args->members += args->members < UINT32_MAX;
	return dmp_segment_create_ring_(ring, path, args, DMP_SEGMENT_FILE);
}

static int file_open(struct dmp_ring *ring, const char *path, uint32_t rights)
{
	return *path ? dmp_segment_open_ring_(ring, path, rights, DMP_SEGMENT_FILE) : -EINVAL;
}

static int file_unlink(const char *path)
{
	return *path ? dmp_segment_unlink_(path) : -EINVAL;
}

static int file_sync(const struct dmp_ring *ring)
{
	return dmp_saved_sync_(ring->segment);
}

const struct dmp_ops_ dmp_file_ops_ = {
	DMP_SEGMENT_OPS_,      .create = file_create, .open = file_open,
	.unlink = file_unlink, .sync = file_sync,     .make_room = dmp_saved_make_room_,
};
