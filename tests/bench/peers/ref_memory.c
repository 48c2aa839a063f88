/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ref_memory: ref_inplace on other memory than pages of 4 KiB that are there beforehand: pages of 2 MiB (transparent, so
 * that nothing of the machine is reconfigured), and pages that come when they are touched
 */
#define _GNU_SOURCE
#include "../peer.h"

#include <stdio.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

enum { SMALL, HUGE, LATE };

static const struct peer peers[] = {
	{ .name = "ref_4k_pages", .tests = STREAM, .slots = { 65536, 1048576 }, .publish = { 32 }, .variant = SMALL },
	{ .name = "ref_2m_pages", .tests = STREAM, .slots = { 65536, 1048576 }, .publish = { 32 }, .variant = HUGE },
	{ .name = "ref_late_pages", .tests = STREAM, .slots = { 65536, 1048576 }, .publish = { 32 }, .variant = LATE },
};

/* KiB of this process's shared memory that lie in 2 MiB pages. */
static size_t huge_kib(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[128];
	size_t kib = 0;

	bench_check(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "ShmemPmdMapped: %zu kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* Whether it is so is the kernel's choice: refuse to measure anything else. */
static void make_huge(char *p, size_t bytes)
{
	size_t before = huge_kib();

	bench_check(!madvise(p, bytes, MADV_HUGEPAGE));
	bench_check(!madvise(p, bytes, MADV_POPULATE_WRITE));
	if (huge_kib() - before != bytes / 1024)
		bench_fail("no 2 MiB pages: see /sys/kernel/mm/transparent_hugepage/shmem_enabled");
}

/* At an address that 2 MiB pages can have. */
static char *map_aligned(size_t size)
{
	char *p = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_check(p != MAP_FAILED);
	p += -(uintptr_t)p % HUGE_PAGE;
	bench_check(mmap(p, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	return p;
}

static void *memory_of(const struct peer *peer, size_t bytes)
{
	size_t size = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	char *p = map_aligned(size);

	if (peer->variant == HUGE)
		make_huge(p, size);
	else if (peer->variant == SMALL)
		bench_check(!madvise(p, size, MADV_POPULATE_WRITE));
	return p;
}

#define SHARED_MEMORY(peer, bytes) memory_of(peer, bytes)

#include "ref_inplace.c"
