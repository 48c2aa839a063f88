/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * storm: producers and consumers of a graph are killed at random moments, one after the other; nobody is ever stuck,
 * nothing that was published is lost, and nothing is repaired whose producer lives
 *
 *   storm_cast.h   the members: 4 producers, 4 consumers in a graph, and one that sees all and is never killed
 *   storm_log.h    what each of them writes down, outside of the ring
 *   storm_round.h  the director, who kills them
 *   storm_check.h  whether what they wrote fits together, and with what the ring has counted
 *
 *   storm_lies.h   logs in which something is wrong, each of which must be found out
 *
 * That the fault is found when it is there is tested, too: with those logs, and with producers that keep no record.
 */
#define _GNU_SOURCE
#include "storm_lies.h"
#include "storm_round.h"

#define KILLS_PER_ROUND 10 /* then a ring of another size, and another policy */

static void print_storm(const struct storm *s)
{
	print_message("%" PRIu64 " kills in %" PRIu64 " rounds, %" PRIu64 " producers stopped meanwhile, %" PRIu64
		      " consumers failed with those they came after\n",
		      s->kills, s->rounds, s->stops, s->failed);
	print_message("  %9" PRIu64 "  positions claimed\n", s->sum.end);
	print_message("  %9" PRIu64 "  published, and read %" PRIu64 " times\n", s->sum.given, s->sum.read);
	print_message("  %9" PRIu64 "  given up by their producer\n", s->sum.gave_up);
	print_message("  %9" PRIu64 "  aborted by the kernel, all of the dead; %" PRIu64
		      " by who died before it could say that it had them\n",
		      s->sum.orphans, s->sum.unsaid);
	print_message("  %9" PRIu64
		      "  aborted by their producer or after its death; repaired by the ring's count: %" PRIu64 "\n",
		      s->sum.either, s->sum.repaired);
}

static void whoever_dies_nothing_is_lost_and_nobody_is_stuck(void **state)
{
	struct storm s = { .seed = stress_seed() };
	uint64_t kills = rounds(500, 10000);

	(void)state;
	while (s.kills < kills) {
		uint64_t end = s.kills + KILLS_PER_ROUND;

		one_round(&s, end < kills ? end : kills);
	}
	print_storm(&s);
	assert_int_equal(s.kills, kills);
	if (!is_debug_kernel()) /* of the few there it may be that nobody died with a claim open */
		assert_true(s.sum.orphans > 0 && s.stops > 0);
}

/* ---- controls: the faults are found when they are there ---- */

/* Its record is how the kernel knows that a claim's owner lives. Without it all that is open is repaired at any death. */
static void a_claim_that_is_repaired_while_its_producer_lives_is_found(void **state)
{
	struct storm s = { .seed = stress_seed(), .unrecorded = true };

	(void)state;
	open_round(&s);
	store_shared(&s.log->quiet, 1);
	while (!s.log->faults[REPAIRED_ALIVE] && s.kills < 100 && !is_full(&s))
		strike(&s, 4);
	kill_all(&s);
	print_message("found after %" PRIu64 " kills\n", s.kills);
	assert_true(s.log->faults[REPAIRED_ALIVE] > 0);
	close_round(&s);
}

static void a_log_that_tells_of_a_fault_is_found_out(void **state)
{
	(void)state;
	assert_int_equal(faults_after(NULL), 0);
	for (const struct lie *lie = lies; lie < lies + ARRAY_SIZE(lies); lie++)
		if (!(faults_after(lie) & 1U << lie->fault))
			fail_msg("not found: %s: %s", lie->name, fault_names[lie->fault]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_tells_of_a_fault_is_found_out),
		cmocka_unit_test(whoever_dies_nothing_is_lost_and_nobody_is_stuck),
		cmocka_unit_test(a_claim_that_is_repaired_while_its_producer_lives_is_found),
	};

	setvbuf(stdout, NULL, _IOLBF, 0); /* what the dying say must not die with them */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
