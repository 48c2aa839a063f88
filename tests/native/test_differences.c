// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_differences.c: the promises that not every backend can keep, by name
 *
 * A table says who keeps which, and why the others cannot. Each line is tried: neither "kept" nor "cannot" is taken on
 * trust. What is not in the table is kept by all: test_promises.c, test_sleep.c, test_arguments.c.
 */
#define _GNU_SOURCE
#include "differences.h"

enum { DMP = 1 << 0, SHM = 1 << 1, FILES = 1 << 2 };

static const struct promise {
	const char *promise;
	int kept_by;
	bool (*is_kept)(void);
	const char *why_not;
} promises[] = {
	{ "a member can be polled: dmp_arm, poll, epoll", DMP, can_be_polled, "a futex is no file" },
	{ "a ring file with fewer rights can be handed on: dmp_ring_restrict", DMP, can_be_restricted,
	  "who has the file can do everything with it" },
	{ "rights by page: a consumer can write its own cursor and nothing else", DMP, rights_are_by_page,
	  "all processes map all pages for writing" },
	{ "exact wakes: who is woken has its barrier crossed", DMP, wakes_are_exact,
	  "a futex wakes all who sleep on a sequence" },
	{ "death is an event: repair in the same step, though nobody looks", DMP, death_is_an_event,
	  "the dead are found by who waits, joins or asks" },
	{ "a dead consumer gates no more", DMP | SHM, a_dead_consumer_gates_no_more,
	  "it holds its place until one of its name and user goes on there" },
	{ "what becomes of a dead consumer's place can be chosen: hold, fail", DMP, has_policies,
	  "nobody is there to keep the time, nor to hear of a death" },
	{ "a consumer can be evicted: dmp_evict", DMP, consumers_can_be_evicted,
	  "it would go on to write what it has mapped" },
	{ "several producers", DMP, has_several_producers,
	  "what the dead have claimed is decided by who hears of a death" },
	{ "consumers can be required: dmp_ring_require", DMP, consumers_can_be_required,
	  "a name cannot be kept for a user where everybody writes everything" },
	{ "a ring says who holds it up: dmp_ring_holdup", DMP, says_who_holds_it_up,
	  "nobody knows of another's threads" },
	{ "the killed leave nothing behind", DMP, the_killed_leave_nothing_behind,
	  "a file stays until somebody wants its name; of file: it is to stay" },
	{ "an inherited descriptor keeps the ring and its name", DMP | FILES, an_inherited_descriptor_keeps_the_ring,
	  "a child has no locks until it uses the ring" },
	{ "SA_RESTART: a wait goes on after a signal", DMP, a_wait_is_restarted,
	  "a futex wait with a timeout is not restarted" },
	{ "rings are charged: RLIMIT_MEMLOCK and quotas", DMP, rings_are_charged, "a file is charged like any file" },
	{ "what is synced survives the machine: dmp_ring_sync", FILES, survives_the_machine, "it is memory" },
};

static int tested(void)
{
	return is_backend("dmp") ? DMP : is_backend("shm") ? SHM : FILES;
}

static void try_promise(const struct promise *p)
{
	struct address name = new_address("promise");
	bool kept;

	ring = create_ring(&name, 0);
	kept = p->is_kept();
	dmp_ring_close(ring);
	print_message("  %s: %s%s\n", p->promise, kept ? "kept" : "cannot be kept: ", kept ? "" : p->why_not);
	assert_int_equal(kept, !!(p->kept_by & tested()));
}

static void every_backend_keeps_what_the_table_says(void **state)
{
	const char *backend = getenv("DMP_TEST_BACKEND");

	(void)state;
	shared = shared_memory(sizeof(*shared));
	print_message("%s\n", backend ? backend : "dmp");
	for (size_t i = 0; i < ARRAY_SIZE(promises); i++)
		try_promise(&promises[i]);
	free_shared_memory(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_backend_keeps_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
