// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_seq.c: the arithmetic of positions and stamps */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dmp/seq.h>

static const uint64_t positions[] = { 0, 1, 63, 64, 65, 1000003, 1ULL << 40, (1ULL << 61) - 1 };

#define POSITIONS	     (sizeof(positions) / sizeof(*positions))
#define FOR_EACH_POSITION(n) for (size_t at_ = 0; at_ < POSITIONS && ((n) = positions[at_], 1); at_++)

static void stamps_of_a_slot_grow_with_what_happens_to_it(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_true(dmp_stamp_writing(n) > 0);
		assert_true(dmp_stamp_writing(n) < dmp_stamp_published(n));
		assert_true(dmp_stamp_published(n) < dmp_stamp_aborted(n));
		assert_true(dmp_stamp_aborted(n) < dmp_stamp_writing(n + 1));
	}
}

static void an_event_is_done_once_published_or_aborted_or_overwritten(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_false(dmp_stamp_done(0, n));
		assert_false(dmp_stamp_done(dmp_stamp_writing(n), n));
		assert_true(dmp_stamp_done(dmp_stamp_published(n), n));
		assert_true(dmp_stamp_done(dmp_stamp_aborted(n), n));
		assert_true(dmp_stamp_done(dmp_stamp_writing(n + 64), n));
		assert_true(dmp_stamp_done(UINT64_MAX, n));
	}
}

static void an_event_is_not_done_by_the_lap_before(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_false(dmp_stamp_done(dmp_stamp_published(n), n + 64));
		assert_false(dmp_stamp_done(dmp_stamp_aborted(n), n + 64));
	}
}

static void an_event_is_lapped_once_a_later_one_is_being_written(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_false(dmp_stamp_lapped(dmp_stamp_writing(n), n));
		assert_false(dmp_stamp_lapped(dmp_stamp_published(n), n));
		assert_false(dmp_stamp_lapped(dmp_stamp_aborted(n), n));
		assert_true(dmp_stamp_lapped(dmp_stamp_writing(n + 1), n));
	}
}

static void slots_repeat_after_a_lap(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_int_equal(dmp_slot_offset(n, 64, 24), (n % 64) * 24);
		assert_int_equal(dmp_slot_offset(n + 64, 64, 24), dmp_slot_offset(n, 64, 24));
		assert_int_equal(dmp_slot_offset(n, 1, 24), 0);
	}
	assert_int_equal(dmp_slot_offset((1ULL << 32) - 1, 1ULL << 32, 1U << 20), ((1ULL << 32) - 1) << 20);
}

static void the_stride_holds_stamp_and_payload_in_words(void **state)
{
	(void)state;
	assert_int_equal(dmp_stride(1, 0), 8);
	assert_int_equal(dmp_stride(8, 0), 8);
	assert_int_equal(dmp_stride(9, 0), 16);
	assert_int_equal(dmp_stride(1, 1), 16);
	assert_int_equal(dmp_stride(8, 1), 16);
	assert_int_equal(dmp_stride(56, 1), 64);
	assert_int_equal(dmp_stride(57, 1), 72);
	assert_int_equal(dmp_stride(1 << 20, 1), (1 << 20) + 8);
}

static void a_reader_may_go_as_far_as_its_barrier(void **state)
{
	uint64_t n;

	(void)state;
	FOR_EACH_POSITION(n) {
		assert_int_equal(dmp_available(n, n, 64), n);
		assert_int_equal(dmp_available(n + 1, n, 64), n + 1);
		assert_int_equal(dmp_available(n + 64, n, 64), n + 64);
	}
}

static void a_barrier_far_ahead_shows_a_rings_worth(void **state)
{
	(void)state;
	assert_int_equal(dmp_available(1065, 1000, 64), 1064);
	assert_int_equal(dmp_available(1000 + (uint64_t)INT64_MAX, 1000, 64), 1064);
}

static void a_barrier_behind_shows_nothing(void **state)
{
	(void)state;
	assert_int_equal(dmp_available(999, 1000, 64), 1000);
	assert_int_equal(dmp_available(0, 1000, 64), 1000);
	assert_int_equal(dmp_available(UINT64_MAX, 1000, 64), 1000);
	assert_int_equal(dmp_available(1001 + (uint64_t)INT64_MAX, 1000, 64), 1000);
}

static void a_barrier_is_compared_by_difference(void **state)
{
	(void)state;
	assert_int_equal(dmp_available(2, UINT64_MAX - 1, 64), 2);
	assert_int_equal(dmp_available(UINT64_MAX - 1, 2, 64), 2);
}

static void a_target_is_reached_at_the_cursor(void **state)
{
	(void)state;
	assert_false(dmp_reached(9, 10));
	assert_true(dmp_reached(10, 10));
	assert_true(dmp_reached(11, 10));
	assert_false(dmp_reached(UINT64_MAX - 1, DMP_NOBODY));
}

static void own_lines_of_64_neighbours_share_no_line_of_their_page(void **state)
{
	uint64_t lines = 0;
	uint32_t i;

	(void)state;
	for (i = 100; i < 164; i++) {
		assert_int_equal(dmp_own_offset(i) % 64, 0);
		assert_true(dmp_own_offset(i) < 4096);
		lines |= 1ULL << dmp_own_offset(i) / 64;
	}
	assert_int_equal(lines, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_of_a_slot_grow_with_what_happens_to_it),
		cmocka_unit_test(an_event_is_done_once_published_or_aborted_or_overwritten),
		cmocka_unit_test(an_event_is_not_done_by_the_lap_before),
		cmocka_unit_test(an_event_is_lapped_once_a_later_one_is_being_written),
		cmocka_unit_test(slots_repeat_after_a_lap),
		cmocka_unit_test(the_stride_holds_stamp_and_payload_in_words),
		cmocka_unit_test(a_reader_may_go_as_far_as_its_barrier),
		cmocka_unit_test(a_barrier_far_ahead_shows_a_rings_worth),
		cmocka_unit_test(a_barrier_behind_shows_nothing),
		cmocka_unit_test(a_barrier_is_compared_by_difference),
		cmocka_unit_test(a_target_is_reached_at_the_cursor),
		cmocka_unit_test(own_lines_of_64_neighbours_share_no_line_of_their_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
