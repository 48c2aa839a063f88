// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_top_rights.c: dmp top and rings of the module: all of them, and what it shows whom */
#include "top.h"

#include "../shell.h"

#define OTHER 1001

static void all_rings_are_listed_as_they_appear_and_go(void **state)
{
	struct scene one, two;
	struct terminal t;

	(void)state;
	start_top(&t, 0, NULL);
	await_text(&t, "there are no rings");
	one = make_scene(16);
	await_text(&t, listed_name(&one));
	backend = "shm:";
	two = make_scene(16);
	backend = "dmp:";
	await_text(&t, two.address);
	join_both(&one);
	await_text(&t, " 2/16 ");
	leave_all(&one);
	await_text(&t, "dmp top: 1 ring, 0 members");
	leave_all(&two);
	await_text(&t, "there are no rings");
	quit(&t);
}

static void rings_are_sorted_by_what_lags(void **state)
{
	struct scene one = make_scene(16), two = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&one);
	join_both(&two);
	publish_some(&two, 60);
	start_top(&t, 0, NULL);
	await_text(&t, listed_name(&two));
	assert_true(is_above(&t, listed_name(&one), listed_name(&two)));
	press(&t, "ss");
	await_text(&t, "s sort: lag");
	assert_true(is_above(&t, listed_name(&two), listed_name(&one)));
	quit(&t);
	leave_all(&one);
	leave_all(&two);
}

static void others_see_what_they_may(void **state)
{
	struct scene s = make_scene(16); /* others have x */
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, OTHER, &s);
	await_text(&t, "sleeps and wakes only: 1 without right r, 0 without place");
	await_text(&t, "no right");
	await_text(&t, "producer");
	press(&t, "j" ENTER);
	await_text(&t, "    sleeps");
	quit(&t);
	leave_all(&s);
}

static void without_a_terminal_there_is_one_line(void **state)
{
	(void)state;
	must_fail("dmp top", 1, "takes a terminal", "'dmp stat'", NULL);
	must_fail("dmp top file:/tmp/ring", 1, "'dmp stat'", NULL);
	must_fail("dmp top --interval 0", 2, "--interval", NULL);
	must_fail("dmp top a b", 2, "'b' is one argument too many", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rings_are_listed_as_they_appear_and_go),
		cmocka_unit_test(rings_are_sorted_by_what_lags),
		cmocka_unit_test(others_see_what_they_may),
		cmocka_unit_test(without_a_terminal_there_is_one_line),
	};

	backend = "dmp:";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
