/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* death_account.h: how many died, how, how fast their place was vacant, and whether their memory came back */
#ifndef DMP_DEATH_ACCOUNT_H
#define DMP_DEATH_ACCOUNT_H

#include "death_cast.h"

#define CGROUP "/sys/fs/cgroup/dmp-death"

/* Of the whole run; shared, for the director is a process of its own. */
struct account {
	uint64_t deaths, manners[MANNERS], parts[PARTS];
	uint64_t timed; /* from SIGKILL to the vacant place */
	uint64_t ns[4096];
	uint64_t rings, ring_bytes;
};

static inline void note(struct account *t, const struct actor *a)
{
	t->deaths++;
	t->manners[a->manner]++;
	t->parts[a->part]++;
}

static inline int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline void print_account(struct account *t)
{
	uint64_t n = t->timed < ARRAY_SIZE(t->ns) ? t->timed : ARRAY_SIZE(t->ns);

	for (int i = 0; i < MANNERS; i++)
		print_message("  %6" PRIu64 "  %s\n", t->manners[i], manner_names[i]);
	for (int i = 0; i < PARTS; i++)
		print_message("  %6" PRIu64 "  of the part \"%s\"\n", t->parts[i], part_names[i]);
	assert_true(n > 0);
	qsort(t->ns, n, sizeof(t->ns[0]), by_size);
	print_message("kill to un-gating, %" PRIu64 " times: median %" PRIu64 " us, max %" PRIu64 " us\n", n,
		      t->ns[n / 2] / 1000, t->ns[n - 1] / 1000);
}

/* ---- the cgroup they lived in ---- */

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline uint64_t read_number(const char *path)
{
	unsigned long long n;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%llu", &n), 1);
	fclose(f);
	return n;
}

/* Writing the limit (the soft one: nobody is killed for it) makes the kernel give back what each CPU has charged in advance: what remains is used. */
static inline uint64_t memory_left(void)
{
	write_file(CGROUP "/memory.high", "0");
	return read_number(CGROUP "/memory.current");
}

static inline void check_memory_is_back(const struct account *t)
{
	assert_true(stress_until(read_number("/sys/module/dmp/refcnt") == 0));
	assert_true(stress_until(memory_left() < t->ring_bytes));
	print_message("%" PRIu64 " rings of %" PRIu64 " bytes gone; their cgroup has %" PRIu64 " bytes left in use\n",
		      t->rings, t->ring_bytes, memory_left());
	assert_true(stress_until(rmdir(CGROUP) == 0));
}

#endif /* DMP_DEATH_ACCOUNT_H */
