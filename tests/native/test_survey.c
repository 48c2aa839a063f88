// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_survey.c: a survey of all rings: those in shared memory */
#include "survey.h"

static int in_shared_memory(void **state)
{
	(void)state;
	backend = "shm:";
	return 0;
}

static void it_says_whether_the_module_is_there(void **state)
{
	const struct scene nowhere = { .address = "shm:nowhere" };
	struct surveyor *surveyor = surveyor_of(&nowhere);
	struct survey survey = survey_by(surveyor);
	struct dmp_info info;
	int err = dmp_ring_next(0, &info);

	(void)state;
	assert_int_equal(survey.module_error, err == -ENOENT ? 0 : err);
	free_survey(&survey);
	surveyor_free(surveyor);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SURVEY_TESTS,
		cmocka_unit_test(it_says_whether_the_module_is_there),
	};

	return cmocka_run_group_tests(tests, in_shared_memory, NULL);
}
