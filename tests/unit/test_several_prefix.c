// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several_prefix.c: up to where all of several producers is published, and what lies about it free */
#include "several.h"

static uint64_t p_pos, q_pos;

static void the_stamps_are_looked_at_as_far_as_needed(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < SLOTS; i++)
		fake_publish(p, 1);
	assert_int_equal(fake.cursor->cursor, 0); /* nobody has had to know */
	fake_publish(p, 1);
	assert_int_equal(fake.cursor->cursor, 1);
	fake_publish(p, 3);
	assert_int_equal(fake.cursor->cursor, 4);
}

static void list_writers(void)
{
	fake.meta->members = 64; /* of them the last is bit 0 */
	fake.meta->writers = 1ULL << (63 - p->index) | 1ULL << (63 - q->index);
	fake.meta->unrecorded = 0;
}

static void records_tell_how_far_all_is_published(void **state)
{
	(void)state;
	list_writers();
	fake_publish(p, SLOTS / 2);
	claim(q, 1, &q_pos);
	fake_publish(p, SLOTS / 2 - 1);
	*fake_stamp(1) = dmp_stamp_writing(1); /* which nobody looks at */
	fake_publish(p, 2);
	assert_int_equal(fake.cursor->cursor, q_pos);
	fake_publish(p, SLOTS / 2 - 2);
	assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EAGAIN);
	dmp_publish(q, q_pos, 1);
	fake_publish(p, SLOTS / 2);
}

static void of_whom_no_record_tells_the_stamps_do(void **state)
{
	(void)state;
	list_writers();
	claim(q, 1, &q_pos);
	fake_publish(p, SLOTS - 1);
	fake.meta->writers = 1ULL << (63 - p->index);
	fake.meta->unrecorded = 1;
	assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EAGAIN);
	dmp_publish(q, q_pos, 1);
	claim(p, 1, &p_pos);
}

static void nobody_claims_a_lap_above_an_open_claim(void **state)
{
	(void)state;
	fake_publish(p, 3 * SLOTS / 4);
	fake_publish(p, SLOTS / 2);
	claim(q, 1, &q_pos);
	fake_publish(p, SLOTS - 1);
	assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EAGAIN);
	assert_int_equal(fake.cursor->cursor, q_pos);
	dmp_publish(q, q_pos, 1);
	fake_publish(p, SLOTS);
}

/* The cursor is but a hint: a stale one costs a longer look, a lower one frees nothing. */
static void a_cursor_far_behind_frees_nothing(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		fake_publish(p, SLOTS);
	claim(q, 1, &q_pos);
	fake_publish(p, SLOTS - 1);
	fake.cursor->cursor = 3;
	assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EAGAIN);
	assert_int_equal(fake.cursor->cursor, q_pos);
}

/* ... and one that is too high frees nothing that a consumer holds. */
static void a_cursor_that_lies_frees_no_slot_of_a_consumer(void **state)
{
	static const uint64_t lies[] = { 1, SLOTS, 1ULL << 40, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX };
	size_t i;

	(void)state;
	fake_publish(p, SLOTS);
	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		fake.cursor->cursor = lies[i];
		assert_int_equal(dmp_try_claim(q, 1, &q_pos), -EAGAIN);
	}
}

static void a_gate_that_lies_frees_no_open_claim(void **state)
{
	static const uint64_t lies[] = { SLOTS, 1ULL << 40, 1ULL << 63, UINT64_MAX };
	size_t i;

	(void)state;
	claim(q, 1, &q_pos);
	fake_publish(p, SLOTS - 1);
	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		fake_own(c->index)->cursor = lies[i];
		assert_int_equal(dmp_try_claim(p, 1, &p_pos), -EAGAIN);
	}
}

static void a_claim_that_a_lie_puts_across_the_wrap_ends_all_the_same(void **state)
{
	(void)state;
	fake.cursor->claimed = UINT64_MAX - 1;
	claim(p, 4, &p_pos);
	assert_int_equal(p_pos, UINT64_MAX - 1);
	assert_int_equal(dmp_abort(p, p_pos, 4), 0);
	assert_int_equal(*fake_stamp(1), dmp_stamp_aborted(1));
	claim(p, 4, &p_pos);
	assert_int_equal(p_pos, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(the_stamps_are_looked_at_as_far_as_needed),
		ALONE(records_tell_how_far_all_is_published),
		ALONE(of_whom_no_record_tells_the_stamps_do),
		ALONE(nobody_claims_a_lap_above_an_open_claim),
		ALONE(a_cursor_far_behind_frees_nothing),
		BESIDE_A_CONSUMER(a_cursor_that_lies_frees_no_slot_of_a_consumer),
		BESIDE_A_CONSUMER(a_gate_that_lies_frees_no_open_claim),
		ALONE(a_claim_that_a_lie_puts_across_the_wrap_ends_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
