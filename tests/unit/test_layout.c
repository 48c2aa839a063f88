// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_layout.c: what is shared lies where the ABI says, and what is written by different hands on different lines */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dmp.h>

static void mapped_structs_have_the_sizes_of_this_abi(void **state)
{
	(void)state;
	assert_int_equal(DMP_ABI_VERSION, 1);
	assert_int_equal(sizeof(struct dmp_meta), 192);
	assert_int_equal(sizeof(struct dmp_notify), DMP_LINE);
	assert_int_equal(sizeof(struct dmp_entry), 128);
	assert_int_equal(sizeof(struct dmp_cursor), 256);
	assert_int_equal(sizeof(struct dmp_own), DMP_LINE);
}

static void cursor_and_claimed_position_are_two_lines_apart(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct dmp_cursor, cursor), 0);
	assert_int_equal(offsetof(struct dmp_cursor, claimed), 128);
}

static void membership_has_a_line_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct dmp_meta, gates), 128);
	assert_int_equal(offsetof(struct dmp_meta, generation), 136);
	assert_int_equal(offsetof(struct dmp_meta, ended), 152);
}

static void arguments_have_the_sizes_of_this_abi(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct dmp_create), 96);
	assert_int_equal(sizeof(struct dmp_open), 72);
	assert_int_equal(sizeof(struct dmp_bind), 16);
	assert_int_equal(sizeof(struct dmp_unlink), 72);
	assert_int_equal(sizeof(struct dmp_join), 96);
	assert_int_equal(sizeof(struct dmp_wait), 24);
	assert_int_equal(sizeof(struct dmp_members), 24);
}

/* Of the private struct: a member's own fields share no line with what is fixed, nor with the slow path's. */
static void hot_fields_of_a_member_share_a_line_by_use(void **state)
{
	(void)state;
	assert_int_equal(_Alignof(struct dmp_member), 64);
	assert_true(offsetof(struct dmp_member, line) < 64);
	assert_int_equal(offsetof(struct dmp_member, next), 64);
	assert_true(offsetof(struct dmp_member, slowest_at) < 128);
	assert_int_equal(offsetof(struct dmp_member, pos), 128);
	assert_true(offsetof(struct dmp_member, streak) < 192);
	assert_int_equal(offsetof(struct dmp_member, generation), 192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_structs_have_the_sizes_of_this_abi),
		cmocka_unit_test(cursor_and_claimed_position_are_two_lines_apart),
		cmocka_unit_test(membership_has_a_line_of_its_own),
		cmocka_unit_test(arguments_have_the_sizes_of_this_abi),
		cmocka_unit_test(hot_fields_of_a_member_share_a_line_by_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
