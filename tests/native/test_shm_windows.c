// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_shm_windows.c: what happens between a look in vain and the sleep that follows it is not slept through
 *
 * The hook does it at that very point, in the same thread. This program's clock runs an hour ahead of the kernel's, so
 * that nobody looks up by himself: what is missed is missed for good, and the alarm says so.
 */
#include <dmp/test_point.h>

#include "native.h"

#define AHEAD_NS 3600000000000ULL
#define N	 NATIVE_SLOTS

uint64_t dmp_sys_now(void)
{
	return now_ns() + AHEAD_NS;
}

static struct dmp_ring *ring;
static struct dmp_member *p, *c, *d, *o; /* d depends on c */
static void (*in_the_window)(void);
static int windows;

static void at_point(enum dmp_test_point point)
{
	if (point != DMP_POINT_WAIT_BEFORE || !in_the_window)
		return;
	windows++;
	in_the_window();
	in_the_window = NULL;
}

static int setup(void **state)
{
	struct address a = new_shm("windows");

	(void)state;
	ring = create_ring(&a, 0);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	c = stress_join(ring, DMP_ROLE_CONSUMER, "c", &dmp_wait_block);
	d = stress_after(ring, "d", "c", NULL, &dmp_wait_block);
	o = stress_join(ring, DMP_ROLE_OBSERVER, "o", &dmp_wait_block);
	windows = 0;
	dmp_test_hook = at_point;
	alarm(20); /* kills: a wait that does not end has missed what it waited for */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_test_hook = NULL;
	alarm(0);
	dmp_leave(o);
	dmp_leave(d);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
	return 0;
}

static int wait_while(struct dmp_member *m, void (*what)(void))
{
	struct dmp_batch batch;

	in_the_window = what;
	return dmp_wait(m, 1, &batch);
}

static int observe_while(void (*what)(void))
{
	uint64_t event[8], pos, lost;

	in_the_window = what;
	return dmp_observe(o, event, &pos, &lost);
}

static int claim_while(void (*what)(void))
{
	uint64_t pos;

	in_the_window = what;
	return dmp_claim(p, 1, &pos);
}

static void publish_one(void)
{
	publish(p, 1);
}

static void end_stream(void)
{
	dmp_leave(p);
	p = NULL;
}

static void release_one(void)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), 0);
	assert_int_equal(dmp_release(c, batch.pos + 1), 0);
}

static void leave_c(void)
{
	dmp_leave(c);
	c = NULL;
}

static void leave_both(void)
{
	dmp_leave(d);
	d = NULL;
	leave_c();
}

static void an_event_is_not_slept_through(void **state)
{
	(void)state;
	assert_int_equal(wait_while(c, publish_one), 0);
	assert_int_equal(windows, 1);
}

static void an_event_is_not_slept_through_by_an_observer(void **state)
{
	(void)state;
	assert_int_equal(observe_while(publish_one), 0);
	assert_int_equal(windows, 1);
}

static void the_end_is_not_slept_through(void **state)
{
	(void)state;
	assert_int_equal(wait_while(c, end_stream), -EPIPE);
	assert_int_equal(windows, 1);
}

static void the_end_is_not_slept_through_by_an_observer(void **state)
{
	(void)state;
	assert_int_equal(observe_while(end_stream), -EPIPE);
	assert_int_equal(windows, 1);
}

static void a_release_is_not_slept_through(void **state)
{
	(void)state;
	publish(p, 1);
	assert_int_equal(wait_while(d, release_one), 0);
	assert_int_equal(windows, 1);
}

static void a_leave_is_not_slept_through_by_who_depends(void **state)
{
	(void)state;
	publish(p, 1);
	assert_int_equal(wait_while(d, leave_c), 0);
	assert_int_equal(windows, 1);
}

static void a_leave_is_not_slept_through_by_the_producer(void **state)
{
	(void)state;
	publish(p, N);
	assert_int_equal(claim_while(leave_both), 0);
	assert_int_equal(windows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_event_is_not_slept_through, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_is_not_slept_through_by_an_observer, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_not_slept_through, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_not_slept_through_by_an_observer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_release_is_not_slept_through, setup, teardown),
		cmocka_unit_test_setup_teardown(a_leave_is_not_slept_through_by_who_depends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_leave_is_not_slept_through_by_the_producer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
