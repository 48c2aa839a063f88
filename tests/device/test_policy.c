// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_policy.c: what becomes of a consumer's place: by policy and way to die; those who fail with it */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <dmp.h>

#include "dying.h"
#include "spinner.h"

/* ---- every policy, every way, with and without somebody who depends on it ---- */

static const char *const policies[] = { "default", "drop", "hold", "fail" };

static uint64_t bit(uint32_t index)
{
	return 1ULL << index;
}

static void check_place(const struct victim *v, const struct raw *p)
{
	bool held = v->args.policy == DMP_POLICY_HOLD;

	assert_int_equal(entry_at(v->ring, v->args.index).state == DMP_MEMBER_HELD, held);
	assert_int_equal(!!(p->meta->gates & bit(v->args.index)), held);
	assert_int_equal(ring_info(v->ring).held, held);
	assert_true(raw_entry(p, v->args.index)->incarnation != v->args.incarnation);
	assert_int_equal(raw_entry(p, v->args.index)->gone, DMP_GONE_LEFT);
}

/* b came after the dead one. */
static void check_dependant(const struct victim *v, const struct raw *b)
{
	bool fails = v->args.policy == DMP_POLICY_DEFAULT || v->args.policy == DMP_POLICY_FAIL;
	const struct dmp_entry *e = raw_entry(b, b->index);

	assert_int_equal(e->state, fails ? DMP_MEMBER_LEFT : DMP_MEMBER_JOINED);
	assert_int_equal(e->gone, fails ? DMP_GONE_FAILED : DMP_GONE_NOT);
	assert_int_equal(e->incarnation == b->incarnation, !fails);
	assert_int_equal(!!(b->meta->gates & bit(b->index)), !fails);
	assert_int_equal(ring_info(v->ring).failed, fails);
	if (!fails)
		assert_int_equal(e->deps, v->args.policy == DMP_POLICY_HOLD ? bit(v->args.index) : 0);
}

static void try_death(uint32_t policy, enum way way, bool leaf)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), b;
	struct victim v = victim_of(ring, "a", NULL, policy);

	print_message("  %s, %s, %s\n", policies[policy], ways[way], leaf ? "leaf" : "others depend on it");
	v.way = way;
	start_victim(&v);
	if (!leaf)
		b = raw_join_after(ring, "b", "a");
	end_victim(&v);
	bury_victim(&v);
	check_place(&v, &p);
	if (!leaf) {
		check_dependant(&v, &b);
		raw_close(&b);
	}
	raw_leave(&p);
	close(ring);
}

static void a_death_goes_by_the_policy(void **state)
{
	uint32_t policy;
	int way;

	(void)state;
	for (policy = DMP_POLICY_DEFAULT; policy <= DMP_POLICY_FAIL; policy++)
		for (way = 0; way < WAYS; way++) {
			try_death(policy, way, true);
			try_death(policy, way, false);
		}
}

static void to_leave_is_drop_whatever_the_policy(void **state)
{
	uint32_t policy;

	(void)state;
	for (policy = DMP_POLICY_DEFAULT; policy <= DMP_POLICY_FAIL; policy++) {
		struct victim v = victim_of(new_ring(), "a", NULL, policy);
		struct raw a = raw_join_with(v.ring, &v.args), b = raw_join_after(v.ring, "b", "a");

		assert_int_equal(entry_at(v.ring, a.index).policy, policy);
		assert_int_equal(xioctl(a.fd, DMP_IOC_LEAVE, NULL), 0);
		assert_int_equal(b.meta->gates, bit(b.index));
		assert_int_equal(raw_entry(&b, a.index)->gone, DMP_GONE_LEFT);
		assert_int_equal(raw_entry(&b, b.index)->state, DMP_MEMBER_JOINED);
		assert_int_equal(raw_entry(&b, b.index)->deps, 0);
		assert_int_equal(ring_info(v.ring).held, 0);
		raw_close(&a);
		assert_int_equal(entry_at(v.ring, a.index).state, DMP_MEMBER_FREE);
		raw_leave(&b);
		close(v.ring);
	}
}

/* ---- fail ---- */

/* a <- b <- c, a <- d, and e, which depends on nobody. */
struct family {
	int ring;
	struct victim a;
	struct raw p, b, c, d, e;
};

static struct family make_family(uint32_t policy)
{
	struct family f = { .ring = new_ring() };

