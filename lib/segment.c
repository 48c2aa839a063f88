// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* segment.c: the file of a ring that no kernel owns, as this process has it: one object per file */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

/* ---- one object per file and process ---- */

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dmp_segment_ *known;

static struct dmp_segment_ *find(dev_t dev, ino_t ino)
{
	struct dmp_segment_ *s;

	for (s = known; s; s = s->next)
		if (s->dev == dev && s->ino == ino)
			break;
	if (s)
		s->refs++;
	return s;
}

struct dmp_segment_ *dmp_segment_known_(dev_t dev, ino_t ino)
{
	struct dmp_segment_ *s;

	pthread_mutex_lock(&known_lock);
	s = find(dev, ino);
	pthread_mutex_unlock(&known_lock);
	return s;
}

int dmp_segment_name_(struct dmp_segment_ *s, const char *path)
{
	s->path = strdup(path);
	return s->path ? 0 : -ENOMEM;
}

struct dmp_segment_ *dmp_segment_again_(struct dmp_segment_ *s)
{
	pthread_mutex_lock(&known_lock);
	s->refs++;
	pthread_mutex_unlock(&known_lock);
	return s;
}

static void set_places(struct dmp_segment_ *s, const struct dmp_head *h)
{
	char *base = (void *)s->head;

	s->seats = (void *)(base + h->seats_off);
	s->meta = (void *)(base + h->meta_off);
	s->lines = (void *)((char *)s->meta + s->shape.notify_off);
	s->table = (void *)((char *)s->meta + s->shape.table_off);
	s->cursor = (void *)(base + h->cursor_off);
	s->members = base + h->members_off;
	s->data_off = h->data_off;
}

/* Gates and dependencies are consumers that there can be. */
static bool gates_fit(const struct dmp_segment_ *s)
{
	uint64_t used = s->meta->gates;
	uint32_t i;

	for (i = 0; i < s->shape.members; i++)
		used |= s->table[i].deps;
	return !(used & ~dmp_possible_gates_(s));
}

/* Before anything is mapped, by copies. */
static int check(struct dmp_segment_ *s, const struct dmp_head *h, int fd, uint64_t size)
{
	ssize_t n = pread(fd, &s->shape, sizeof(s->shape), (off_t)h->meta_off);

	return n == sizeof(s->shape) ? dmp_segment_check_(h, &s->shape, size) : -EUCLEAN;
}

static int map_head(struct dmp_segment_ *s, int fd)
{
	struct dmp_head h = { 0 };
	uint64_t size = 0;
	int err = dmp_segment_read_(&h, fd, &size);

	if (!err)
		err = check(s, &h, fd, size);
	if (err)
		return err;
	s->head = mmap(NULL, h.data_off, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->head == MAP_FAILED)
		return -errno;
	s->head_size = h.data_off;
	set_places(s, &h);
	if (gates_fit(s))
		return 0;
	munmap(s->head, s->head_size);
	return -EUCLEAN;
}

/* The segment keeps the descriptor: to close any would drop this process's locks on the file. */
static int keep_fd(struct dmp_segment_ *s, int fd)
{
	int *fds = realloc(s->fds, (s->nfds + 1) * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	s->fds = fds;
	s->fds[s->nfds++] = fd;
	return 0;
}

int dmp_segment_keep_(struct dmp_segment_ *s, int fd)
{
	int err;

	pthread_mutex_lock(&known_lock);
	err = keep_fd(s, fd);
	pthread_mutex_unlock(&known_lock);
	return err;
}

static int new_segment(struct dmp_segment_ **segment, int fd, const char *path, const struct stat *st)
{
	struct dmp_segment_ *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = map_head(s, fd);
	if (err)
		goto free;
	err = keep_fd(s, fd);
	if (err)
		goto unmap;
	s->path = path ? strdup(path) : NULL;
	pthread_mutex_init(&s->mutex, NULL);
	s->dev = st->st_dev;
	s->ino = st->st_ino;
	s->pid = (uint32_t)getpid();
	s->refs = 1;
	s->next = known;
	known = s;
	*segment = s;
	return 0;
unmap:
	munmap(s->head, s->head_size);
free:
	free(s);
	return err;
}

int dmp_segment_get_(struct dmp_segment_ **segment, int fd, const char *path)
{
	struct dmp_segment_ *s;
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	pthread_mutex_lock(&known_lock);
	s = find(st.st_dev, st.st_ino);
	err = s ? keep_fd(s, fd) : new_segment(segment, fd, path, &st);
	if (s)
		*segment = s;
	pthread_mutex_unlock(&known_lock);
	return s ? 0 : err; /* known, and no memory to keep the descriptor: it is lost, for it must not be closed */
}

static void forget(struct dmp_segment_ *s)
{
	struct dmp_segment_ **at = &known;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

void dmp_segment_put_(struct dmp_segment_ *s)
{
	uint32_t i;

	pthread_mutex_lock(&known_lock);
	if (--s->refs) {
		pthread_mutex_unlock(&known_lock);
		return;
	}
	dmp_segment_last_(s);
	forget(s);
	for (i = 0; i < s->nfds; i++)
		close(s->fds[i]);
	pthread_mutex_unlock(&known_lock);
	if (s->data)
		munmap(s->data, s->shape.data_size);
	munmap(s->head, s->head_size);
	pthread_mutex_destroy(&s->mutex);
	free(s->path);
	free(s->fds);
	free(s);
}

/* ---- a member's view ---- */

uint32_t dmp_segment_rights_(const struct dmp_segment_ *s)
{
	const uint32_t all = DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X;
	struct stat st;

	if (fstat(s->fds[0], &st))
		return 0;
	if (st.st_uid == geteuid())
		return s->head->mode >> 6 & all;
	return (st.st_gid == getegid() || group_member(st.st_gid) ? s->head->mode >> 3 : s->head->mode) & all;
}

/* Not for a child made by fork: it has to join for itself. */
int dmp_segment_map_(const struct dmp_segment_ *s, struct dmp_maps_ *maps, uint32_t role, uint32_t index)
{
	int prot = role == DMP_ROLE_PRODUCER ? PROT_READ | PROT_WRITE : PROT_READ;
	size_t size = s->shape.data_size;
	char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int i;

	if (at == MAP_FAILED)
		return -errno;
	for (i = 0; i < 2; i++)
		if (mmap(at + i * size, size, prot, MAP_SHARED | MAP_FIXED | MAP_POPULATE, s->fds[0],
			 (off_t)s->data_off) == MAP_FAILED) {
			int err = -errno;

			munmap(at, 2 * size);
			return err;
		}
	madvise(at, 2 * size, MADV_DONTFORK);
	*maps = (struct dmp_maps_){ 0 };
	maps->region[DMP_META_].at = s->meta;
	maps->region[DMP_CURSOR_].at = s->cursor;
	maps->region[DMP_MEMBERS_].at = s->members;
	maps->region[DMP_SELF_].at = s->members + (size_t)index * s->shape.member_size;
	maps->region[DMP_DATA_].at = at;
	maps->region[DMP_DATA_].size = 2 * size;
	return 0;
}
