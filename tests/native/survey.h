/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* survey.h: rings with members that count, what a survey of all rings says of them, and what it says on every backend */
#ifndef DMP_TESTS_SURVEY_H
#define DMP_TESTS_SURVEY_H

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../helpers.h"
#undef fail /* cmocka's, which tools/tool.h has a function of */
#include "../../tools/survey.h"

/* ---- a ring of a backend, as its users have it ---- */

static const char *backend; /* "shm:", "dmp:" */

struct scene {
	char address[DMP_NAME_MAX + 8];
	struct dmp_ring *ring;
	struct dmp_member *p, *c;
};

static inline void make_anew(struct scene *s, uint32_t members, uint32_t flags)
{
	const struct dmp_ring_options options = {
		.slots = 64, .event_size = 56, .members = members, .mode = 0701, .flags = DMP_RING_STAMPED | flags
	};

	assert_int_equal(dmp_ring_create(&s->ring, s->address, &options), 0);
}

static inline struct scene make_scene(uint32_t members)
{
	struct scene s = { .ring = NULL };

	snprintf(s.address, sizeof(s.address), "%s%.59s", backend, unique_name("survey").s);
	make_anew(&s, members, 0);
	return s;
}

static inline struct dmp_member *join_counting(const struct scene *s, uint32_t role, const char *name)
{
	const struct dmp_join_options o = { .name = name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(s->ring, role, &o, &m), 0);
	return m;
}

static inline void join_both(struct scene *s)
{
	s->c = join_counting(s, DMP_ROLE_CONSUMER, "c");
	s->p = join_counting(s, DMP_ROLE_PRODUCER, "p");
}

static inline void leave_all(struct scene *s)
{
	dmp_leave(s->p);
	dmp_leave(s->c);
	dmp_ring_close(s->ring);
	s->p = s->c = NULL;
	s->ring = NULL;
}

static inline void publish_some(const struct scene *s, uint64_t n)
{
	uint64_t pos, i;

	assert_int_equal(dmp_claim(s->p, n, &pos), 0);
	for (i = 0; i < n; i++)
		memset(dmp_slot(s->p, pos + i), 0, 56);
	dmp_publish(s->p, pos, n);
}

static inline void consume_some(const struct scene *s, uint64_t n)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_wait(s->c, n, &batch), 0);
	assert_int_equal(dmp_release(s->c, batch.pos + n), 0);
}

static inline bool is_there(const struct scene *s)
{
	struct dmp_ring *ring = NULL;
	int err = dmp_ring_open(&ring, s->address, 0);

	dmp_ring_close(ring);
	assert_true(!err || err == -ENOENT);
	return !err;
}

/* ---- what is said of it ---- */

static inline struct survey survey_by(struct surveyor *surveyor)
{
	struct survey survey;

	assert_int_equal(take_survey(surveyor, &survey), 0);
	return survey;
}

/* NULL: it is not there. */
static inline const struct surveyed *find_ring_in(const struct survey *survey, const struct scene *s)
{
	const char *name = strncmp(s->address, "dmp:", 4) ? s->address : s->address + 4;
	uint32_t i;

	for (i = 0; i < survey->count; i++)
		if (!strcmp(survey->ring[i].name, name))
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
	struct surveyor *surveyor = surveyor_new();
	struct scene s = make_scene(16);
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
	struct surveyor *surveyor = surveyor_new();
	struct scene s = make_scene(16);
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
	struct surveyor *surveyor = surveyor_new();
	struct scene s = make_scene(16);
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
	struct surveyor *surveyor = surveyor_new();
	struct scene s = make_scene(16);
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
	struct surveyor *surveyor = surveyor_new();
	struct scene old = make_scene(16), new = old;
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
	struct surveyor *surveyor = surveyor_new();
	struct scene s = make_scene(4);
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

#define SURVEY_TESTS                                                              \
	cmocka_unit_test(a_survey_has_what_members_have_counted),                 \
		cmocka_unit_test(two_surveys_tell_how_members_go_on),             \
		cmocka_unit_test(a_ring_goes_with_its_users_whoever_looks_at_it), \
		cmocka_unit_test(a_ring_goes_when_its_users_are_killed),          \
		cmocka_unit_test(a_ring_made_anew_is_another), cmocka_unit_test(the_last_place_is_left_to_others)

#endif /* DMP_TESTS_SURVEY_H */