	f.p = raw_join(f.ring, DMP_ROLE_PRODUCER, "p");
	f.a = victim_of(f.ring, "a", NULL, policy);
	start_victim(&f.a);
	f.b = raw_join_after(f.ring, "b", "a");
	f.c = raw_join_after(f.ring, "c", "b");
	f.d = raw_join_after(f.ring, "d", "a");
	f.e = raw_join(f.ring, DMP_ROLE_CONSUMER, "e");
	return f;
}

static void end_family(struct family *f)
{
	raw_close(&f->b);
	raw_close(&f->c);
	raw_close(&f->d);
	raw_leave(&f->e);
	raw_leave(&f->p);
	close(f->ring);
}

static void all_that_depend_on_it_fail_in_the_same_step(void **state)
{
	struct family f = make_family(DMP_POLICY_FAIL);
	struct dmp_info info;

	(void)state;
	end_victim(&f.a);
	info = ring_info(f.ring);
	assert_int_equal(info.failed, 3);
	assert_int_equal(info.joined, 2);
	assert_int_equal(f.p.meta->gates, bit(f.e.index));
	assert_int_equal(raw_entry(&f.p, f.b.index)->gone, DMP_GONE_FAILED);
	assert_int_equal(raw_entry(&f.p, f.c.index)->gone, DMP_GONE_FAILED);
	assert_int_equal(raw_entry(&f.p, f.d.index)->gone, DMP_GONE_FAILED);
	assert_int_equal(raw_entry(&f.p, f.e.index)->gone, DMP_GONE_NOT);
	assert_int_equal(raw_entry(&f.p, f.e.index)->incarnation, f.e.incarnation);
	bury_victim(&f.a);
	end_family(&f);
}

static void drop_fails_nobody(void **state)
{
	struct family f = make_family(DMP_POLICY_DROP);

	(void)state;
	end_victim(&f.a);
	bury_victim(&f.a);
	assert_int_equal(ring_info(f.ring).failed, 0);
	assert_int_equal(ring_info(f.ring).joined, 5);
	assert_int_equal(raw_entry(&f.p, f.b.index)->deps, 0);
	assert_int_equal(raw_entry(&f.p, f.c.index)->deps, bit(f.b.index));
	raw_publish(&f.p, 1);
	assert_int_equal(raw_wait(f.b.fd, 1, wait_long()), 0);
	end_family(&f);
}

static void who_sleeps_wakes_with_eownerdead(void **state)
{
	struct family f = make_family(DMP_POLICY_DEFAULT);
	struct sleeper b, c, d, e;

	(void)state;
	start_sleeper(&b, f.b.fd, 1, NEVER);
	start_sleeper(&c, f.c.fd, 1, NEVER);
	start_sleeper(&d, f.d.fd, 1, NEVER);
	start_sleeper(&e, f.e.fd, 1, NEVER);
	await_asleep(f.ring, "b");
	await_asleep(f.ring, "c");
	await_asleep(f.ring, "d");
	await_asleep(f.ring, "e");
	end_victim(&f.a);
	bury_victim(&f.a);
	assert_int_equal(finish_sleeper(&b), -EOWNERDEAD);
	assert_int_equal(finish_sleeper(&c), -EOWNERDEAD);
	assert_int_equal(finish_sleeper(&d), -EOWNERDEAD);
	assert_int_equal(member_info(f.ring, "e").waiting & DMP_WAITING_ASLEEP, DMP_WAITING_ASLEEP);
	raw_publish(&f.p, 1); /* others go on */
	assert_int_equal(finish_sleeper(&e), 0);
	assert_int_equal(ring_info(f.ring).futile, 0);
	assert_int_equal(ring_info(f.ring).woken, 1);
	end_family(&f);
}

static void who_comes_later_hears_it_as_well(void **state)
{
	struct family f = make_family(DMP_POLICY_FAIL);
	struct pollfd poll_c = { .fd = f.c.fd, .events = POLLIN };

	(void)state;
	assert_int_equal(raw_arm(f.c.fd, 1), 0);
	assert_int_equal(poll(&poll_c, 1, 0), 0);
	end_victim(&f.a);
	bury_victim(&f.a);
	assert_int_equal(poll(&poll_c, 1, -1), 1);
	assert_true(poll_c.revents & POLLERR);
	assert_int_equal(raw_arm(f.c.fd, 1), -EOWNERDEAD);
	assert_int_equal(raw_wait(f.c.fd, 1, NEVER), -EOWNERDEAD);
	assert_int_equal(raw_wait(f.c.fd, 0, NEVER), -EOWNERDEAD);
	assert_int_equal(xioctl(f.c.fd, DMP_IOC_WAKE, NULL), -ESTALE);
	assert_int_equal(xioctl(f.c.fd, DMP_IOC_LEAVE, NULL), -ESTALE);
	end_family(&f);
}

