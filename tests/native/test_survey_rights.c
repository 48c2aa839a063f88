// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_survey_rights.c: a survey of all rings: those of the module, and what others may see of them */
#include "survey.h"

static int of_the_module(void **state)
{
	(void)state;
	backend = "dmp:";
	return 0;
}

#define OTHER 1001

static int see_as_another(void *arg)
{
	const struct scene *s = arg;
	struct surveyor *surveyor;
	struct survey survey;

	become(OTHER);
	surveyor = surveyor_of(s);
	survey = survey_by(surveyor);
	assert_int_equal(survey.module_error, 0);
	assert_int_equal(ring_of(&survey, s)->missing, -EACCES);
	assert_int_equal(ring_of(&survey, s)->count, 2);
	assert_counts(ring_of(&survey, s), "c", DMP_COUNTER_SLEEPS, 0);
	assert_int_equal(counted_of(ring_of(&survey, s), "p")->counters, 4);
	free_survey(&survey);
	surveyor_free(surveyor);
	return 0;
}

static void without_the_right_r_sleeps_and_wakes_are_known(void **state)
{
	struct scene s = make_scene(16); /* others have x */

	(void)state;
	join_both(&s);
	assert_int_equal(run_child(see_as_another, &s), 0);
	leave_all(&s);
}

static int see_that_it_is_there(void *arg)
{
	const struct scene *s = arg;
	struct surveyor *surveyor;
	struct survey survey;

	become(OTHER);
	surveyor = surveyor_of(s);
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, s)->missing, -EACCES);
	assert_int_equal(ring_of(&survey, s)->count, 0);
	assert_int_equal(ring_of(&survey, s)->info.slots, 64);
	free_survey(&survey);
	surveyor_free(surveyor);
	return 0;
}

static void without_any_right_it_is_known_that_the_ring_is_there(void **state)
{
	const struct dmp_ring_options options = { .slots = 64, .event_size = 64, .mode = 0700 };
	struct scene s = make_scene(16);

	(void)state;
	leave_all(&s);
	assert_int_equal(dmp_ring_create(&s.ring, s.address, &options), 0);
	s.p = join_counting(&s, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(run_child(see_that_it_is_there, &s), 0);
	leave_all(&s);
}

static void a_ring_that_is_to_stay_stays(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *surveyor = surveyor_of(&s);
	struct survey survey;

	(void)state;
	leave_all(&s);
	make_anew(&s, 16, DMP_RING_PERSISTENT);
	join_both(&s);
	survey = survey_by(surveyor);
	free_survey(&survey);
	leave_all(&s);
	surveyor_tend(surveyor);
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, &s)->count, 0);
	assert_int_equal(ring_of(&survey, &s)->info.joined, 0);
	free_survey(&survey);
	assert_int_equal(dmp_ring_unlink(s.address), 0);
	survey = survey_by(surveyor);
	assert_null(find_ring_in(&survey, &s));
	free_survey(&survey);
	surveyor_free(surveyor);
}

static void rings_of_the_module_and_in_shared_memory_are_seen_together(void **state)
{
	struct surveyor *surveyor = surveyor_new();
	struct scene first = make_scene(16), second = make_scene(16), shared;
	struct survey survey;

	(void)state;
	backend = "shm:";
	shared = make_scene(16);
	backend = "dmp:";
	join_both(&shared);
	survey = survey_by(surveyor);
	assert_true(ring_of(&survey, &first) < ring_of(&survey, &second));
	assert_true(ring_of(&survey, &second) < ring_of(&survey, &shared));
	assert_int_equal(ring_of(&survey, &shared)->count, 2);
	free_survey(&survey);
	surveyor_free(surveyor);
	leave_all(&shared);
	leave_all(&second);
	leave_all(&first);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SURVEY_TESTS,
		cmocka_unit_test(without_the_right_r_sleeps_and_wakes_are_known),
		cmocka_unit_test(without_any_right_it_is_known_that_the_ring_is_there),
		cmocka_unit_test(rings_of_the_module_and_in_shared_memory_are_seen_together),
		cmocka_unit_test(a_ring_that_is_to_stay_stays),
	};

	return cmocka_run_group_tests(tests, of_the_module, NULL);
}
