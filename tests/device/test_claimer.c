// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_claimer.c: several producers: the one whose claim holds all others up is named */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmp.h>

#include "shell.h"

#define N    64	     /* slots */
#define SOON 1000000 /* ns: a deadline that is to pass */

struct several {
	struct dmp_ring *ring;
	struct dmp_member *a, *b, *c; /* producers, and a consumer */
};

static struct several make_several(void)
{
	struct several s = { .ring = make_ring(N, 56, DMP_RING_STAMPED | DMP_RING_MULTI) };

	s.c = join(s.ring, DMP_ROLE_CONSUMER, "c");
	s.a = join(s.ring, DMP_ROLE_PRODUCER, "a");
	s.b = join(s.ring, DMP_ROLE_PRODUCER, "b");
	return s;
}

static void end_several(struct several *s)
{
	dmp_leave(s->a);
	dmp_leave(s->b);
	dmp_leave(s->c);
	dmp_ring_close(s->ring);
}

static uint64_t claim(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_try_claim(p, n, &pos), 0);
	return pos;
}

static void publish(struct dmp_member *p, uint64_t n)
{
	dmp_publish(p, claim(p, n), n);
}

static void release(struct dmp_member *c, uint64_t n)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, n, &batch), 0);
	assert_int_equal(dmp_release(c, batch.pos + n), 0);
}

static struct dmp_holdup holdup_of(const struct dmp_ring *ring, uint32_t what)
{
	struct dmp_holdup h;

	assert_int_equal(dmp_ring_holdup(ring, what, &h), 0);
	return h;
}

/* name NULL: nobody. */
static void assert_holdup(const struct dmp_ring *ring, uint32_t what, const char *name, uint64_t position)
{
	struct dmp_holdup h = holdup_of(ring, what);

	if (!name) {
		assert_int_equal(h.role, 0);
		return;
	}
	assert_int_equal(h.role, *name == 'c' ? DMP_ROLE_CONSUMER : DMP_ROLE_PRODUCER);
	assert_string_equal(h.name, name);
	assert_int_equal(h.position, position);
	assert_int_equal(h.state, DMP_MEMBER_JOINED);
}

static void a_hole_is_held_by_who_claimed_it(void **state)
{
	struct several s = make_several();

	(void)state;
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, NULL, 0);
	publish(s.b, 1);
	claim(s.a, 2);
	publish(s.b, 3);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 1);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, NULL, 0);
	dmp_publish(s.a, 1, 1);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 2);
	dmp_publish(s.a, 2, 1);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, NULL, 0);
	claim(s.b, 1); /* nothing behind it, but it is what comes next */
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "b", 6);
	end_several(&s);
}

/* All have read up to the hole: it is its claimer who keeps them from releasing more. */
static void room_is_held_by_a_consumer_or_by_a_hole(void **state)
{
	struct several s = make_several();

	(void)state;
	publish(s.a, 1);
	claim(s.a, 1);
	publish(s.b, N - 2);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, "c", 0);
	release(s.c, 1);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, NULL, 0);
	publish(s.b, 1);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, "a", 1);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 1);
	dmp_publish(s.a, 1, 1);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, "c", 1);
	end_several(&s);
}

static void a_claim_of_several_wants_as_much(void **state)
{
	struct several s = make_several();
	struct dmp_holdup h;
	uint64_t pos;

	(void)state;
	publish(s.a, N - 4);
	assert_int_equal(dmp_claim_until(s.b, 8, &pos, dmp_now() + SOON), -ETIMEDOUT);
	assert_holdup(s.ring, DMP_HOLDUP_ROOM, NULL, 0);
	assert_int_equal(dmp_holdup(s.b, DMP_HOLDUP_ROOM, &h), 0);
	assert_string_equal(h.name, "c");
	release(s.c, 4);
	assert_int_equal(dmp_holdup(s.b, DMP_HOLDUP_ROOM, &h), 0);
	assert_int_equal(h.role, 0);
	end_several(&s);
}

/* ---- records that cover one position ---- */

static struct several *racing;

/* Between a's record and its claim b takes what a has recorded, and more. */
static void overtake(enum dmp_test_point point)
{
	if (point != DMP_POINT_CLAIM_RECORDED)
		return;
	dmp_test_hook = NULL;
	assert_int_equal(claim(racing->b, 2), 0);
	assert_holdup(racing->ring, DMP_HOLDUP_EVENTS, "b", 0);
}

static void who_has_tried_is_not_taken_for_who_has_won(void **state)
{
	struct several s = make_several();

	(void)state;
	racing = &s;
	dmp_test_hook = overtake;
	assert_int_equal(claim(s.a, 1), 2);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "b", 0);
	dmp_publish(s.b, 0, 2);
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 2);
	end_several(&s);
}

