// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_wait.c: WAIT: what is waited for, and who else is there; see test_deadline.c for time and signals */
#include <errno.h>
#include <unistd.h>

#include "raw.h"

/* ---- what is waited for ---- */

static void what_is_there_is_not_waited_for(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(raw_wait(c.fd, 0, NEVER), 0);
	raw_publish(&p, 3);
	assert_int_equal(raw_wait(c.fd, 3, NEVER), 0);
	assert_int_equal(raw_wait(c.fd, 3, 0), 0);
	assert_int_equal(ring_info(ring).sleeps, 0);
	assert_int_equal(member_info(ring, "c").arms, 0);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

static void a_consumer_sleeps_until_n_events_are_there(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_member_info m;
	struct sleeper s;

	(void)state;
	start_sleeper(&s, c.fd, 3, wait_long());
	await_asleep(ring, "c");
	m = member_info(ring, "c");
	assert_int_equal(m.waits_target, 3);
	assert_int_equal(m.waits_on, 0);
	assert_true(m.waiting & DMP_WAITING_CURSOR);
	raw_publish(&p, 2); /* not enough: nobody is woken */
	assert_true(member_info(ring, "c").waiting & DMP_WAITING_ASLEEP);
	assert_int_equal(ring_info(ring).woken, 0);
	raw_publish(&p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	m = member_info(ring, "c");
	assert_int_equal(m.waiting, 0);
	assert_int_equal(m.sleeps, 1);
	assert_int_equal(m.woken, 1);
	assert_int_equal(m.futile, 0);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

static void a_consumer_sleeps_on_all_its_dependencies(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	struct raw b = raw_join_after(ring, "b", "a");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, b.fd, 1, wait_long());
	await_asleep(ring, "b");
	assert_int_equal(member_info(ring, "b").waits_on, 1ULL << a.index);
	raw_publish(&p, 1);
	assert_int_equal(ring_info(ring).woken, 0);
	assert_true(member_info(ring, "b").waiting == DMP_WAITING_ASLEEP); /* and not on the cursor any more */
	raw_release(&a, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(ring_info(ring).woken, 1);
	assert_int_equal(ring_info(ring).futile, 0);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

static void a_producer_sleeps_until_n_slots_are_free(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct sleeper s;

	(void)state;
	raw_publish(&p, SLOTS);
	start_sleeper(&s, p.fd, 4, wait_long()); /* 4 free slots: every gate at 4 */
	await_asleep(ring, "p");
	assert_int_equal(member_info(ring, "p").waits_on, 1ULL << c.index);
	raw_release(&c, 3);
	assert_true(member_info(ring, "p").waiting & DMP_WAITING_ASLEEP);
	raw_release(&c, 4);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

static void a_producer_sleeps_on_every_gate(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	struct sleeper s;

	(void)state;
	raw_publish(&p, SLOTS);
	start_sleeper(&s, p.fd, 1, wait_long());
	await_asleep(ring, "p");
	raw_release(&b, 5);
	assert_true(member_info(ring, "p").waiting & DMP_WAITING_ASLEEP);
	raw_release(&a, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(ring_info(ring).woken, 1);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

static void an_observer_sleeps_on_the_rings_cursor(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, o.fd, 1000, wait_long()); /* it is not bound to what the ring holds */
	await_asleep(ring, "o");
	raw_publish(&p, 1000);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&o);
	raw_leave(&p);
	close(ring);
}

static void targets_out_of_range_are_einval(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	raw_publish(&p, 10);
	raw_release(&c, 2);
	assert_int_equal(raw_wait(c.fd, 2 + SLOTS, 0), -ETIMEDOUT);
	assert_int_equal(raw_wait(c.fd, 2 + SLOTS + 1, 0), -EINVAL);
	assert_int_equal(raw_arm(c.fd, 2 + SLOTS + 1), -EINVAL);
	assert_int_equal(raw_wait(p.fd, 10, 0), -ETIMEDOUT);
	assert_int_equal(raw_wait(p.fd, 11, 0), -EINVAL);
	assert_int_equal(raw_arm(p.fd, 11), -EINVAL);
	assert_int_equal(raw_wait(p.fd, UINT64_MAX, 0), -EINVAL);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

/* ---- who else is there ---- */

static void a_second_waiter_is_ebusy(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, c.fd, 1, wait_long());
	await_asleep(ring, "c");
	assert_int_equal(raw_wait(c.fd, 1, 0), -EBUSY);
	assert_int_equal(raw_wait(c.fd, 0, 0), -EBUSY);
	assert_int_equal(raw_arm(c.fd, 1), -EBUSY);
	assert_int_equal(member_info(ring, "c").waits_target, 1);
	raw_publish(&p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

static void leaving_wakes_ones_own_sleeper(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, c.fd, 1, wait_long());
	await_asleep(ring, "c");
	assert_int_equal(xioctl(c.fd, DMP_IOC_LEAVE, NULL), 0);
	assert_int_equal(finish_sleeper(&s), -ESTALE);
	raw_close(&c);
	close(ring);
}

static void a_dependency_that_leaves_is_waited_for_no_more(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	struct raw b = raw_join_after(ring, "b", "a");
	struct sleeper s;

	(void)state;
	raw_publish(&p, 1);
	start_sleeper(&s, b.fd, 1, wait_long());
	await_asleep(ring, "b");
	raw_leave(&a);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(member_info(ring, "b").deps, 0);
	assert_int_equal(ring_info(ring).futile, 0);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void a_dependency_that_leaves_does_not_publish(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a");
	struct raw b = raw_join_after(ring, "b", "a");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, b.fd, 1, wait_long());
	await_asleep(ring, "b");
	raw_leave(&a);
	assert_true(member_info(ring, "b").waiting & DMP_WAITING_CURSOR);
	raw_publish(&p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void the_last_gate_that_leaves_frees_the_producer(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	struct sleeper s;

	(void)state;
	raw_publish(&p, SLOTS);
	start_sleeper(&s, p.fd, 1, wait_long());
	await_asleep(ring, "p");
	raw_leave(&a);
	assert_true(member_info(ring, "p").waiting & DMP_WAITING_ASLEEP);
	raw_leave(&b);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&p);
	close(ring);
}

/* A consumer that joins is one gate more: the producer looks again, and sleeps on that, too. */
static void a_producer_that_sleeps_waits_for_who_joins(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b;
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "b");
	struct sleeper s;

	(void)state;
	raw_publish(&p, SLOTS);
	start_sleeper(&s, p.fd, 1, wait_long());
	await_asleep(ring, "p");
	args.from = DMP_FROM_OLDEST;
	b = raw_join_with(ring, &args);
	assert_int_equal(b.start, 0);
	await_asleep(ring, "p");
	assert_int_equal(ring_info(ring).changed, 1);
	raw_release(&a, 1);
	assert_true(member_info(ring, "p").waiting & DMP_WAITING_ASLEEP);
	raw_release(&b, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(ring_info(ring).futile, 0);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_not_waited_for),
		cmocka_unit_test(a_consumer_sleeps_until_n_events_are_there),
		cmocka_unit_test(a_consumer_sleeps_on_all_its_dependencies),
		cmocka_unit_test(a_producer_sleeps_until_n_slots_are_free),
		cmocka_unit_test(a_producer_sleeps_on_every_gate),
		cmocka_unit_test(an_observer_sleeps_on_the_rings_cursor),
		cmocka_unit_test(targets_out_of_range_are_einval),
		cmocka_unit_test(a_second_waiter_is_ebusy),
		cmocka_unit_test(leaving_wakes_ones_own_sleeper),
		cmocka_unit_test(a_dependency_that_leaves_is_waited_for_no_more),
		cmocka_unit_test(a_dependency_that_leaves_does_not_publish),
		cmocka_unit_test(the_last_gate_that_leaves_frees_the_producer),
		cmocka_unit_test(a_producer_that_sleeps_waits_for_who_joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
