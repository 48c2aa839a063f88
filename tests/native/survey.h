/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* survey.h: what a survey says of a ring with members that count; tests of that for every backend */
#ifndef DMP_TESTS_SURVEY_H
#define DMP_TESTS_SURVEY_H

#include <signal.h>
#include <stdlib.h>

#include "scene.h"
#undef fail /* cmocka's, which tools/tool.h has a function of */
#include "../../tools/survey.h"

/* ---- what is said of it ---- */

/* Of this ring alone: others' tests would see an observer in theirs. */
static inline struct surveyor *surveyor_of(const struct scene *s)
{
	struct surveyor *surveyor = surveyor_new();

	assert_non_null(surveyor);
	surveyor_only(surveyor, listed_name(s));
	return surveyor;
}

static inline struct survey survey_by(struct surveyor *surveyor)
{
	struct survey survey;

	assert_int_equal(take_survey(surveyor, &survey), 0);
	return survey;
}

/* NULL: it is not there. */
static inline const struct surveyed *find_ring_in(const struct survey *survey, const struct scene *s)
{
	uint32_t i;

	for (i = 0; i < survey->count; i++)
		if (!strcmp(survey->ring[i].name, listed_name(s)))
			return &survey->ring[i];
	return NULL;
}

static inline const struct surveyed *ring_of(const struct survey *survey, const struct scene *s)
{
	const struct surveyed *ring = find_ring_in(survey, s);

	assert_non_null(ring);
	return ring;
}

static inline const struct counted *counted_of(const struct surveyed *ring, const char *member)
{
	const struct counted *found = NULL;
	uint32_t i;

	for (i = 0; i < ring->count; i++)
		if (!strcmp(ring->member[i].name, member))
			found = &ring->member[i];
	assert_non_null(found);
	return found;
}

static inline void assert_counts(const struct surveyed *ring, const char *member, uint32_t id, uint64_t wanted)
{
	uint64_t value = ~wanted;

	assert_true(built_in(counted_of(ring, member), id, &value));
	assert_int_equal(value, wanted);
}

/* ---- tests ---- */

static void a_survey_has_what_members_have_counted(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *surveyor = surveyor_of(&s);
	struct survey survey;
	int i;

	(void)state;
	join_both(&s);
	publish_some(&s, 10);
	consume_some(&s, 7);
	for (i = 0; i < 3; i++) {
		survey = survey_by(surveyor);
		assert_int_equal(ring_of(&survey, &s)->missing, 0);
		assert_int_equal(ring_of(&survey, &s)->count, 2);
		assert_int_equal(ring_of(&survey, &s)->info.joined, 2);
		assert_int_equal(ring_of(&survey, &s)->info.cursor, 10);
		assert_counts(ring_of(&survey, &s), "p", DMP_COUNTER_PUBLISHED, 10);
		assert_counts(ring_of(&survey, &s), "c", DMP_COUNTER_CONSUMED, 7);
		free_survey(&survey);
	}
	surveyor_free(surveyor);
	leave_all(&s);
}

static void two_surveys_tell_how_members_go_on(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *surveyor = surveyor_of(&s);
	struct survey before, now;
	const struct surveyed *ring;

	(void)state;
	join_both(&s);
	before = survey_by(surveyor);
	publish_some(&s, 5);
	dmp_leave(s.c);
	s.c = join_counting(&s, DMP_ROLE_CONSUMER, "c");
	now = survey_by(surveyor);
	ring = ring_of(&now, &s);
	assert_ptr_equal(ring_in(&before, ring), ring_of(&before, &s));
	assert_ptr_equal(member_in(&before, ring, counted_of(ring, "p")), counted_of(ring_of(&before, &s), "p"));
	assert_null(member_in(&before, ring, counted_of(ring, "c"))); /* another life */
	assert_counts(ring_in(&before, ring), "p", DMP_COUNTER_PUBLISHED, 0);
	assert_counts(ring, "p", DMP_COUNTER_PUBLISHED, 5);
	free_survey(&before);
	free_survey(&now);
	surveyor_free(surveyor);
	leave_all(&s);
}

static void a_ring_goes_with_its_users_whoever_looks_at_it(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *surveyor = surveyor_of(&s);
	struct survey survey;
	struct dmp_info info;

	(void)state;
	survey = survey_by(surveyor); /* while nobody is a member */
	assert_int_equal(ring_of(&survey, &s)->count, 0);
	dmp_ring_info(s.ring, &info);
	assert_int_equal(info.joined, 0);
	free_survey(&survey);
	join_both(&s);
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, &s)->count, 2);
	free_survey(&survey);
	leave_all(&s);
	surveyor_tend(surveyor);
	assert_false(is_there(&s));
	survey = survey_by(surveyor);
	assert_null(find_ring_in(&survey, &s));
	free_survey(&survey);
	surveyor_free(surveyor);
}

