// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several_claim.c: several producers in one thread: the moves of one at the test points of another */
#include "several.h"

static uint64_t p_pos, q_pos;

static const struct dmp_own *own(const struct dmp_member *m)
{
	return fake_own(m->index);
}

static void expect_record(const struct dmp_member *m, uint64_t lo, uint64_t hi, uint64_t won)
{
	assert_int_equal(own(m)->claim_lo, lo);
	assert_int_equal(own(m)->claim_hi, hi);
	assert_int_equal(own(m)->claim_won, won);
}

/* ---- claiming: what q does between p's record and its claim ---- */

static uint64_t q_takes;

static void q_claims_first(enum dmp_test_point point)
{
	if (point != DMP_POINT_CLAIM_RECORDED)
		return;
	dmp_test_hook = NULL;
	claim(q, q_takes, &q_pos);
}

static int p_tries_late(uint64_t n, uint64_t q_n)
{
	q_takes = q_n;
	dmp_test_hook = q_claims_first;
	return dmp_try_claim(p, n, &p_pos);
}

static void who_comes_second_goes_on_behind_the_first(void **state)
{
	(void)state;
	assert_int_equal(p_tries_late(3, 2), 0);
	assert_int_equal(q_pos, 0);
	assert_int_equal(p_pos, 2);
	assert_int_equal(fake.cursor->claimed, 5);
	expect_record(q, 0, 2, 2);
	expect_record(p, 2, 5, 5);
}

static uint32_t tries;

static void q_is_faster_three_times(enum dmp_test_point point)
{
	if (point != DMP_POINT_CLAIM_RECORDED)
		return;
	expect_record(p, fake.cursor->claimed, fake.cursor->claimed + 2, 0);
	if (++tries > 3)
		return;
	dmp_test_hook = NULL;
	fake_publish(q, 1);
	dmp_test_hook = q_is_faster_three_times;
}

static void each_try_has_a_record_of_its_own(void **state)
{
	(void)state;
	tries = 0;
	dmp_test_hook = q_is_faster_three_times;
	claim(p, 2, &p_pos);
	assert_int_equal(tries, 4);
	assert_int_equal(p_pos, 3);
	expect_record(p, 3, 5, 5);
}

static void who_finds_no_room_left_takes_its_record_back(void **state)
{
	(void)state;
	assert_int_equal(p_tries_late(1, SLOTS), -EAGAIN);
	assert_int_equal(own(p)->claim_hi, 0);
	dmp_publish(q, 0, SLOTS);
	claim(p, 1, &p_pos);
	assert_int_equal(p_pos, SLOTS);
}

static int q_publishes_all(void)
{
	assert_int_equal(own(p)->claim_hi, 0); /* while it waits nobody is to take q's for its */
	assert_int_equal(fake.wait.target, 1);
	dmp_publish(q, 0, SLOTS);
	return 0;
}

static void who_waits_for_room_has_no_record(void **state)
{
	(void)state;
	fake.on_wait = q_publishes_all;
	q_takes = SLOTS;
	dmp_test_hook = q_claims_first;
	p->wait = dmp_wait_block;
	assert_int_equal(dmp_claim(p, 1, &p_pos), 0);
	assert_int_equal(p_pos, SLOTS);
	assert_int_equal(fake.waits, 1);
}

static int time_out(void)
{
	return -ETIMEDOUT;
}

static void who_has_waited_in_vain_has_no_record(void **state)
{
	(void)state;
	fake.on_wait = time_out;
	q_takes = SLOTS;
	dmp_test_hook = q_claims_first;
	p->wait = dmp_wait_block;
	assert_int_equal(dmp_claim_until(p, 1, &p_pos, 99), -ETIMEDOUT);
	assert_int_equal(fake.wait.deadline, 99);
	assert_int_equal(own(p)->claim_hi, 0);
	assert_int_equal(fake.cursor->claimed, SLOTS);
	dmp_publish(q, 0, SLOTS);
	claim(p, 1, &p_pos);
}

static void record_is_stored_first(enum dmp_test_point point)
{
	if (point == DMP_POINT_CLAIM_RECORDED) {
		expect_record(p, 0, 2, 0);
		assert_int_equal(fake.cursor->claimed, 0);
	}
	if (point == DMP_POINT_CLAIM_AFTER)
		expect_record(p, 0, 2, 2);
	if (point == DMP_POINT_PUBLISH_STAMPED) {
		assert_int_equal(*fake_stamp(0), dmp_stamp_published(0));
		expect_record(p, 0, 2, 2);
	}
	if (point == DMP_POINT_PUBLISH_CURSOR)
		expect_record(p, 2, 2, 2);
}

