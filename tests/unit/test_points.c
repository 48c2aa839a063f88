// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_points.c: what is so at the test points, and so in which order the hot path stores and loads */
#include "fake.h"

#define SLOTS 64

static struct dmp_member *p, *c;
static enum dmp_test_point passed[32];
static uint32_t count;
static void (*at_point)(enum dmp_test_point point);

static void record(enum dmp_test_point point)
{
	assert_true(count < sizeof(passed) / sizeof(*passed));
	passed[count++] = point;
	if (at_point)
		at_point(point);
}

static int setup(void **state)
{
	(void)state;
	fake_create(SLOTS, 56, DMP_RING_STAMPED);
	p = fake_producer();
	c = fake_consumer("c", NULL);
	count = 0;
	at_point = NULL;
	dmp_test_hook = record;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_test_hook = NULL;
	dmp_leave(c);
	dmp_leave(p);
	p = c = NULL;
	fake_destroy();
	return 0;
}

static void expect_passed(const enum dmp_test_point *points, uint32_t n)
{
	assert_int_equal(count, n);
	assert_memory_equal(passed, points, n * sizeof(*points));
	count = 0;
}

#define EXPECT_PASSED(...)                                                   \
	do {                                                                 \
		static const enum dmp_test_point points[] = { __VA_ARGS__ }; \
		expect_passed(points, sizeof(points) / sizeof(*points));     \
	} while (0)

/* ---- which, and when ---- */

static void an_event_passes_its_points_in_order(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 1);
	EXPECT_PASSED(DMP_POINT_CLAIM_BEFORE, DMP_POINT_CLAIM_AFTER, DMP_POINT_SLOT_WRITING, DMP_POINT_PUBLISH_STAMPED,
		      DMP_POINT_PUBLISH_CURSOR);
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	assert_int_equal(dmp_release(c, 1), 0);
	EXPECT_PASSED(DMP_POINT_RELEASE_BEFORE, DMP_POINT_RELEASE_AFTER);
}

static void members_come_and_go_at_points(void **state)
{
	struct dmp_member *d = fake_consumer("d", NULL);

	(void)state;
	EXPECT_PASSED(DMP_POINT_JOIN_BEFORE, DMP_POINT_JOIN_AFTER);
	dmp_leave(d);
	EXPECT_PASSED(DMP_POINT_LEAVE_BEFORE, DMP_POINT_LEAVE_AFTER);
}

static int publish_unseen(void)
{
	dmp_test_hook = NULL;
	fake_publish(p, 1);
	dmp_test_hook = record;
	return 0;
}

static void calls_for_sleep_and_wake_are_points(void **state)
{
	struct dmp_batch b;

	(void)state;
	c->wait = dmp_wait_block;
	fake.on_wait = publish_unseen;
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	EXPECT_PASSED(DMP_POINT_WAIT_BEFORE, DMP_POINT_WAIT_AFTER);
	fake_line(0)->mode = DMP_MODE_FENCED;
	fake_line(0)->notify = 1;
	fake_publish(p, 1);
	assert_int_equal(passed[count - 1], DMP_POINT_WAKE_BEFORE);
	assert_int_equal(fake.wakes, 1);
}

/* ---- what is so there ---- */

static void look_at_publish(enum dmp_test_point point)
{
	static const uint64_t nothing;
	char *slot = (char *)fake_stamp(0);

	if (point == DMP_POINT_CLAIM_AFTER) {
		assert_int_equal(*fake_stamp(0), 0);
	} else if (point == DMP_POINT_SLOT_WRITING) {
		assert_int_equal(*fake_stamp(0), dmp_stamp_writing(0));
		assert_memory_equal(slot + 8, &nothing, sizeof(nothing)); /* J: the payload is not touched yet */
	} else if (point == DMP_POINT_PUBLISH_STAMPED) {
		assert_int_equal(*fake_stamp(0), dmp_stamp_published(0));
		assert_int_equal(fake.cursor->cursor, 0); /* I before A */
	} else if (point == DMP_POINT_PUBLISH_CURSOR) {
		assert_int_equal(fake.cursor->cursor, 1);
	}
}

static void stamps_come_before_payload_and_cursor(void **state)
{
	uint64_t pos, event = 42;

	(void)state;
	at_point = look_at_publish;
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	memcpy(dmp_slot(p, pos), &event, sizeof(event));
	dmp_publish(p, pos, 1);
	assert_int_equal(count, 5);
}

static void fall_asleep_at_cursor(enum dmp_test_point point)
{
	if (point != DMP_POINT_PUBLISH_CURSOR && point != DMP_POINT_RELEASE_AFTER)
		return;
	fake_line(0)->notify = fake_line(1 + c->index)->notify = 1;
	fake_line(0)->mode = fake_line(1 + c->index)->mode = DMP_MODE_FENCED;
}

static void the_mode_is_read_after_the_cursor_is_stored(void **state)
{
	(void)state;
	at_point = fall_asleep_at_cursor;
	fake_publish(p, 1);
	assert_int_equal(fake.wakes, 1);
}

static void the_mode_is_read_after_the_release(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 1);
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	at_point = fall_asleep_at_cursor;
	assert_int_equal(dmp_release(c, 1), 0);
	assert_int_equal(fake.wakes, 1);
}

static void evict_before_release(enum dmp_test_point point)
{
	if (point == DMP_POINT_RELEASE_BEFORE)
		fake_entry(c->index)->incarnation++;
}

static void who_is_evicted_up_to_the_release_does_not_release(void **state)
{
	struct dmp_batch b;

	(void)state;
	fake_publish(p, 1);
	assert_int_equal(dmp_wait(c, 1, &b), 0);
	at_point = evict_before_release;
	assert_int_equal(dmp_release(c, 1), -ESTALE);
	assert_int_equal(fake_own(c->index)->cursor, 0);
}

static void take_the_claimed_position(enum dmp_test_point point)
{
	if (point == DMP_POINT_CLAIM_AFTER)
		assert_int_equal(fake.cursor->claimed, p->next);
}

static void a_packed_claim_is_told_before_anything_is_overwritten(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	c = NULL;
	fake_create(512, 8, 0);
	p = fake_producer();
	at_point = take_the_claimed_position;
	fake_publish(p, 3);
	fake_publish(p, 4);
	assert_int_equal(fake.cursor->claimed, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_passes_its_points_in_order),
		TEST(members_come_and_go_at_points),
		TEST(calls_for_sleep_and_wake_are_points),
		TEST(stamps_come_before_payload_and_cursor),
		TEST(the_mode_is_read_after_the_cursor_is_stored),
		TEST(the_mode_is_read_after_the_release),
		TEST(who_is_evicted_up_to_the_release_does_not_release),
		TEST(a_packed_claim_is_told_before_anything_is_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