static void the_producer_waits_for_none_of_them(void **state)
{
	struct family f = make_family(DMP_POLICY_FAIL);
	struct sleeper p;

	(void)state;
	raw_publish(&f.p, SLOTS);
	raw_release(&f.e, 1);
	start_sleeper(&p, f.p.fd, 1, NEVER);
	await_asleep(f.ring, "p");
	end_victim(&f.a);
	bury_victim(&f.a);
	assert_int_equal(finish_sleeper(&p), 0);
	assert_int_equal(raw_room(&f.p), SLOTS + 1);
	end_family(&f);
}

/* Held for ever, if what it comes after had lived. */
static void a_held_place_fails_as_well(void **state)
{
	int ring = new_ring();
	struct victim a = victim_of(ring, "a", NULL, DMP_POLICY_FAIL), b = victim_of(ring, "b", "a", DMP_POLICY_HOLD);
	struct dmp_info info;

	(void)state;
	start_victim(&a);
	b.args.hold = UINT64_MAX;
	one_victim(&b);
	assert_int_equal(ring_info(ring).held, 1);
	end_victim(&a);
	bury_victim(&a);
	info = ring_info(ring);
	assert_int_equal(info.held, 0);
	assert_int_equal(info.failed, 1);
	assert_int_equal(info.joined, 0);
	assert_int_equal(entry_at(ring, b.args.index).state, DMP_MEMBER_FREE);
	close(ring);
}

/* ---- by library ---- */

static void try_spinner(uint32_t flags, const struct dmp_wait_strategy *wait)
{
	struct dmp_ring *ring = make_ring(512, 56, flags);
	struct victim a = victim_of(dmp_ring_fd(ring), "a", NULL, DMP_POLICY_FAIL);
	struct dmp_join_options options = {
		.name = "b", .after = (const char *const[]){ "a" }, .after_count = 1, .wait = wait
	};
	struct spinner s = { .begun = 0 };
	struct dmp_batch batch;

	start_victim(&a);
	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &s.m), 0);
	start_spinner(&s);
	end_victim(&a);
	bury_victim(&a);
	assert_int_equal(finish_spinner(&s), -EOWNERDEAD);
	assert_int_equal(dmp_try_wait(s.m, 1, &batch), -EOWNERDEAD);
	assert_int_equal(dmp_wait(s.m, 1, &batch), -EOWNERDEAD);
	dmp_leave(s.m);
	dmp_ring_close(ring);
}

static void who_spins_hears_it_too(void **state)
{
	(void)state;
	try_spinner(0, &dmp_wait_spin);
	try_spinner(DMP_RING_STAMPED, &dmp_wait_spin);
	try_spinner(0, &dmp_wait_yield);
	try_spinner(0, &dmp_wait_block);
}

static void what_was_read_of_a_chain_that_broke_is_void(void **state)
{
	struct dmp_ring *ring = make_ring(512, 56, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *b;
	struct victim a = victim_of(dmp_ring_fd(ring), "a", NULL, DMP_POLICY_FAIL);
	struct dmp_batch batch;
	uint64_t pos;

	(void)state;
	a.released = 3;
	start_victim(&a);
	b = join_after(ring, "b", (const char *const[]){ "a" }, 1);
	assert_int_equal(dmp_claim(p, 3, &pos), 0);
	dmp_publish(p, pos, 3);
	assert_int_equal(dmp_wait(b, 3, &batch), 0);
	end_victim(&a);
	bury_victim(&a);
	assert_int_equal(dmp_release(b, batch.end), -ESTALE);
	dmp_leave(b);
	dmp_leave(p);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_goes_by_the_policy),
		cmocka_unit_test(to_leave_is_drop_whatever_the_policy),
		cmocka_unit_test(all_that_depend_on_it_fail_in_the_same_step),
		cmocka_unit_test(drop_fails_nobody),
		cmocka_unit_test(who_sleeps_wakes_with_eownerdead),
		cmocka_unit_test(who_comes_later_hears_it_as_well),
		cmocka_unit_test(the_producer_waits_for_none_of_them),
		cmocka_unit_test(a_held_place_fails_as_well),
		cmocka_unit_test(who_spins_hears_it_too),
		cmocka_unit_test(what_was_read_of_a_chain_that_broke_is_void),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
