// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_publish.c: what a slot says before and after it is written, and whom publish wakes */
#include "fake.h"

#define SLOTS 64

static struct dmp_member *p;

static int setup(void **state)
{
	(void)state;
	fake_create(SLOTS, 56, DMP_RING_STAMPED);
	p = fake_producer();
	return 0;
}

static int setup_packed(void **state)
{
	(void)state;
	fake_create(512, 8, 0);
	p = fake_producer();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(p);
	fake_destroy();
	return 0;
}

/* ---- slots ---- */

static void a_slot_says_writing_before_it_is_written(void **state)
{
	uint64_t pos;

	(void)state;
	fake_publish(p, SLOTS);
	assert_int_equal(dmp_claim(p, 2, &pos), 0);
	assert_int_equal(*fake_stamp(pos), dmp_stamp_published(0)); /* untouched until dmp_slot */
	assert_ptr_equal(dmp_slot(p, pos), (char *)fake_stamp(pos) + 8);
	assert_int_equal(*fake_stamp(pos), dmp_stamp_writing(pos));
	assert_int_equal(*fake_stamp(pos + 1), dmp_stamp_published(1));
}

static void publishing_stamps_and_then_moves_the_cursor(void **state)
{
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 3, &pos), 0);
	assert_int_equal(fake.cursor->cursor, 0);
	dmp_publish(p, pos, 3);
	assert_int_equal(*fake_stamp(0), dmp_stamp_published(0));
	assert_int_equal(*fake_stamp(2), dmp_stamp_published(2));
	assert_int_equal(*fake_stamp(3), 0);
	assert_int_equal(fake.cursor->cursor, 3);
}

static void a_batch_lies_in_one_span_across_the_wrap(void **state)
{
	uint64_t pos, i = 0, *slot;

	(void)state;
	fake_publish(p, SLOTS - 2);
	assert_int_equal(dmp_claim(p, 4, &pos), 0);
	dmp_for_each_slot(slot, p, pos, 4)
		*slot = 100 + i++;
	dmp_publish(p, pos, 4);
	assert_int_equal(i, 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(*fake_stamp(pos + i), dmp_stamp_published(pos + i));
		assert_int_equal(fake_value((char *)fake_stamp(pos + i) + 8), 100 + i);
	}
}

static void a_loop_over_slots_says_writing_one_by_one(void **state)
{
	uint64_t pos, *slot;

	(void)state;
	assert_int_equal(dmp_claim(p, 40, &pos), 0);
	dmp_for_each_slot(slot, p, pos, 40) {
		if (fake_stamp(20) == (void *)(slot - 1))
			break;
	}
	assert_int_equal(*fake_stamp(20), dmp_stamp_writing(20));
	assert_int_equal(*fake_stamp(21), 0);
}

static void a_packed_ring_says_how_far_it_is_claimed(void **state)
{
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 5, &pos), 0);
	assert_int_equal(fake.cursor->claimed, 5);
	assert_ptr_equal(dmp_slot(p, 4), fake.data + 32);
	dmp_publish(p, pos, 5);
	assert_int_equal(fake.cursor->cursor, 5);
	assert_int_equal(*fake_stamp(4), 0); /* no stamp: that is the payload */
}

/* ---- waking ---- */

static void a_quiet_ring_wakes_nobody(void **state)
{
	(void)state;
	fake_line(0)->notify = 0; /* not even looked at */
	fake_publish(p, 1);
	assert_int_equal(fake.wakes, 0);
}

static void a_fenced_ring_wakes_whose_position_is_reached(void **state)
{
	(void)state;
	fake_line(0)->mode = DMP_MODE_FENCED;
	fake_publish(p, 1);
	assert_int_equal(fake.wakes, 0); /* nobody */
	fake_line(0)->notify = 3;
	fake_publish(p, 1);
	assert_int_equal(fake.wakes, 0);
	fake_publish(p, 1);
	assert_int_equal(fake.wakes, 1);
}

#define TEST(name)	  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_PACKED(name) cmocka_unit_test_setup_teardown(name, setup_packed, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_says_writing_before_it_is_written),
		TEST(publishing_stamps_and_then_moves_the_cursor),
		TEST(a_batch_lies_in_one_span_across_the_wrap),
		TEST(a_loop_over_slots_says_writing_one_by_one),
		TEST_PACKED(a_packed_ring_says_how_far_it_is_claimed),
		TEST(a_quiet_ring_wakes_nobody),
		TEST(a_fenced_ring_wakes_whose_position_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
