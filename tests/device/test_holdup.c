// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_holdup.c: who holds a ring up: which member, and where; test_thread.c: what its thread does */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "holdup.h"

static struct dmp_holdup ask(int fd, uint32_t what)
{
	struct dmp_holdup h;

	memset(&h, 0xa5, sizeof(h));
	h.size = sizeof(h);
	h.what = what;
	h.position = 0;
	assert_int_equal(xioctl(fd, DMP_IOC_HOLDUP, &h), 0);
	return h;
}

static struct dmp_holdup room_of(int fd)
{
	return ask(fd, DMP_HOLDUP_ROOM);
}

static void assert_nobody(const struct dmp_holdup *h)
{
	static const char no_name[DMP_MEMBER_NAME_MAX];

	assert_int_equal(h->role | h->state | h->position | h->index | h->thread_state, 0);
	assert_int_equal(h->pid | h->tid, 0);
	assert_memory_equal(h->name, no_name, sizeof(no_name));
}

static void assert_holder(const struct dmp_holdup *h, const char *name, uint64_t position)
{
	assert_int_equal(h->role, DMP_ROLE_CONSUMER);
	assert_string_equal(h->name, name);
	assert_int_equal(h->position, position);
	assert_int_equal(h->state, DMP_MEMBER_JOINED);
}

/* ---- which member ---- */

static void nobody_holds_up_a_ring_that_has_room(void **state)
{
	struct pair x = make_pair();
	struct dmp_holdup h;

	(void)state;
	raw_publish(&x.p, SLOTS - 1);
	h = room_of(x.ring);
	assert_nobody(&h);
	h = ask(x.ring, DMP_HOLDUP_EVENTS);
	assert_nobody(&h);
	raw_publish(&x.p, 1);
	h = room_of(x.ring);
	assert_holder(&h, "c", 0);
	assert_int_equal(h.index, x.c.index);
	h = ask(x.ring, DMP_HOLDUP_EVENTS); /* a single producer leaves no hole */
	assert_nobody(&h);
	end_pair(&x);
}

static void a_full_ring_is_held_up_by_its_slowest_consumer(void **state)
{
	struct pair x = make_pair();
	struct raw second = raw_join(x.ring, DMP_ROLE_CONSUMER, "second");
	struct dmp_holdup h;

	(void)state;
	raw_publish(&x.p, SLOTS);
	raw_release(&x.c, 5);
	raw_release(&second, 3);
	h = room_of(x.ring);
	assert_nobody(&h);
	raw_publish(&x.p, 3);
	h = room_of(x.p.fd);
	assert_holder(&h, "second", 3);
	raw_release(&second, 6);
	raw_publish(&x.p, 2);
	h = room_of(x.c.fd);
	assert_holder(&h, "c", 5);
	raw_leave(&second);
	end_pair(&x);
}

/* b's index is below a's, and both stand at the same place: b cannot go on before a has. */
static void who_waits_for_another_is_not_the_one_in_the_way(void **state)
{
	int ring = new_ring();
	struct raw first = raw_join(ring, DMP_ROLE_CONSUMER, "first"), a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b;
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_holdup h;

	(void)state;
	raw_leave(&first);
	b = raw_join_after(ring, "b", "a");
	assert_true(b.index < a.index);
	raw_publish(&p, SLOTS);
	h = room_of(ring);
	assert_holder(&h, "a", 0);
	raw_release(&a, 1);
	h = room_of(ring);
	assert_holder(&h, "b", 0);
	raw_leave(&p);
	raw_leave(&b);
	raw_leave(&a);
	close(ring);
}

static void a_member_that_left_holds_nobody_up(void **state)
{
	struct pair x = make_pair();
	struct dmp_holdup h;

	(void)state;
	raw_publish(&x.p, SLOTS);
	assert_int_equal(xioctl(x.c.fd, DMP_IOC_LEAVE, NULL), 0);
	h = room_of(x.ring);
	assert_nobody(&h);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

static void a_hostile_cursor_is_shown_for_what_it_is(void **state)
{
	struct pair x = make_pair();
	struct raw honest = raw_join(x.ring, DMP_ROLE_CONSUMER, "honest");
	struct dmp_holdup h;

	(void)state;
	raw_publish(&x.p, 2 * SLOTS);
	raw_release(&honest, SLOTS);
	x.c.own->cursor = UINT64_MAX; /* ahead of the ring: not in the way */
	h = room_of(x.ring);
	assert_holder(&h, "honest", SLOTS);
	x.c.own->cursor = 1; /* back */
	h = room_of(x.ring);
	assert_holder(&h, "c", 1);
	x.p.cursor->cursor = UINT64_MAX;
	h = room_of(x.ring);
	assert_holder(&h, "c", 1);
	x.p.cursor->cursor = 0;
	h = room_of(x.ring);
	assert_nobody(&h);
	raw_leave(&honest);
	end_pair(&x);
}

/* ---- for how much ---- */

static void publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_claim(p, n, &pos), 0);
	dmp_publish(p, pos, n);
}

