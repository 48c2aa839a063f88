// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_end.c: the end of the stream: how it came about, who hears of it, and that it need not be the last */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "raw.h"

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents & POLLHUP;
}

static void finish(const struct raw *p)
{
	assert_int_equal(xioctl(p->fd, DMP_IOC_FINISH, NULL), 0);
}

static void a_ring_before_its_first_producer_has_not_ended(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(ring_info(ring).ended, DMP_END_NONE);
	assert_int_equal(c.meta->ended, DMP_END_NONE);
	assert_false(has_hung_up(c.fd));
	assert_int_equal(raw_wait(c.fd, 1, 0), -ETIMEDOUT); /* one may come */
	raw_leave(&c);
	close(ring);
}

static void finish_then_leave_is_a_clean_end(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	assert_int_equal(c.meta->ended, DMP_END_OPEN);
	finish(&p);
	assert_int_equal(member_info(ring, "p").finished, 1);
	assert_int_equal(c.meta->ended, DMP_END_OPEN); /* until it has left */
	assert_false(has_hung_up(c.fd));
	raw_leave(&p);
	assert_int_equal(c.meta->ended, DMP_END_CLEAN);
	assert_int_equal(ring_info(ring).ended, DMP_END_CLEAN);
	raw_leave(&c);
	close(ring);
}

static void leaving_without_finish_is_a_crash(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_leave(&p);
	assert_int_equal(ring_info(ring).ended, DMP_END_CRASHED);
	close(ring);
}

struct stream {
	int ring;
	bool finish;
};

static int publish_and_stay(void *arg)
{
	const struct stream *s = arg;
	struct raw p = raw_join(s->ring, DMP_ROLE_PRODUCER, "p");

	raw_publish(&p, 3);
	if (s->finish)
		finish(&p);
	pause(); /* to be killed */
	return 1;
}

static bool has_published(void *arg)
{
	const struct stream *s = arg;
	struct dmp_member_info m;

	return find_member(s->ring, "p", &m) && m.cursor == 3 && m.finished == s->finish;
}

static void end_by_kill(bool finished, uint32_t ended)
{
	struct stream s = { new_ring(), finished };
	struct raw c = raw_join(s.ring, DMP_ROLE_CONSUMER, "c");
	pid_t child = start_child(publish_and_stay, &s);

	await(has_published, &s, "a producer that has published");
	kill_child(child);
	await_joined(s.ring, 1);
	assert_int_equal(ring_info(s.ring).ended, ended);
	assert_true(has_hung_up(c.fd));
	assert_int_equal(raw_wait(c.fd, 3, NEVER), 0); /* what was published can be read */
	assert_int_equal(raw_wait(c.fd, 4, NEVER), -EPIPE);
	raw_leave(&c);
	close(s.ring);
}

static void a_killed_producer_is_a_crash(void **state)
{
	(void)state;
	end_by_kill(false, DMP_END_CRASHED);
}

static void a_producer_killed_after_finish_is_a_clean_end(void **state)
{
	(void)state;
	end_by_kill(true, DMP_END_CLEAN);
}

static void the_end_comes_after_the_last_event(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_publish(&p, 2);
	raw_leave(&p);
	assert_int_equal(raw_wait(c.fd, 1, NEVER), 0);
	assert_int_equal(raw_wait(c.fd, 2, NEVER), 0);
	assert_int_equal(raw_wait(c.fd, 3, NEVER), -EPIPE);
	assert_int_equal(raw_arm(c.fd, 2), 1);
	assert_int_equal(raw_arm(c.fd, 3), -EPIPE);
	assert_int_equal(member_info(ring, "c").waiting, 0);
	raw_leave(&c);
	close(ring);
}

static void the_end_wakes_all_who_sleep_beyond_it(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	struct raw d = raw_join_after(ring, "d", "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s[3];

	(void)state;
	start_sleeper(&s[0], c.fd, 1, wait_long());
	start_sleeper(&s[1], o.fd, 2, wait_long());
	start_sleeper(&s[2], d.fd, 3, wait_long());
	await_asleep(ring, "c");
	await_asleep(ring, "o");
	await_asleep(ring, "d");
	raw_leave(&p);
	assert_int_equal(finish_sleeper(&s[0]), -EPIPE);
	assert_int_equal(finish_sleeper(&s[1]), -EPIPE);
	assert_int_equal(finish_sleeper(&s[2]), -EPIPE);
	raw_leave(&d);
	raw_leave(&o);
	raw_leave(&c);
	close(ring);
}

/* The events are all there: it still waits for the one before it, not for the producer. */
static void the_end_does_not_wake_who_waits_for_a_dependency(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), d = raw_join_after(ring, "d", "c");
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s;

	(void)state;
	raw_publish(&p, 1);
	start_sleeper(&s, d.fd, 1, wait_long());
	await_asleep(ring, "d");
	raw_leave(&p);
	assert_true(member_info(ring, "d").waiting & DMP_WAITING_ASLEEP);
	raw_release(&c, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(raw_wait(d.fd, 2, NEVER), -EPIPE);
	raw_leave(&d);
	raw_leave(&c);
	close(ring);
}

static void the_end_shows_in_poll_of_who_was_armed(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct pollfd poll_in = { .fd = c.fd, .events = POLLIN };

	(void)state;
	assert_int_equal(raw_arm(c.fd, 1), 0);
	assert_int_equal(poll(&poll_in, 1, 0), 0);
	raw_leave(&p);
	assert_int_equal(poll(&poll_in, 1, 0), 1);
	assert_int_equal(poll_in.revents, POLLIN | POLLHUP);
	raw_leave(&c);
	close(ring);
}

static void a_new_producer_clears_the_end(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct sleeper s;

	(void)state;
	raw_publish(&p, 5);
	finish(&p);
	raw_leave(&p);
	assert_int_equal(raw_wait(c.fd, 6, NEVER), -EPIPE);
	assert_true(has_hung_up(c.fd));
	p = raw_join(ring, DMP_ROLE_PRODUCER, "p2");
	assert_int_equal(p.start, 5);
	assert_false(has_hung_up(c.fd));
	assert_int_equal(c.meta->ended, DMP_END_OPEN);
	assert_int_equal(member_info(ring, "p2").finished, 0);
	start_sleeper(&s, c.fd, 6, wait_long());
	await_asleep(ring, "c");
	raw_publish(&p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&p);
	assert_int_equal(c.meta->ended, DMP_END_CRASHED); /* the last one counts */
	raw_leave(&c);
	close(ring);
}

static void a_producer_sleeps_on_without_an_end(void **state)
{
	int ring = new_ring();
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c"), p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	raw_publish(&p, SLOTS);
	assert_int_equal(raw_wait(p.fd, 1, 0), -ETIMEDOUT);
	assert_false(has_hung_up(p.fd));
	raw_leave(&p);
	raw_leave(&c);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_before_its_first_producer_has_not_ended),
		cmocka_unit_test(finish_then_leave_is_a_clean_end),
		cmocka_unit_test(leaving_without_finish_is_a_crash),
		cmocka_unit_test(a_killed_producer_is_a_crash),
		cmocka_unit_test(a_producer_killed_after_finish_is_a_clean_end),
		cmocka_unit_test(the_end_comes_after_the_last_event),
		cmocka_unit_test(the_end_wakes_all_who_sleep_beyond_it),
		cmocka_unit_test(the_end_does_not_wake_who_waits_for_a_dependency),
		cmocka_unit_test(the_end_shows_in_poll_of_who_was_armed),
		cmocka_unit_test(a_new_producer_clears_the_end),
		cmocka_unit_test(a_producer_sleeps_on_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
