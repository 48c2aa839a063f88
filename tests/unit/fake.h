/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * fake.h: a ring in ordinary memory, behind the library's system calls
 *
 * Replaces lib/sys.c: JOIN and LEAVE keep the gate mask, the generation and the member table as the kernel does; the
 * other calls are counted, and WAIT and ARM ask a function of the test. One ring at a time.
 */
#ifndef DMP_TESTS_UNIT_FAKE_H
#define DMP_TESTS_UNIT_FAKE_H

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

#include "sys.h"

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

/* ---- membership ---- */

static uint32_t fake_free_slot(void)
{
	uint32_t i = 0;

	while (fake_entry(i)->state == DMP_MEMBER_JOINED)
		i++;
	return i;
}

static uint64_t fake_deps(const struct dmp_join *args)
{
	uint64_t deps = 0;
	uint32_t i, k;

	if (args->ndeps)
		memcpy(fake.after, (void *)(uintptr_t)args->deps, args->ndeps * sizeof(fake.after[0]));
	for (i = 0; i < args->ndeps; i++)
		for (k = 0; k < DMP_MAX_GATES; k++)
			if (!strcmp(fake_entry(k)->name, fake.after[i]))
				deps |= 1ULL << k;
	return deps;
}

static void fake_join_consumer(struct dmp_join *args, uint32_t i)
{
	fake_entry(i)->deps = fake_deps(args);
	fake.meta->gates |= 1ULL << i;
	fake_own(i)->cursor = args->position;
}

static int fake_join(struct dmp_join *args)
{
	uint32_t i = fake_free_slot();
	struct dmp_entry *e = fake_entry(i);

	fake.join = *args;
	e->state = DMP_MEMBER_JOINED;
	e->role = args->role;
	e->incarnation++;
	memcpy(e->name, args->name, sizeof(e->name));
	args->index = i;
	args->incarnation = e->incarnation;
	args->meta_size = FAKE_META_SIZE;
	if (args->from != DMP_FROM_POSITION)
		args->position = fake.cursor->cursor;
	e->start = args->position;
	if (args->role == DMP_ROLE_CONSUMER)
		fake_join_consumer(args, i);
	if (args->role == DMP_ROLE_PRODUCER)
		fake.meta->ended = DMP_END_OPEN;
	fake.meta->generation++;
	return FAKE_MEMBER_FD + (int)i;
}

static void fake_leave(uint32_t i)
{
	uint32_t k;

	fake_entry(i)->incarnation++;
	fake_entry(i)->state = DMP_MEMBER_FREE;
	fake_entry(i)->name[0] = 0;
	if (fake_entry(i)->role == DMP_ROLE_CONSUMER)
		fake.meta->gates &= ~(1ULL << i);
	for (k = 0; k < DMP_MAX_GATES; k++)
		fake_entry(k)->deps &= ~(1ULL << i);
	fake.meta->generation++;
}

static inline void fake_end(uint32_t how)
{
	fake.meta->ended = how;
	fake.meta->generation++;
}

/* ---- the system calls ---- */

int dmp_sys_open(const char *path, int flags)
{
	assert_string_equal(path, DMP_DEVICE);
	fake.flags = flags;
	if (fake.open_error)
		return fake.open_error;
	fake.opens++;
	return FAKE_RING_FD;
}

void dmp_sys_close(int fd)
{
	assert_true(fd >= FAKE_RING_FD);
	fake.closes++;
}

static int fake_wait(uint32_t *count, const struct dmp_wait *args)
{
	(*count)++;
	fake.wait = *args;
	assert_int_equal(args->size, sizeof(*args));
	return fake.on_wait ? fake.on_wait() : 0;
}

