// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * segment_file.c: rings by their path: create aside, then link; take over what the dead left
 *
 * A file gets its name only when it is whole, so nobody ever attaches to half a ring, and of several creators the one
 * whose link succeeds has created it. Every process that has a ring open holds DMP_LOCK_USERS_ shared, and makes sure,
 * once it has it, that the path still names its file. Who gets that lock for himself alone knows that nobody else is
 * there: then a ring that was to go with its last user is a leftover, and its name is removed, by this very process or
 * by the next that wants it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

#define ASIDE_NAME 32 /* ".", a name, ".new" */

/* Within a process the locks of other threads do not count. */
static pthread_mutex_t folder = PTHREAD_MUTEX_INITIALIZER;

/* A member of whatever kind must write, so any right is reading and writing for the file; its owner keeps both. */
static mode_t file_mode(uint32_t mode)
{
	return 0600 | (mode & 070 ? 060 : 0) | (mode & 07 ? 06 : 0);
}

static bool names(const char *path, const struct dmp_segment_ *s)
{
	struct stat st;

	return !stat(path, &st) && st.st_dev == s->dev && st.st_ino == s->ino;
}

/* ---- aside ---- */

/* Not every file system can make a file without a name; there it has one that says what it is. */
static int open_named_aside(char **aside, const char *folder_of_it)
{
	char unique[ASIDE_NAME];
	int err = dmp_unique_name(unique, sizeof(unique), "new"), fd;

	if (err)
		return err;
	if (asprintf(aside, "%s/.%s.dmp", folder_of_it, unique) < 0)
		return -ENOMEM;
	fd = open(*aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int open_aside(char **aside, const char *path)
{
	char *copy = strdup(path);
	int fd;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		strcpy(copy, path);
		fd = open_named_aside(aside, dirname(copy));
	} else if (fd < 0) {
		fd = -errno;
	}
	free(copy);
	return fd;
}

static int link_to(int fd, const char *aside, const char *path)
{
	char self[32];

	if (aside)
		return link(aside, path) ? -errno : 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* The name is on the disk, too. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, err = 0;

	free(copy);
	if (fd < 0)
		return -errno;
	if (fsync(fd) && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

/* ---- leftovers ---- */

static bool stays(const struct dmp_segment_ *s)
{
	return dmp_is_file_(s) || s->head->flags & DMP_RING_PERSISTENT;
}

/* Only who has the file's own lock takes its name away, so that the path is no other's between look and unlink. */
static int remove_name(struct dmp_segment_ *s, const char *path)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	int err;

	pthread_mutex_lock(&one);
	err = dmp_lock_(s->fds[0], DMP_LOCK_NAME_);
	if (!err && !names(path, s))
		err = -ENOENT;
	DMP_TEST_POINT(NAME_REMOVE);
	if (!err && unlink(path))
		err = errno == EACCES ? -EPERM : -errno;
	dmp_unlock_(s->fds[0], DMP_LOCK_NAME_);
	pthread_mutex_unlock(&one);
	return err;
}

/*
 * The segment of the file that path names: this process's own, *known, or else opened for the moment, without being a
 * user of it.
 */
static int visit(struct dmp_segment_ **s, const char *path, bool *known)
{
	struct stat st;
	int fd, err;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EMEDIUMTYPE;
	*s = dmp_segment_known_(st.st_dev, st.st_ino);
	*known = *s;
	if (*s)
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = dmp_segment_get_(s, fd, NULL);
	if (err)
		close(fd);
	return err;
}

/* The name of a ring that nobody uses goes: -EAGAIN. Who holds the lock alone does so for a moment: -EAGAIN, too. */
static int bury(struct dmp_segment_ *s, const char *path)
{
	int err;

	if (dmp_try_lock_(s->fds[0], DMP_LOCK_USERS_))
		return dmp_try_lock_shared_(s->fds[0], DMP_LOCK_USERS_) ? -EAGAIN : -EEXIST;
	err = remove_name(s, path);
	return !err || err == -ENOENT ? -EAGAIN : -EEXIST;
}

/* Whether path can be linked to now: -EAGAIN; -EEXIST if what is there is not for us to remove. */
static int clear(const char *path)
{
	struct dmp_segment_ *s;
	bool known;
	int err = visit(&s, path, &known);

	if (err)
		return err == -ENOENT ? -EAGAIN : -EEXIST;
	err = known || stays(s) ? -EEXIST : bury(s, path);
	dmp_segment_put_(s);
	return err;
}

void dmp_segment_last_(struct dmp_segment_ *s)
{
	bool alone = s->path && !dmp_try_lock_(s->fds[0], DMP_LOCK_USERS_);

	if (alone && dmp_is_file_(s))
		dmp_saved_sync_(s);
	if (alone && !stays(s))
		remove_name(s, s->path);
}

/* ---- create ---- */

static int create_anonymous(struct dmp_segment_ **s, const struct dmp_head *plan, const struct dmp_create *args)
{
	int fd = memfd_create("dmp", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	err = dmp_segment_init_(fd, plan, args);
	if (!err && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		err = dmp_segment_get_(s, fd, NULL);
	if (err)
		close(fd);
	return err;
}

/* A whole ring without a name: in use from before it has one. */
static int create_aside(struct dmp_segment_ **s, const char *path, char **aside, const struct dmp_head *plan,
			const struct dmp_create *args)
{
	int fd = open_aside(aside, path), err;

	if (fd < 0)
		return fd;
	err = dmp_segment_init_(fd, plan, args);
	if (!err && fchmod(fd, file_mode(args->mode)))
		err = -errno;
	if (!err)
		err = dmp_segment_get_(s, fd, path);
	if (err)
		close(fd);
	else
		err = dmp_lock_shared_(fd, DMP_LOCK_USERS_);
	return err;
}

static int give_name(struct dmp_segment_ *s, const char *aside, const char *path)
{
	int err;

	do {
		err = link_to(s->fds[0], aside, path);
		if (err == -EEXIST)
			err = clear(path);
	} while (err == -EAGAIN);
	if (!err && dmp_is_file_(s))
		err = sync_folder(path);
	return err;
}

static int create_named(struct dmp_segment_ **segment, const char *path, const struct dmp_head *plan,
			const struct dmp_create *args)
{
	struct dmp_segment_ *s = NULL;
	char *aside = NULL;
	int err = create_aside(&s, path, &aside, plan, args);

	if (!err)
		err = give_name(s, aside, path);
	if (aside)
		unlink(aside);
	free(aside);
	if (!err)
		*segment = s;
	else if (s)
		dmp_segment_put_(s);
	return err;
}

int dmp_segment_create_(struct dmp_segment_ **s, const char *path, const struct dmp_create *args, uint32_t kind)
{
	struct dmp_head plan;
	int err = dmp_segment_plan_(&plan, args, path ? kind | DMP_SEGMENT_NAMED : kind);

	if (err)
		return err;
	if (!path)
		return create_anonymous(s, &plan, args);
	pthread_mutex_lock(&folder);
	err = create_named(s, path, &plan, args);
	pthread_mutex_unlock(&folder);
	return err;
}

/* ---- open ---- */

/* Nobody else is there: what did not survive its users is no ring any more, what did is put in order. */
static int open_alone(struct dmp_segment_ *s)
{
	int err = stays(s) ? 0 : -ENOENT;

	if (!err && dmp_is_file_(s))
		err = dmp_saved_recover_(s);
	return err ? err : dmp_lock_shared_(s->fds[0], DMP_LOCK_USERS_);
}

/* Others are there; but whoever was to put it in order may have died over it. */
static int open_beside(struct dmp_segment_ *s)
{
	int err = dmp_lock_shared_(s->fds[0], DMP_LOCK_USERS_);

	if (!err && dmp_is_file_(s) && !dmp_saved_is_of_this_boot_(s))
		err = -EAGAIN;
	if (!err && !stays(s) && !dmp_try_lock_(s->fds[0], DMP_LOCK_USERS_))
		err = -EAGAIN; /* alone after all */
	if (err == -EAGAIN)
		dmp_unlock_(s->fds[0], DMP_LOCK_USERS_);
	return err;
}

/* Become a user. -EAGAIN: the path names another file by now, or nobody had put this one in order. */
static int settle_in(struct dmp_segment_ *s, const char *path)
{
	bool alone = !dmp_try_lock_(s->fds[0], DMP_LOCK_USERS_);
	int err = alone ? open_alone(s) : open_beside(s);

	if (err == -ENOENT)
		remove_name(s, path);
	if (!err && !names(path, s))
		err = -EAGAIN;
	return err ? err : dmp_segment_name_(s, path);
}

static int open_once(struct dmp_segment_ **segment, const char *path, uint32_t kind)
{
	struct dmp_segment_ *s;
	bool known;
	int err = visit(&s, path, &known);

	if (err)
		return err;
	if ((s->head->kind & DMP_SEGMENT_FILE) != kind)
		err = -EMEDIUMTYPE;
	else if (!known)
		err = settle_in(s, path);
	if (err)
		dmp_segment_put_(s);
	else
		*segment = s;
	return err;
}

int dmp_segment_open_(struct dmp_segment_ **s, const char *path, uint32_t kind)
{
	int err;

	pthread_mutex_lock(&folder);
	do
		err = open_once(s, path, kind);
	while (err == -EAGAIN);
	pthread_mutex_unlock(&folder);
	return err;
}

/* ---- unlink ---- */

/* What is damaged may go; what never was a ring may not. */
int dmp_segment_unlink_(const char *path)
{
	struct dmp_segment_ *s;
	bool known;
	int err;

	pthread_mutex_lock(&folder);
	err = visit(&s, path, &known);
	if (err == -EUCLEAN || err == -EPROTO) {
		err = unlink(path) ? -errno : 0;
	} else if (!err) {
		err = remove_name(s, path);
		dmp_segment_put_(s);
	}
	pthread_mutex_unlock(&folder);
	return err == -EACCES ? -EPERM : err;
}