static void a_record_covers_its_claim_from_before_it_until_after_its_stamps(void **state)
{
	(void)state;
	dmp_test_hook = record_is_stored_first;
	fake_publish(p, 2);
	expect_record(p, 2, 2, 2);
}

static void one_claim_at_a_time_published_or_aborted_in_order(void **state)
{
	(void)state;
	claim(p, 4, &p_pos);
	assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EBUSY);
	assert_int_equal(dmp_abort(p, 1, 1), -EINVAL);
	assert_int_equal(dmp_abort(p, 0, 5), -EINVAL);
	assert_int_equal(dmp_abort(p, 0, 1), 0);
	assert_int_equal(dmp_abort(p, 0, 1), -EINVAL);
	dmp_publish(p, 1, 2);
	expect_record(p, 3, 4, 4);
	assert_int_equal(dmp_abort(p, 3, 1), 0);
	assert_int_equal(*fake_stamp(0), dmp_stamp_aborted(0));
	assert_int_equal(*fake_stamp(2), dmp_stamp_published(2));
	assert_int_equal(*fake_stamp(3), dmp_stamp_aborted(3));
	claim(p, 1, &p_pos);
	assert_int_equal(p_pos, 4);
}

static void a_claim_is_of_one_slot_up_to_all(void **state)
{
	static const uint64_t wrong[] = { 0, SLOTS + 1, 1ULL << 63, UINT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(dmp_try_claim(p, wrong[i], &p_pos), -EINVAL);
		assert_int_equal(dmp_claim(p, wrong[i], &p_pos), -EINVAL);
	}
	expect_record(p, 0, 0, 0);
	assert_int_equal(fake.cursor->claimed, 0);
	claim(p, SLOTS, &p_pos);
	assert_int_equal(dmp_abort(p, 0, 0), -EINVAL);
	assert_int_equal(dmp_abort(p, 0, SLOTS + 1), -EINVAL);
	assert_int_equal(dmp_abort(p, 0, UINT64_MAX), -EINVAL);
	assert_int_equal(dmp_abort(p, 0, SLOTS), 0);
	expect_record(p, SLOTS, SLOTS, SLOTS);
}

static void only_a_producer_claims_and_aborts(void **state)
{
	(void)state;
	assert_int_equal(dmp_try_claim(c, 1, &p_pos), -EACCES);
	assert_int_equal(dmp_claim(c, 1, &p_pos), -EACCES);
	claim(p, 1, &p_pos);
	assert_int_equal(dmp_abort(c, p_pos, 1), -EACCES);
	assert_int_equal(dmp_abort(q, p_pos, 1), -EINVAL); /* it is p's */
	expect_record(p, 0, 1, 1);
}

/* ---- waking ---- */

static void only_who_sees_the_watched_slot_done_wakes(void **state)
{
	(void)state;
	claim(p, 1, &p_pos);
	claim(q, 2, &q_pos);
	fake_line(0)->notify = 1; /* watched: slot 0 */
	dmp_publish(q, 1, 1);
	assert_int_equal(fake.wakes, 0); /* quiet */
	fake_line(0)->mode = DMP_MODE_FENCED;
	assert_int_equal(dmp_abort(q, 2, 1), 0);
	assert_int_equal(fake.wakes, 0);
	dmp_publish(p, 0, 1);
	assert_int_equal(fake.wakes, 1);
	fake_line(0)->notify = 9; /* nobody has got there */
	fake_publish(p, 5);
	assert_int_equal(fake.wakes, 1);
	fake_line(0)->notify = 9;
	abort_next(p, 1);
	assert_int_equal(fake.wakes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(who_comes_second_goes_on_behind_the_first),
		ALONE(each_try_has_a_record_of_its_own),
		ALONE(who_finds_no_room_left_takes_its_record_back),
		ALONE(who_waits_for_room_has_no_record),
		ALONE(who_has_waited_in_vain_has_no_record),
		ALONE(a_record_covers_its_claim_from_before_it_until_after_its_stamps),
		ALONE(one_claim_at_a_time_published_or_aborted_in_order),
		ALONE(a_claim_is_of_one_slot_up_to_all),
		BESIDE_A_CONSUMER(only_a_producer_claims_and_aborts),
		ALONE(only_who_sees_the_watched_slot_done_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
