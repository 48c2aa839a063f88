// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* shm.c: shm:NAME, rings in shared memory; "shm:" alone: without a name, to inherit or to send over a socket */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

#define FOLDER	  "/dev/shm"
#define PREFIX	  "dmp."
#define PATH_SIZE (sizeof(FOLDER "/" PREFIX) + DMP_NAME_MAX)

static int path_of(char *path, char *plain, const char *name)
{
	int err = dmp_plain_name_(plain, name);

	if (!err)
		snprintf(path, PATH_SIZE, FOLDER "/" PREFIX "%s", plain);
	return err;
}

/* ---- of shm and file alike ---- */

static void take_segment(struct dmp_ring *ring, struct dmp_segment_ *s)
{
	ring->segment = s;
	ring->fd = s->fds[0];
}

int dmp_segment_grant_(struct dmp_ring *ring, uint32_t rights)
{
	uint32_t granted = dmp_segment_rights_(ring->segment), wanted = rights ? rights : granted;

	if (wanted && !(wanted & ~granted)) {
		ring->rights = wanted;
		return 0;
	}
	dmp_segment_put_(ring->segment);
	return wanted > 7 ? -EINVAL : -EACCES;
}

int dmp_segment_create_ring_(struct dmp_ring *ring, const char *path, const struct dmp_create *args, uint32_t kind)
{
	struct dmp_segment_ *s;
	int err = dmp_segment_create_(&s, path, args, kind);

	if (err)
		return err;
	take_segment(ring, s);
	ring->rights = DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X;
	return 0;
}

int dmp_segment_open_ring_(struct dmp_ring *ring, const char *path, uint32_t rights, uint32_t kind)
{
	struct dmp_segment_ *s;
	int err = dmp_segment_open_(&s, path, kind);

	if (err)
		return err;
	take_segment(ring, s);
	return dmp_segment_grant_(ring, rights);
}

/* A file that was inherited or received. */
int dmp_segment_adopt_fd_(struct dmp_ring *ring, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), err;
	struct dmp_segment_ *s;

	if (own < 0)
		return -errno;
	if (dmp_segment_get_(&s, own, NULL)) {
		close(own);
		return -EBADF;
	}
	take_segment(ring, s);
	ring->ops = dmp_is_file_(s) ? &dmp_file_ops_ : &dmp_shm_ops_;
	dmp_lock_shared_(own, DMP_LOCK_USERS_);
	err = dmp_segment_grant_(ring, 0);
	return err ? err : dmp_segment_keep_(s, fd);
}

/* Whoever has the file can do everything with it. */
int dmp_segment_restrict_(const struct dmp_ring *ring, uint32_t rights)
{
	(void)ring;
	(void)rights;
	return -EOPNOTSUPP;
}

void dmp_segment_close_ring_(struct dmp_ring *ring)
{
	dmp_segment_put_(ring->segment);
}

/* ---- shm ---- */

static int shm_create(struct dmp_ring *ring, const char *name, struct dmp_create *args)
{
	char path[PATH_SIZE];
	bool anonymous = !name || !*name;
	int err = anonymous ? 0 : path_of(path, args->name, name);

	return err ? err : dmp_segment_create_ring_(ring, anonymous ? NULL : path, args, 0);
}

static int shm_open_ring(struct dmp_ring *ring, const char *name, uint32_t rights)
{
	char path[PATH_SIZE], plain[DMP_NAME_MAX];
	int err = path_of(path, plain, name);

	return err ? err : dmp_segment_open_ring_(ring, path, rights, 0);
}

static int shm_unlink_ring(const char *name)
{
	char path[PATH_SIZE], plain[DMP_NAME_MAX];
	int err = path_of(path, plain, name);

	return err ? err : dmp_segment_unlink_(path);
}

static int is_candidate(const struct dirent *e)
{
	char plain[DMP_NAME_MAX];

	return !strncmp(e->d_name, PREFIX, strlen(PREFIX)) && !dmp_plain_name_(plain, e->d_name + strlen(PREFIX));
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* 0, or why it is none that can be told of. */
static int look_at(const char *name, struct dmp_info *info)
{
	struct dmp_ring ring = { .ops = &dmp_shm_ops_ };
	int err = shm_open_ring(&ring, name, 0);

	if (err)
		return err;
	dmp_segment_info_(&ring, info);
	dmp_segment_close_ring_(&ring);
	return 0;
}

static bool is_lack(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

/* The next behind one, in the order of the alphabet. The folder is read once, however much there is that is no ring. */
int dmp_shm_next(char *name, struct dmp_info *info)
{
	struct dirent **list = NULL;
	int i, n = scandir(FOLDER, &list, is_candidate, compare_names), err = -ENOENT;

	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	for (i = 0; i < n && err && !is_lack(err); i++) {
		const char *next = list[i]->d_name + strlen(PREFIX);

		if (strcmp(next, name) <= 0)
			continue;
		err = look_at(next, info); /* gone, not ours, or no ring: the next */
		if (!err)
			dmp_plain_name_(name, next);
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return !err || is_lack(err) ? err : -ENOENT;
}

static int shm_sync(const struct dmp_ring *ring)
{
	(void)ring;
	return -EOPNOTSUPP; /* it goes with the machine */
}

const struct dmp_ops_ dmp_shm_ops_ = {
	DMP_SEGMENT_OPS_, .create = shm_create, .open = shm_open_ring, .unlink = shm_unlink_ring, .sync = shm_sync,
};
