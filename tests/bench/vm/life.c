/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * life: what a ring and a member cost to set up and to take away; microseconds
 *
 *   life      create and join; also: create, join_first, join, leave, destroy. join is with its maps; join_first is a
 *             process's first, when the kernel begins to watch it, see kmod/identity.c. Peer memfd: as much memory of a
 *             memfd, joined by mapping it twice in a row.
 *   switch    arm a member of a quiet ring: to fenced, with the grace period. Also: again, which needs none; fences,
 *             grace periods run per switch, by INFO
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <dmp.h>

#include "../bench.h"

#define SLOT_BYTES 64
#define MOST	   64 /* repetitions */

enum step { CREATE, JOIN_FIRST, JOIN, LEAVE, DESTROY, SWITCH, AGAIN, STEPS };

static struct {
	uint32_t ns[MOST];
	uint32_t count;
} steps[STEPS];

static uint64_t fences;

/* Times what the expression does. */
#define TIME(step, expression)                                              \
	do {                                                                \
		uint64_t start_ = bench_now();                              \
		expression;                                                 \
		steps[step].ns[steps[step].count++] = bench_now() - start_; \
	} while (0)

/* ---- dmp ---- */

static void arm_twice(struct dmp_ring *ring)
{
	const struct dmp_join_options options = { .name = "sleeper" };
	struct dmp_member *consumer;
	struct dmp_info info;

	bench_check(!dmp_join(ring, DMP_ROLE_CONSUMER, &options, &consumer));
	TIME(SWITCH, bench_check(!dmp_arm(consumer, 1)));
	TIME(AGAIN, bench_check(!dmp_arm(consumer, 1)));
	bench_check(!dmp_ring_info(ring, &info));
	fences += info.fences;
	dmp_leave(consumer);
}

static void live_dmp(uint64_t bytes, bool first)
{
	const struct dmp_ring_options options = {
		.slots = bytes / SLOT_BYTES,
		.event_size = SLOT_BYTES - 8,
		.flags = DMP_RING_STAMPED,
	};
	struct dmp_member *member;
	struct dmp_ring *ring;

	TIME(CREATE, bench_check(!dmp_ring_create(&ring, NULL, &options)));
	if (first) {
		TIME(JOIN_FIRST, bench_check(!dmp_join(ring, DMP_ROLE_PRODUCER, NULL, &member)));
		dmp_leave(member);
	}
	TIME(JOIN, bench_check(!dmp_join(ring, DMP_ROLE_PRODUCER, NULL, &member)));
	arm_twice(ring); /* not after the last producer has left: that ends the stream */
	TIME(LEAVE, dmp_leave(member));
	TIME(DESTROY, dmp_ring_close(ring));
}

/* ---- memfd ---- */

static int memfd(uint64_t bytes)
{
	int fd = memfd_create("life", MFD_CLOEXEC);

	bench_check(fd >= 0 && !fallocate(fd, 0, 0, (off_t)bytes));
	return fd;
}

static char *map_twice(int fd, uint64_t bytes)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE | MAP_FIXED;
	char *at = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_check(at != MAP_FAILED);
	bench_check(mmap(at, bytes, prot, flags, fd, 0) == at);
	bench_check(mmap(at + bytes, bytes, prot, flags, fd, 0) == at + bytes);
	return at;
}

static void live_memfd(uint64_t bytes)
{
	char *at;
	int fd;

	TIME(CREATE, fd = memfd(bytes));
	TIME(JOIN, at = map_twice(fd, bytes));
	TIME(LEAVE, munmap(at, 2 * bytes));
	TIME(DESTROY, close(fd));
}

/* ---- cells ---- */

static double median_us(enum step step)
{
	return bench_percentile(steps[step].ns, steps[step].count, 0.5) / 1e3;
}

static void report_life(void)
{
	static const char *const names[] = {
		[CREATE] = "create", [JOIN_FIRST] = "join_first", [JOIN] = "join",
		[LEAVE] = "leave",   [DESTROY] = "destroy",
	};

	bench_value("us", median_us(CREATE) + median_us(JOIN));
	for (int step = CREATE; step <= DESTROY; step++)
		if (steps[step].count)
			bench_also(names[step], median_us(step));
}

static void report_switch(void)
{
	bench_value("us", median_us(SWITCH));
	bench_also("again", median_us(AGAIN));
	bench_also("fences", (double)fences / steps[SWITCH].count);
}

static void measure(const struct bench_cell *cell)
{
	uint64_t bytes = (uint64_t)cell->slots * SLOT_BYTES, end = bench_now() + bench_budget_ns();

	bench_pin(0);
	for (int i = 0; i < MOST && (!i || bench_now() < end); i++) {
		if (!strcmp(cell->peer, "memfd"))
			live_memfd(bytes);
		else
			live_dmp(bytes, !i);
	}
	if (!strcmp(cell->test, "switch"))
		report_switch();
	else
		report_life();
}

#define CELLS(slots)                          \
	{ "life", "dmp", 56, slots, 0 },      \
	{                                     \
		"life", "memfd", 56, slots, 0 \
	}

/* 64 KiB, 1 MiB, 64 MiB. */
static const struct bench_cell cells[] = {
	CELLS(1024),
	CELLS(16384),
	CELLS(1048576),
	{ "switch", "dmp", 56, 1024, 0 },
};

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(cells[0]), measure);
}