static void two_surveyors_do_not_keep_a_ring_for_each_other(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *one = surveyor_of(&s), *other = surveyor_of(&s);
	struct survey survey;

	(void)state;
	join_both(&s);
	survey = survey_by(one);
	free_survey(&survey);
	survey = survey_by(other);
	assert_int_equal(ring_of(&survey, &s)->count, 3); /* the other's observer is one like any */
	free_survey(&survey);
	leave_all(&s);
	surveyor_tend(one);
	surveyor_tend(other);
	assert_false(is_there(&s));
	surveyor_free(one);
	surveyor_free(other);
}

static _Noreturn int join_and_stay(void *arg)
{
	struct scene *s = arg;

	make_anew(s, 16, 0);
	join_both(s);
	for (;;)
		pause();
}

static bool is_joined(void *arg)
{
	struct scene *s = arg;
	struct dmp_info info = { .joined = 0 };

	if (!dmp_ring_open(&s->ring, s->address, 0)) {
		dmp_ring_info(s->ring, &info);
		dmp_ring_close(s->ring);
	}
	return info.joined == 2;
}

static void a_ring_goes_when_its_users_are_killed(void **state)
{
	struct scene s = make_scene(16);
	struct surveyor *surveyor = surveyor_of(&s);
	struct survey survey;
	pid_t users;

	(void)state;
	leave_all(&s);
	users = start_child(join_and_stay, &s);
	await(is_joined, &s, "both are there");
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, &s)->count, 2);
	free_survey(&survey);
	kill_child(users);
	surveyor_tend(surveyor);
	assert_false(is_there(&s));
	surveyor_free(surveyor);
}

static void a_ring_made_anew_is_another(void **state)
{
	struct scene old = make_scene(16), new = old;
	struct surveyor *surveyor = surveyor_of(&old);
	struct survey before, now;

	(void)state;
	join_both(&old);
	publish_some(&old, 3);
	before = survey_by(surveyor);
	assert_int_equal(dmp_ring_unlink(old.address), 0);
	make_anew(&new, 16, 0);
	join_both(&new);
	now = survey_by(surveyor);
	assert_null(ring_in(&before, ring_of(&now, &new)));
	assert_counts(ring_of(&now, &new), "p", DMP_COUNTER_PUBLISHED, 0);
	free_survey(&before);
	free_survey(&now);
	surveyor_free(surveyor);
	leave_all(&new);
	leave_all(&old);
}

static void the_last_place_is_left_to_others(void **state)
{
	struct scene s = make_scene(4);
	struct surveyor *surveyor = surveyor_of(&s);
	struct dmp_member *third, *last;
	struct survey survey;

	(void)state;
	join_both(&s);
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, &s)->missing, 0);
	free_survey(&survey);
	third = join_counting(&s, DMP_ROLE_CONSUMER, "third");
	surveyor_tend(surveyor);
	survey = survey_by(surveyor);
	assert_int_equal(ring_of(&survey, &s)->missing, -ENOSPC);
	assert_int_equal(ring_of(&survey, &s)->count, 3);
	assert_int_equal(ring_of(&survey, &s)->info.joined, 3);
	assert_counts(ring_of(&survey, &s), "third", DMP_COUNTER_SLEEPS, 0);
	last = join_counting(&s, DMP_ROLE_CONSUMER, "last");
	free_survey(&survey);
	surveyor_free(surveyor);
	dmp_leave(last);
	dmp_leave(third);
	leave_all(&s);
}

#define SURVEY_TESTS                                                               \
	cmocka_unit_test(a_survey_has_what_members_have_counted),                  \
		cmocka_unit_test(two_surveys_tell_how_members_go_on),              \
		cmocka_unit_test(a_ring_goes_with_its_users_whoever_looks_at_it),  \
		cmocka_unit_test(two_surveyors_do_not_keep_a_ring_for_each_other), \
		cmocka_unit_test(a_ring_goes_when_its_users_are_killed),           \
		cmocka_unit_test(a_ring_made_anew_is_another), cmocka_unit_test(the_last_place_is_left_to_others)

#endif /* DMP_TESTS_SURVEY_H */
