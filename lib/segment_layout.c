// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* segment_layout.c: the file of a ring that no kernel owns: where everything lies, and whether it does */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

	if (a->flags & ~KNOWN_FLAGS || a->mode & ~0777U || !a->members || !a->event_size || a->event_size > MOST_EVENT)
		return -EINVAL;
	if (a->flags & DMP_RING_MULTI)
		return a->flags & DMP_RING_STAMPED ? -EOPNOTSUPP : -EINVAL;
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

static bool event_fits(const struct dmp_meta *meta)
{
	return meta->event_size && meta->event_size <= MOST_EVENT && meta->member_size == MEMBER_SIZE &&
	       meta->table_off == table_off() && meta->notify_off == NOTIFY_OFF;
}

int dmp_segment_check_(const struct dmp_head *h, const struct dmp_meta *meta, uint64_t size)
{
	struct dmp_head wanted = { .kind = h->kind };

	if (!meta->members || meta->members > DMP_SEGMENT_MEMBERS || meta->data_size > size)
		return -EUCLEAN;
	lay_out(&wanted, meta->members, meta->data_size);
	if (!same_places(h, &wanted))
		return -EUCLEAN;
	if (meta->abi != DMP_ABI_VERSION || meta->flags & DMP_RING_MULTI)
		return -EPROTO;
	if (!event_fits(meta) || !dmp_layout_matches_(meta, h->cursor_off - h->meta_off))
		return -EUCLEAN;
	return 0;
}

/* The first page, which says how much there is to map. */
int dmp_segment_read_(struct dmp_head *h, int fd, uint64_t *size)
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
