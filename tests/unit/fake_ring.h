/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* fake_ring.h: a ring in ordinary memory, what the library did with it, and what the kernel is to answer */
#ifndef DMP_TESTS_UNIT_FAKE_RING_H
#define DMP_TESTS_UNIT_FAKE_RING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <dmp.h>

#define FAKE_MEMBERS	 70
#define FAKE_RING_FD	 1000
#define FAKE_MEMBER_FD	 2000
#define FAKE_NOTIFY_OFF	 (3 * DMP_LINE)
#define FAKE_TABLE_OFF	 8192
#define FAKE_META_SIZE	 (5 * DMP_PAGE)
#define FAKE_MEMBER_SIZE (2 * DMP_PAGE)

struct fake {
	/* The ring. */
	struct dmp_meta *meta;
	struct dmp_cursor *cursor;
	char *members, *data;
	size_t data_size;
	/* What the library did. */
	uint32_t waits, arms, wakes, finishes, yields, clock_reads, opens, closes;
	uint32_t mapped; /* regions */
	struct dmp_wait wait;
	struct dmp_create create;
	struct dmp_open open;
	struct dmp_bind bind;
	struct dmp_unlink unlink;
	struct dmp_join join;
	char after[DMP_MAX_GATES][DMP_MEMBER_NAME_MAX];
	int flags;   /* of the last open() */
	int prot[8]; /* of the regions as mapped, by offset >> 32 */
	size_t size[8];
	/* What the kernel answers. */
	int open_error;	      /* of open() */
	int error;	      /* of any ioctl but WAIT and ARM */
	int map_error;	      /* of mapping the data */
	int woken;	      /* how many a WAKE finds */
	int (*on_wait)(void); /* what WAIT and ARM do and return */
	uint64_t now;	      /* the clock: each look at it adds one */
};

static struct fake fake;

static inline struct dmp_entry *fake_entry(uint32_t i)
{
	return (struct dmp_entry *)(void *)((char *)fake.meta + FAKE_TABLE_OFF) + i;
}

static inline struct dmp_notify *fake_line(uint32_t sequence)
{
	return (struct dmp_notify *)(void *)((char *)fake.meta + FAKE_NOTIFY_OFF) + sequence;
}

static inline struct dmp_own *fake_own(uint32_t i)
{
	return (struct dmp_own *)(void *)(fake.members + i * FAKE_MEMBER_SIZE + dmp_own_offset(i));
}

static inline __u64 *fake_stamp(uint64_t n)
{
	return (__u64 *)(void *)(fake.data + dmp_slot_offset(n, fake.meta->slots, fake.meta->stride));
}

/* ---- memory ---- */

static void *fake_pages(size_t size)
{
	void *at = aligned_alloc(DMP_PAGE, size);

	assert_non_null(at);
	memset(at, 0, size);
	return at;
}

/* The same pages twice in a row. */
static char *fake_twice(size_t size)
{
	int fd = memfd_create("slots", 0);
	char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	assert_true(fd >= 0 && at != MAP_FAILED && !ftruncate(fd, (off_t)size));
	for (i = 0; i < 2; i++)
		assert_ptr_equal(at + i * size,
				 mmap(at + i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
	close(fd);
	return at;
}

static inline void fake_destroy(void)
{
	free(fake.meta);
	free(fake.cursor);
	free(fake.members);
	if (fake.data)
		munmap(fake.data, 2 * fake.data_size);
	fake = (struct fake){ 0 };
}

static inline void fake_create(uint64_t slots, uint32_t event_size, uint32_t flags)
{
	uint32_t stride = dmp_stride(event_size, flags & DMP_RING_STAMPED), i;

	fake_destroy();
	fake.data_size = slots * stride;
	fake.meta = fake_pages(FAKE_META_SIZE);
	fake.cursor = fake_pages(DMP_PAGE);
	fake.members = fake_pages(FAKE_MEMBERS * FAKE_MEMBER_SIZE);
	fake.data = fake_twice(fake.data_size);
	*fake.meta = (struct dmp_meta){
		.magic = DMP_MAGIC,
		.abi = DMP_ABI_VERSION,
		.flags = flags,
		.slots = slots,
		.event_size = event_size,
		.stride = stride,
		.payload_off = flags & DMP_RING_STAMPED ? 8 : 0,
		.members = FAKE_MEMBERS,
		.member_size = FAKE_MEMBER_SIZE,
		.notify_off = FAKE_NOTIFY_OFF,
		.table_off = FAKE_TABLE_OFF,
		.meta_size = FAKE_META_SIZE,
		.data_size = fake.data_size,
		.unrecorded = 1, /* the stamps alone tell what is published */
	};
	for (i = 0; i <= DMP_MAX_GATES; i++)
		fake_line(i)->notify = DMP_NOBODY;
}

#endif /* DMP_TESTS_UNIT_FAKE_RING_H */