static void a_claim_of_several_is_held_up_by_who_leaves_too_few(void **state)
{
	struct dmp_ring *ring = make_ring(SLOTS, EVENT, 0);
	struct dmp_member *c = join(ring, DMP_ROLE_CONSUMER, "c"), *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_batch batch;
	struct dmp_holdup h;

	(void)state;
	publish(p, SLOTS - 4);
	time_out(p, 8);
	h = holdup_of(p);
	assert_holder(&h, "c", 0);
	assert_int_equal(dmp_ring_holdup(ring, DMP_HOLDUP_ROOM, &h), 0); /* of one event nobody */
	assert_nobody(&h);
	assert_int_equal(dmp_wait(c, 4, &batch), 0);
	assert_int_equal(dmp_release(c, 4), 0);
	h = holdup_of(p);
	assert_nobody(&h);
	publish(p, 8);
	dmp_leave(p);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void claims_that_are_open_take_room_too(void **state)
{
	struct dmp_ring *ring = make_ring(SLOTS, EVENT, 0);
	struct dmp_member *c = join(ring, DMP_ROLE_CONSUMER, "c"), *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_holdup h;
	uint64_t pos;

	(void)state;
	publish(p, SLOTS / 2);
	assert_int_equal(dmp_claim(p, SLOTS / 2, &pos), 0);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN);
	h = holdup_of(p);
	assert_holder(&h, "c", 0);
	dmp_leave(p);
	dmp_leave(c);
	dmp_ring_close(ring);
}

/* ---- who may ask, and what ---- */

static void any_right_is_enough(void **state)
{
	struct pair x = make_pair();
	uint32_t right;

	(void)state;
	raw_publish(&x.p, SLOTS);
	for (right = 1; right < 8; right *= 2) {
		int fd = ring_bind(x.ring, right);
		struct dmp_holdup h = room_of(fd);

		assert_holder(&h, "c", 0);
		close(fd);
	}
	end_pair(&x);
}

static int ask_from_another_process(void *member)
{
	struct dmp_holdup h = { .size = sizeof(h), .what = DMP_HOLDUP_ROOM };

	return -xioctl(*(int *)member, DMP_IOC_HOLDUP, &h);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	struct pair x = make_pair();
	struct dmp_holdup h = { .size = sizeof(h), .what = DMP_HOLDUP_EVENTS, .position = 1 };
	int dev = device();

	(void)state;
	assert_int_equal(xioctl(x.ring, DMP_IOC_HOLDUP, &h), -EINVAL);
	h.position = 0;
	assert_int_equal(xioctl(x.ring, DMP_IOC_HOLDUP, &h), 0);
	assert_int_equal(xioctl(dev, DMP_IOC_HOLDUP, &h), -ENOTCONN);
	h.what = 0;
	assert_int_equal(xioctl(x.c.fd, DMP_IOC_HOLDUP, &h), -EINVAL);
	assert_int_equal(run_child(ask_from_another_process, &x.c.fd), EPERM);
	close(dev);
	end_pair(&x);
}

static void shared_memory_does_not_know(void **state)
{
	struct dmp_ring_options options = { .slots = SLOTS, .event_size = EVENT };
	struct dmp_ring *ring = NULL;
	struct dmp_member *p;
	struct dmp_holdup h;

	(void)state;
	assert_int_equal(dmp_ring_create(&ring, "shm:", &options), 0);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(dmp_ring_holdup(ring, DMP_HOLDUP_ROOM, &h), -EOPNOTSUPP);
	assert_int_equal(dmp_holdup(p, DMP_HOLDUP_ROOM, &h), -EOPNOTSUPP);
	dmp_leave(p);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_holds_up_a_ring_that_has_room),
		cmocka_unit_test(a_full_ring_is_held_up_by_its_slowest_consumer),
		cmocka_unit_test(who_waits_for_another_is_not_the_one_in_the_way),
		cmocka_unit_test(a_member_that_left_holds_nobody_up),
		cmocka_unit_test(a_hostile_cursor_is_shown_for_what_it_is),
		cmocka_unit_test(a_claim_of_several_is_held_up_by_who_leaves_too_few),
		cmocka_unit_test(claims_that_are_open_take_room_too),
		cmocka_unit_test(any_right_is_enough),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
		cmocka_unit_test(shared_memory_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