static void a_hostile_record_is_no_better_than_others(void **state)
{
	struct several s = make_several();
	struct dmp_member_info m;

	(void)state;
	claim(s.a, 2);
	s.b->own->claim_won = s.b->own->claim_hi = 1ULL << 40; /* everything, it says */
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 0);
	m = member_info(dmp_ring_fd(s.ring), "b");
	assert_int_equal(m.claim_lo, 0);
	assert_int_equal(m.claim_hi, N);
	s.b->own->claim_lo = 1;
	s.b->own->claim_won = s.b->own->claim_hi = 0; /* turned round */
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, "a", 0);
	m = member_info(dmp_ring_fd(s.ring), "b");
	assert_int_equal(m.claim_lo, m.claim_hi);
	end_several(&s);
}

static void members_tells_the_claim(void **state)
{
	struct several s = make_several();
	struct dmp_member_info m;

	(void)state;
	claim(s.a, 3);
	m = member_info(dmp_ring_fd(s.ring), "a");
	assert_int_equal(m.claim_lo, 0);
	assert_int_equal(m.claim_hi, 3);
	dmp_publish(s.a, 0, 2);
	m = member_info(dmp_ring_fd(s.ring), "a");
	assert_int_equal(m.claim_lo, 2);
	assert_int_equal(dmp_abort(s.a, 2, 1), 0);
	m = member_info(dmp_ring_fd(s.ring), "a");
	assert_int_equal(m.claim_lo, m.claim_hi);
	release(s.c, 2);
	assert_int_equal(dmp_try_wait(s.c, 1, &(struct dmp_batch){ 0 }), -EAGAIN);
	assert_int_equal(member_info(dmp_ring_fd(s.ring), "c").aborted, 1);
	end_several(&s);
}

/* ---- a producer that has claimed and stopped ---- */

static int claim_and_stop(void *ring)
{
	claim(join(ring, DMP_ROLE_PRODUCER, "stuck"), 1);
	raise(SIGSTOP);
	return 0;
}

static pid_t start_stuck(struct dmp_ring *ring)
{
	pid_t pid = start_child(claim_and_stop, ring);
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void assert_stuck(const struct dmp_holdup *h, pid_t pid)
{
	assert_int_equal(h->role, DMP_ROLE_PRODUCER);
	assert_string_equal(h->name, "stuck");
	assert_int_equal(h->position, 0);
	assert_int_equal(h->pid, pid);
	assert_int_equal(h->tid, pid);
	assert_int_equal(h->thread_state, 'T');
}

static void who_has_claimed_and_stopped_is_named_to_all_who_time_out(void **state)
{
	struct several s = make_several();
	pid_t pid = start_stuck(s.ring);
	struct dmp_batch batch;
	struct dmp_holdup h;
	uint64_t pos;

	(void)state;
	publish(s.a, N - 1);
	assert_int_equal(dmp_wait_until(s.c, 1, &batch, dmp_now() + SOON), -ETIMEDOUT);
	assert_int_equal(dmp_holdup(s.c, DMP_HOLDUP_EVENTS, &h), 0);
	assert_stuck(&h, pid);
	assert_int_equal(dmp_claim_until(s.b, 1, &pos, dmp_now() + SOON), -ETIMEDOUT);
	assert_int_equal(dmp_holdup(s.b, DMP_HOLDUP_ROOM, &h), 0);
	assert_stuck(&h, pid);
	kill_child(pid);
	assert_int_equal(dmp_wait_until(s.c, 1, &batch, wait_long()), 0); /* repaired */
	assert_holdup(s.ring, DMP_HOLDUP_EVENTS, NULL, 0);
	end_several(&s);
}

static void info_names_the_claimer(void **state)
{
	struct name name = unique_name("hole");
	struct dmp_ring_options options = { .slots = N, .event_size = 56 };
	struct dmp_ring *ring = NULL;
	char text[80];
	struct said said;
	pid_t pid;

	(void)state;
	options.flags = DMP_RING_STAMPED | DMP_RING_MULTI;
	assert_int_equal(dmp_ring_create(&ring, name.s, &options), 0);
	pid = start_stuck(ring);
	snprintf(text, sizeof(text), "held up by: producer stuck pid %d (T, stopped) at 0\n", (int)pid);
	said = run("dmp info %s", name.s);
	assert_non_null(strstr(said.out, text));
	forget(&said);
	said = run("dmp info %s --json", name.s);
	assert_true(is_json(said.out));
	assert_non_null(strstr(said.out, "\"events\": {\n      \"role\": \"producer\",\n      \"name\": \"stuck\""));
	forget(&said);
	kill_child(pid);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_is_held_by_who_claimed_it),
		cmocka_unit_test(room_is_held_by_a_consumer_or_by_a_hole),
		cmocka_unit_test(a_claim_of_several_wants_as_much),
		cmocka_unit_test(who_has_tried_is_not_taken_for_who_has_won),
		cmocka_unit_test(a_hostile_record_is_no_better_than_others),
		cmocka_unit_test(members_tells_the_claim),
		cmocka_unit_test(who_has_claimed_and_stopped_is_named_to_all_who_time_out),
		cmocka_unit_test(info_names_the_claimer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
