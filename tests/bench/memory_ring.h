/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * memory_ring.h: a ring of the module without the module: in plain memory that children share
 *
 * Rings with several producers are the module's alone, and the benchmark runs where no module is. So this stands in for
 * lib/sys.c: it lays a ring out and keeps the member table and the gates as the kernel does when somebody joins. All that
 * happens per event, claim and wait is the library's own code, fast paths and slow. Nobody may sleep, leave or die: wait by
 * spinning or yielding. One ring per program.
 */
#ifndef BENCH_MEMORY_RING_H
#define BENCH_MEMORY_RING_H

#include <dmp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "sys.h"

#define MEMORY_MEMBERS	   64
#define MEMORY_RING_FD	   1000
#define MEMORY_MEMBER_FD   2000
#define MEMORY_NOTIFY_OFF  (3 * DMP_LINE)
#define MEMORY_TABLE_OFF   8192
#define MEMORY_META_SIZE   (5 * DMP_PAGE)
#define MEMORY_MEMBER_SIZE (2 * DMP_PAGE)

static struct {
	struct dmp_meta *meta;
	struct dmp_cursor *cursor;
	char *members, *data;
	struct {
		uint32_t locked, count;
	} * joined;
} memory_ring;

/* ---- create ---- */

/* The same pages twice in a row. */
static char *memory_twice(size_t size)
{
	int fd = memfd_create("slots", MFD_CLOEXEC);
	char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_check(fd >= 0 && at != MAP_FAILED && !ftruncate(fd, (off_t)size));
	for (int i = 0; i < 2; i++)
		bench_check(mmap(at + i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
				 0) == at + i * size);
	close(fd);
	return at;
}

static struct dmp_meta memory_layout(const struct dmp_create *args)
{
	bool stamped = args->flags & DMP_RING_STAMPED;
	uint32_t stride = dmp_stride(args->event_size, stamped);

	return (struct dmp_meta){
		.magic = DMP_MAGIC,
		.abi = DMP_ABI_VERSION,
		.flags = args->flags,
		.slots = args->slots,
		.event_size = args->event_size,
		.stride = stride,
		.payload_off = stamped ? 8 : 0,
		.members = MEMORY_MEMBERS,
		.member_size = MEMORY_MEMBER_SIZE,
		.notify_off = MEMORY_NOTIFY_OFF,
		.table_off = MEMORY_TABLE_OFF,
		.meta_size = MEMORY_META_SIZE,
		.data_size = args->slots * stride,
	};
}

static int memory_create(const struct dmp_create *args)
{
	struct dmp_notify *lines;

	bench_check(!memory_ring.meta);
	memory_ring.meta = bench_shared(MEMORY_META_SIZE);
	memory_ring.cursor = bench_shared(DMP_PAGE);
	memory_ring.members = bench_shared(MEMORY_MEMBERS * MEMORY_MEMBER_SIZE);
	memory_ring.joined = bench_shared(sizeof(*memory_ring.joined));
	*memory_ring.meta = memory_layout(args);
	memory_ring.data = memory_twice(memory_ring.meta->data_size);
	lines = (void *)((char *)memory_ring.meta + MEMORY_NOTIFY_OFF);
	for (uint32_t i = 0; i <= DMP_MAX_GATES; i++)
		lines[i].notify = DMP_NOBODY;
	return 0;
}

/* ---- join ---- */

static void memory_enter(uint32_t i, struct dmp_join *args)
{
	struct dmp_entry *entry = (struct dmp_entry *)(void *)((char *)memory_ring.meta + MEMORY_TABLE_OFF) + i;

	entry->state = DMP_MEMBER_JOINED;
	entry->role = args->role;
	entry->incarnation = 1;
	memcpy(entry->name, args->name, sizeof(entry->name));
	args->index = i;
	args->incarnation = 1;
	args->meta_size = MEMORY_META_SIZE;
	args->position = 0; /* they all join before anybody begins */
}

static void memory_count(struct dmp_meta *meta, uint32_t i, uint32_t role)
{
	if (role == DMP_ROLE_CONSUMER) {
		meta->gates |= 1ULL << i;
	} else {
		meta->producers++;
		meta->writers |= 1ULL << (MEMORY_MEMBERS - 1 - i);
		meta->epoch++;
		meta->ended = DMP_END_OPEN;
	}
	meta->generation++;
}

static int memory_join(struct dmp_join *args)
{
	uint32_t i;

	while (__atomic_exchange_n(&memory_ring.joined->locked, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	i = memory_ring.joined->count++;
	memory_enter(i, args);
	memory_count(memory_ring.meta, i, args->role);
	__atomic_store_n(&memory_ring.joined->locked, 0, __ATOMIC_RELEASE);
	return MEMORY_MEMBER_FD + (int)i;
}

/* ---- what the library calls ---- */

int dmp_sys_open(const char *path, int flags)
{
	(void)path;
	(void)flags;
	return MEMORY_RING_FD;
}

void dmp_sys_close(int fd)
{
	(void)fd;
}

int dmp_sys_ioctl(int fd, unsigned long request, void *arg)
{
	(void)fd;
	if (request == DMP_IOC_CREATE)
		return memory_create(arg);
	if (request == DMP_IOC_JOIN)
		return memory_join(arg);
	bench_fail("ioctl %#lx: a ring in plain memory has no kernel", request);
}

int dmp_sys_map(void **at, size_t size, int prot, int fd, uint64_t offset)
{
	char *self = memory_ring.members + (size_t)(fd - MEMORY_MEMBER_FD) * MEMORY_MEMBER_SIZE;
	void *regions[] = { memory_ring.meta, memory_ring.cursor, memory_ring.members, self, memory_ring.data };

	(void)size;
	(void)prot;
	*at = regions[offset >> 32];
	return 0;
}

void dmp_sys_unmap(void *at, size_t size)
{
	(void)at;
	(void)size;
}

#endif /* BENCH_MEMORY_RING_H */