int dmp_sys_ioctl(int fd, unsigned long request, void *arg)
{
	if (request == DMP_IOC_WAIT)
		return fake_wait(&fake.waits, arg);
	if (request == DMP_IOC_ARM)
		return fake_wait(&fake.arms, arg);
	if (fake.error)
		return fake.error;
	switch (request) {
	case DMP_IOC_CREATE:
		fake.create = *(struct dmp_create *)arg;
		return 0;
	case DMP_IOC_OPEN:
		fake.open = *(struct dmp_open *)arg;
		return 0;
	case DMP_IOC_BIND:
		fake.bind = *(struct dmp_bind *)arg;
		return 0;
	case DMP_IOC_UNLINK:
		fake.unlink = *(struct dmp_unlink *)arg;
		return 0;
	case DMP_IOC_JOIN:
		return fake_join(arg);
	case DMP_IOC_LEAVE:
		fake_leave((uint32_t)(fd - FAKE_MEMBER_FD));
		return 0;
	case DMP_IOC_WAKE:
		fake.wakes++;
		return fake.woken;
	case DMP_IOC_FINISH:
		fake.finishes++;
		return 0;
	case DMP_IOC_INFO:
		return 0;
	case DMP_IOC_LIST:
		return fd < FAKE_MEMBER_FD ? -ENOENT : -ENOTTY;
	default:
		fail_msg("ioctl %#lx", request);
		return -ENOTTY;
	}
}

int dmp_sys_map(void **at, size_t size, int prot, int fd, uint64_t offset)
{
	void *regions[] = { fake.meta, fake.cursor, fake.members,
			    fake.members + (fd - FAKE_MEMBER_FD) * FAKE_MEMBER_SIZE, fake.data };
	unsigned int r = (unsigned int)(offset >> 32);

	assert_true(r < 5 && !(offset & UINT32_MAX));
	if (offset == DMP_OFF_DATA && fake.map_error)
		return fake.map_error;
	fake.prot[r] = prot;
	fake.size[r] = size;
	fake.mapped++;
	*at = regions[r];
	return 0;
}

void dmp_sys_unmap(void *at, size_t size)
{
	assert_non_null(at);
	assert_true(size);
	fake.mapped--;
}

uint64_t dmp_sys_now(void)
{
	fake.clock_reads++;
	return fake.now++;
}

void dmp_sys_yield(void)
{
	fake.yields++;
}

/* ---- members ---- */

static inline struct dmp_ring *fake_ring(void)
{
	static const struct dmp_ring_options options = { .slots = 1, .event_size = 1 };
	struct dmp_ring *ring;

	assert_int_equal(dmp_ring_create(&ring, NULL, &options), 0);
	return ring;
}

static inline struct dmp_member *fake_member(uint32_t role, const struct dmp_join_options *options)
{
	struct dmp_ring *ring = fake_ring();
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, options, &m), 0);
	dmp_ring_close(ring);
	return m;
}

static inline struct dmp_member *fake_producer(void)
{
	return fake_member(DMP_ROLE_PRODUCER, NULL);
}

/* A consumer that spins, after one other or none. */
static inline struct dmp_member *fake_consumer(const char *name, const char *after)
{
	const struct dmp_join_options options = {
		.name = name, .after = &after, .after_count = after ? 1 : 0, .wait = &dmp_wait_spin
	};

	return fake_member(DMP_ROLE_CONSUMER, &options);
}

static inline void fake_publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos, i;

	assert_int_equal(dmp_try_claim(p, n, &pos), 0);
	for (i = pos; i < pos + n; i++)
		memcpy(dmp_slot(p, i), &i, sizeof(i));
	dmp_publish(p, pos, n);
}

static inline uint64_t fake_value(const void *event)
{
	uint64_t value;

	memcpy(&value, event, sizeof(value));
	return value;
}

/* ---- what a member is given ---- */

static inline void expect_batch(struct dmp_member *m, uint64_t n, uint64_t pos, uint64_t end)
{
	struct dmp_batch b = { 77, 77 };

	assert_int_equal(dmp_try_wait(m, n, &b), 0);
	assert_int_equal(b.pos, pos);
	assert_int_equal(b.end, end);
}

static inline void expect_nothing(struct dmp_member *m, uint64_t n, int err)
{
	struct dmp_batch b = { 77, 77 };

	assert_int_equal(dmp_try_wait(m, n, &b), err);
	assert_int_equal(b.pos, 77);
	assert_int_equal(b.end, 77);
}

#endif /* DMP_TESTS_UNIT_FAKE_H */
