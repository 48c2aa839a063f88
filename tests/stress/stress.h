/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* stress.h: what the stress tests share: seeds, what an event holds, rings of all kinds, states to wait for */
#ifndef DMP_STRESS_H
#define DMP_STRESS_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmp.h>
#include <dmp/order.h>

#include "../helpers.h"

/* ---- chance: one seed makes the same run again, as far as the scheduler lets it ---- */

static inline uint64_t stress_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15ULL;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

static inline uint64_t stress_below(uint64_t *state, uint64_t limit)
{
	return stress_random(state) % limit;
}

/* DMP_SEED, or a new one; printed either way. */
static inline uint64_t stress_seed(void)
{
	const char *given = getenv("DMP_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : now_ns() % 1000000007ULL;

	print_message("seed %" PRIu64 " (DMP_SEED=%" PRIu64 " runs it again)\n", seed, seed);
	return seed;
}

/* So many turns of nothing; no PAUSE, which an emulator takes for leave to do something else. */
static inline void stress_spin(uint64_t turns)
{
	while (turns--)
		dmp_compiler_barrier();
}

/* A delay of any order of magnitude below 2^most turns: races live at all of them. */
static inline void stress_delay(uint64_t *state, uint32_t most)
{
	stress_spin(stress_below(state, 1ULL << stress_below(state, most + 1)));
}

/* ---- states: looked for until they are there ---- */

static inline void stress_pause(void)
{
	const struct timespec t = { .tv_nsec = 100000 };

	nanosleep(&t, NULL);
}

/* Looks until cond holds; false if it has not within two minutes, far beyond any honest delay. */
#define stress_until(cond)                                    \
	({                                                    \
		uint64_t end_ = now_ns() + 12 * LONG_NS;      \
		bool holds_;                                  \
		while (!(holds_ = (cond)) && now_ns() < end_) \
			stress_pause();                       \
		holds_;                                       \
	})

/* ---- what an event holds: every word tells its position, so that a torn, lost or overwritten one shows ---- */

static inline uint64_t stress_word(uint64_t pos, uint32_t i)
{
	uint64_t x = (pos + 1) * 0x9E3779B97F4A7C15ULL + i * 0xD1B54A32D192ED03ULL;

	return x ^ (x >> 29);
}

static inline void stress_fill(void *event, uint32_t size, uint64_t pos)
{
	uint64_t *word = event;

	for (uint32_t i = 0; i < size / 8; i++)
		word[i] = stress_word(pos, i);
}

static inline bool stress_intact(const void *event, uint32_t size, uint64_t pos)
{
	const uint64_t *word = event;
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < size / 8; i++)
		wrong |= word[i] ^ stress_word(pos, i);
	return !wrong;
}

/* ---- rings: each test runs on all kinds ---- */

struct stress_kind {
	const char *name;
	uint32_t flags;
	uint32_t event_size;
};

static const struct stress_kind stress_kinds[] = {
	{ "packed", 0, 64 },
	{ "stamped", DMP_RING_STAMPED, 56 },
	{ "several producers", DMP_RING_STAMPED | DMP_RING_MULTI, 56 },
};

#define STRESS_ONE_PRODUCER 2 /* so many of them, the first, have one producer */

#define stress_each_kind(kind) \
	for (const struct stress_kind *kind = stress_kinds; kind < stress_kinds + ARRAY_SIZE(stress_kinds); kind++)

/* How many produce at once. */
static inline int stress_producers(const struct stress_kind *kind)
{
	return kind->flags & DMP_RING_MULTI ? 2 : 1;
}

static inline struct dmp_ring *stress_ring(const struct stress_kind *kind, uint64_t slots)
{
	return make_ring(slots, kind->event_size, kind->flags);
}

static inline struct dmp_info stress_info(const struct dmp_ring *ring)
{
	return ring_info(dmp_ring_fd(ring));
}

/* Where a grace period is no barrier for whoever spins in user space, or costs too much, no ring is ever quiet. */
static inline bool stress_always_fenced(void)
{
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	return strstr(name.version, "PREEMPT_RT") != NULL;
}

/* ---- members that wait in a way of their own ---- */

static inline struct dmp_member *stress_join(struct dmp_ring *ring, uint32_t role, const char *name,
					     const struct dmp_wait_strategy *wait)
{
	struct dmp_join_options options = { .name = name, .wait = wait };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &m), 0);
	return m;
}

/* A consumer that waits for others too, at most two. */
static inline struct dmp_member *stress_after(struct dmp_ring *ring, const char *name, const char *one, const char *two,
					      const struct dmp_wait_strategy *wait)
{
	const char *after[] = { one, two };
	struct dmp_join_options options = {
		.name = name,
		.after = after,
		.after_count = two ? 2 : 1,
		.wait = wait,
	};
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &m), 0);
	return m;
}

#endif /* DMP_STRESS_H */
