/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * fake.h: a ring in ordinary memory, behind the library's system calls
 *
 * Replaces lib/sys.c: JOIN and LEAVE keep the gate mask, the generation and the member table as the kernel does; the
 * other calls are counted, and WAIT and ARM ask a function of the test. One ring at a time.
 */
#ifndef DMP_TESTS_UNIT_FAKE_H
#define DMP_TESTS_UNIT_FAKE_H

#include "fake_ring.h"
#include "sys.h"

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
