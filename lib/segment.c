// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* segment.c: the file of a ring that no kernel owns: lay out, check, map. One object per file and process */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

#define MEMBER_SIZE (2 * DMP_PAGE)
#define NOTIFY_OFF  sizeof(struct dmp_meta)
#define MOST_EVENT  (1U << 20)
#define MOST_SLOTS  (UINT64_MAX >> 22) /* their bytes, too, are a number */
#define KNOWN_FLAGS (DMP_RING_STAMPED | DMP_RING_FENCED | DMP_RING_PERSISTENT | DMP_RING_MULTI)
#define SEQUENCES   (1 + DMP_MAX_GATES)

/* ---- layout ---- */

static uint64_t up_to(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint64_t table_off(void)
{
	return up_to(NOTIFY_OFF + SEQUENCES * sizeof(struct dmp_notify), sizeof(struct dmp_entry));
}

static uint64_t meta_size(uint32_t members)
{
	return up_to(table_off() + (uint64_t)members * sizeof(struct dmp_entry), DMP_PAGE);
}

/* Where everything lies follows from the number of members and the bytes of the slots. */
static void lay_out(struct dmp_head *h, uint32_t members, uint64_t data_size)
{
	h->saved_off = DMP_PAGE;
	h->seats_off = h->saved_off + (h->kind & DMP_SEGMENT_FILE ? 2 * DMP_PAGE : 0);
	h->meta_off = up_to(h->seats_off + (uint64_t)members * sizeof(struct dmp_seat), DMP_PAGE);
	h->cursor_off = h->meta_off + meta_size(members);
	h->members_off = h->cursor_off + DMP_PAGE;
	h->data_off = h->members_off + (uint64_t)members * MEMBER_SIZE;
	h->size = h->data_off + data_size;
}

int dmp_segment_plan_(struct dmp_head *plan, const struct dmp_create *a, uint32_t kind)
{
	uint64_t stride = dmp_stride(a->event_size, a->flags & DMP_RING_STAMPED);

	if (a->flags & DMP_RING_MULTI)
		return -EOPNOTSUPP;
	if (a->flags & ~KNOWN_FLAGS || a->mode & ~0777U || !a->members || !a->event_size || a->event_size > MOST_EVENT)
		return -EINVAL;
	if (!a->slots || a->slots & (a->slots - 1) || a->slots * stride % DMP_PAGE)
		return -EINVAL;
	if (a->flags & DMP_RING_PERSISTENT && !(kind & DMP_SEGMENT_NAMED))
		return -EINVAL;
	if (a->members > DMP_SEGMENT_MEMBERS || a->slots > MOST_SLOTS)
		return -EFBIG;
	memset(plan, 0, sizeof(*plan));
	plan->version = DMP_SEGMENT_VERSION;
	plan->kind = kind;
	plan->mode = a->mode;
	plan->flags = a->flags & DMP_RING_PERSISTENT;
	memcpy(plan->name, a->name, sizeof(plan->name));
	lay_out(plan, a->members, a->slots * stride);
	return 0;
}

/* ---- content ---- */

static void describe(struct dmp_meta *meta, const struct dmp_head *h, const struct dmp_create *a)
{
	meta->abi = DMP_ABI_VERSION;
	meta->flags = a->flags;
	meta->slots = a->slots;
	meta->event_size = a->event_size;
	meta->stride = dmp_stride(a->event_size, a->flags & DMP_RING_STAMPED);
	meta->payload_off = a->flags & DMP_RING_STAMPED ? sizeof(__u64) : 0;
	meta->members = a->members;
	meta->member_size = MEMBER_SIZE;
	meta->notify_off = NOTIFY_OFF;
	meta->table_off = (uint32_t)table_off();
	meta->meta_size = h->cursor_off - h->meta_off;
	meta->data_size = h->size - h->data_off;
	meta->magic = DMP_MAGIC;
}

/* Nobody sleeps. Also of a file ring whose machine has crashed. */
void dmp_segment_init_lines_(struct dmp_meta *meta)
{
	struct dmp_notify *lines = (void *)((char *)meta + meta->notify_off);
	uint32_t i;

	memset(lines, 0, SEQUENCES * sizeof(*lines));

	for (i = 0; i < SEQUENCES; i++) {
		lines[i].notify = DMP_NOBODY;
		lines[i].mode = lines[i].settled = meta->flags & DMP_RING_FENCED ? DMP_MODE_FENCED : DMP_MODE_QUIET;
	}
}

/* Room on the disk, or in memory, is taken now: a hole that cannot be filled later would be a SIGBUS. */
static int take_room(int fd, uint64_t size)
{
	int err;

	if (ftruncate(fd, (off_t)size))
		return -errno;
	do
		err = posix_fallocate(fd, 0, (off_t)size);
	while (err == EINTR);
	return err == ENOSPC ? -ENOMEM : -err;
}

int dmp_segment_init_(int fd, const struct dmp_head *plan, const struct dmp_create *args)
{
	struct dmp_head *h;
	int err = take_room(fd, plan->size);

	if (err)
		return err;
	h = mmap(NULL, plan->data_off, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return -errno;
	*h = *plan;
	if (getrandom(&h->id, sizeof(h->id), 0) != sizeof(h->id))
		err = -errno;
	h->switches = DMP_MODE_FENCED;
	describe((void *)((char *)h + h->meta_off), h, args);
	dmp_segment_init_lines_((void *)((char *)h + h->meta_off));
	dmp_store_release(h->magic, (__u64)DMP_SEGMENT_MAGIC);
	if (!err && plan->kind & DMP_SEGMENT_FILE)
		err = dmp_saved_init_(h);
	munmap(h, plan->data_off);
	return err;
}

/* ---- checks: nothing of a file is believed before its size is known to fit ---- */

static bool same_places(const struct dmp_head *a, const struct dmp_head *b)
{
	return a->saved_off == b->saved_off && a->seats_off == b->seats_off && a->meta_off == b->meta_off &&
	       a->cursor_off == b->cursor_off && a->members_off == b->members_off && a->data_off == b->data_off &&
	       a->size == b->size;
}

/* Gates and dependencies are consumers that there can be. */
static bool gates_fit(const struct dmp_meta *meta)
{
	const struct dmp_entry *table = (const void *)((const char *)meta + meta->table_off);
	uint64_t possible = meta->members < DMP_MAX_GATES ? (1ULL << meta->members) - 1 : UINT64_MAX;
	uint64_t used = meta->gates;
	uint32_t i;

	for (i = 0; i < meta->members; i++)
		used |= table[i].deps;
	return !(used & ~possible);
}

static bool event_fits(const struct dmp_meta *meta)
{
	return meta->event_size && meta->event_size <= MOST_EVENT && meta->member_size == MEMBER_SIZE &&
	       meta->table_off == table_off() && meta->notify_off == NOTIFY_OFF;
}

/* h: of what is mapped, up to its data. */
static int check_head(const struct dmp_head *h, uint64_t mapped, uint64_t size)
{
	struct dmp_head wanted = { .kind = h->kind };
	const struct dmp_meta *meta;

	if (h->size != size || h->data_off != mapped || h->meta_off % DMP_PAGE || h->meta_off > mapped - DMP_PAGE)
		return -EUCLEAN;
	meta = (const void *)((const char *)h + h->meta_off);
	if (!meta->members || meta->members > DMP_SEGMENT_MEMBERS || meta->data_size > size)
		return -EUCLEAN;
	lay_out(&wanted, meta->members, meta->data_size);
	if (!same_places(h, &wanted))
		return -EUCLEAN;
	if (meta->abi != DMP_ABI_VERSION)
		return -EPROTO;
	if (!event_fits(meta) || !dmp_layout_matches_(meta, h->cursor_off - h->meta_off) || !gates_fit(meta))
		return -EUCLEAN;
	return 0;
}

/* The first page, which says how much there is to map. */
static int read_head(struct dmp_head *h, int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || pread(fd, h, sizeof(*h), 0) < (ssize_t)sizeof(h->magic) + 8)
		return -EMEDIUMTYPE;
	*size = (uint64_t)st.st_size;
	if (h->magic != DMP_SEGMENT_MAGIC)
		return -EMEDIUMTYPE;
	if (h->version != DMP_SEGMENT_VERSION)
		return -EPROTO;
	return h->size == *size && h->data_off >= DMP_PAGE && h->data_off < *size ? 0 : -EUCLEAN;
}

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

static void set_places(struct dmp_segment_ *s)
{
	char *base = (void *)s->head;

	s->seats = (void *)(base + s->head->seats_off);
	s->meta = (void *)(base + s->head->meta_off);
	s->lines = (void *)((char *)s->meta + s->meta->notify_off);
	s->table = (void *)((char *)s->meta + s->meta->table_off);
	s->cursor = (void *)(base + s->head->cursor_off);
	s->members = base + s->head->members_off;
}

static int map_head(struct dmp_segment_ *s, int fd)
{
	struct dmp_head h = { 0 };
	uint64_t size = 0;
	int err = read_head(&h, fd, &size);

	if (err)
		return err;
	s->head = mmap(NULL, h.data_off, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->head == MAP_FAILED)
		return -errno;
	s->head_size = h.data_off;
	err = check_head(s->head, s->head_size, size);
	if (err)
		munmap(s->head, s->head_size);
	else
		set_places(s);
	return err;
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
	s->pid = getpid();
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
		munmap(s->data, s->meta->data_size);
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
	size_t size = s->meta->data_size;
	char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int i;

	if (at == MAP_FAILED)
		return -errno;
	for (i = 0; i < 2; i++)
		if (mmap(at + i * size, size, prot, MAP_SHARED | MAP_FIXED | MAP_POPULATE, s->fds[0],
			 (off_t)s->head->data_off) == MAP_FAILED) {
			int err = -errno;

			munmap(at, 2 * size);
			return err;
		}
	madvise(at, 2 * size, MADV_DONTFORK);
	*maps = (struct dmp_maps_){ 0 };
	maps->region[DMP_META_].at = s->meta;
	maps->region[DMP_CURSOR_].at = s->cursor;
	maps->region[DMP_MEMBERS_].at = s->members;
	maps->region[DMP_SELF_].at = s->members + (size_t)index * s->meta->member_size;
	maps->region[DMP_DATA_].at = at;
	maps->region[DMP_DATA_].size = 2 * size;
	return 0;
}
