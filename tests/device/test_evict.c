// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_evict.c: a consumer is removed: what it hears, what the others see, who may */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "dying.h"
#include "shell.h"
#include "spinner.h"

static int evict(int ring, const char *name)
{
	struct dmp_evict args = { .size = sizeof(args) };

	snprintf(args.name, sizeof(args.name), "%s", name);
	return xioctl(ring, DMP_IOC_EVICT, &args);
}

/* ---- the one that is evicted ---- */

static void who_sleeps_wakes_with_estale(void **state)
{
	struct pair x = make_pair();
	struct sleeper s;

	(void)state;
	start_sleeper(&s, x.c.fd, 1, NEVER);
	await_asleep(x.ring, "c");
	assert_int_equal(evict(x.ring, "c"), 0);
	assert_int_equal(finish_sleeper(&s), -ESTALE);
	assert_int_equal(raw_wait(x.c.fd, 1, NEVER), -ESTALE);
	assert_int_equal(raw_arm(x.c.fd, 1), -ESTALE);
	assert_int_equal(xioctl(x.c.fd, DMP_IOC_LEAVE, NULL), -ESTALE);
	assert_int_equal(raw_entry(&x.p, x.c.index)->gone, DMP_GONE_EVICTED);
	assert_int_equal(ring_info(x.ring).evicted, 1);
	assert_int_equal(ring_info(x.ring).joined, 1);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

static void try_spinner(uint32_t flags, const struct dmp_wait_strategy *wait)
{
	struct dmp_ring *ring = make_ring(512, 56, flags);
	struct dmp_join_options options = { .name = "c", .wait = wait };
	struct spinner s = { .begun = 0 };

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &s.m), 0);
	start_spinner(&s);
	assert_int_equal(dmp_evict(ring, "c"), 0);
	assert_int_equal(finish_spinner(&s), -ESTALE);
	dmp_leave(s.m);
	dmp_ring_close(ring);
}

static void who_spins_hears_it_too(void **state)
{
	(void)state;
	try_spinner(0, &dmp_wait_spin);
	try_spinner(DMP_RING_STAMPED, &dmp_wait_spin);
	try_spinner(0, &dmp_wait_yield);
	try_spinner(DMP_RING_STAMPED, &dmp_wait_sleep);
	try_spinner(0, &dmp_wait_block);
}

static void what_was_read_of_the_batch_is_void(void **state)
{
	struct dmp_ring *ring = make_ring(512, 56, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch;
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 8, &pos), 0);
	dmp_publish(p, pos, 8);
	assert_int_equal(dmp_wait(c, 8, &batch), 0);
	assert_int_equal(dmp_release(c, 3), 0);
	assert_int_equal(dmp_evict(ring, "c"), 0);
	assert_int_equal(dmp_release(c, 5), -ESTALE);
	assert_int_equal(dmp_position(c), 3);
	assert_int_equal(dmp_claim(p, 512, &pos), 0); /* nobody is in the way */
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- the others ---- */

static void the_producer_waits_for_it_no_more(void **state)
{
	struct pair x = make_pair();
	struct sleeper s;

	(void)state;
	raw_publish(&x.p, SLOTS);
	start_sleeper(&s, x.p.fd, 1, NEVER);
	await_asleep(x.ring, "p");
	assert_int_equal(evict(x.ring, "c"), 0);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(x.p.meta->gates, 0);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

static void who_comes_after_it_goes_on_without_it(void **state)
{
	int ring = new_ring();
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "a");
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), a, b;
	struct sleeper s;

	(void)state;
	args.policy = DMP_POLICY_FAIL; /* for deaths */
	a = raw_join_with(ring, &args);
	b = raw_join_after(ring, "b", "a");
	start_sleeper(&s, b.fd, 1, wait_long());
	await_asleep(ring, "b");
	raw_publish(&p, 1);
	assert_true(member_info(ring, "b").waiting & DMP_WAITING_ASLEEP);
	assert_int_equal(evict(ring, "a"), 0);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(raw_entry(&b, b.index)->deps, 0);
	assert_int_equal(ring_info(ring).failed, 0);
	raw_close(&a);
	raw_leave(&b);
	raw_leave(&p);
	close(ring);
}

static void the_name_is_free_at_once(void **state)
{
	struct pair x = make_pair();
	struct raw again;

	(void)state;
	assert_int_equal(evict(x.ring, "c"), 0);
	assert_int_equal(entry_at(x.ring, x.c.index).state, DMP_MEMBER_LEFT);
	again = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	assert_int_not_equal(again.index, x.c.index);
	assert_int_equal(evict(x.ring, "c"), 0); /* the new one */
	assert_int_equal(raw_entry(&x.p, again.index)->gone, DMP_GONE_EVICTED);
	raw_close(&again);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

static void its_slot_is_free_when_its_file_is(void **state)
{
	struct dmp_create args = create_args(NULL);
	struct dmp_join join = join_args(DMP_ROLE_CONSUMER, "d");
	struct raw c;
	int ring, fd;

	(void)state;
	args.members = 1;
	ring = ring_create(&args);
	c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	assert_int_equal(evict(ring, "c"), 0);
	assert_int_equal(ring_join(ring, &join), -ENOSPC);
	raw_release(&c, 5); /* its page is mapped still, and nobody's but its own */
	raw_close(&c);
	fd = ring_join(ring, &join);
	assert_true(fd >= 0);
	assert_int_equal(join.position, 0);
	close(fd);
	close(ring);
}

static void a_held_place_is_dropped(void **state)
{
	struct victim v = victim_of(new_ring(), "a", NULL, DMP_POLICY_HOLD);

	(void)state;
	v.args.hold = UINT64_MAX;
	one_victim(&v);
	assert_int_equal(ring_info(v.ring).held, 1);
	assert_int_equal(evict(v.ring, "a"), 0);
	assert_int_equal(ring_info(v.ring).held, 0);
	assert_int_equal(entry_at(v.ring, v.args.index).state, DMP_MEMBER_FREE);
	assert_int_equal(evict(v.ring, "a"), -ENOENT);
	close(v.ring);
}

/* ---- the order: whoever sees that the gate has gone sees that the incarnation has moved ---- */

struct reader {
	struct raw *p;
	uint64_t bit, incarnation;
	uint32_t index;
	uint64_t go, seen; /* rounds */
	uint64_t bad;
};

static void *read_as_a_producer(void *arg)
{
	struct reader *r = arg;
	uint64_t round, n = rounds(2000, 50000);

	for (round = 1; round <= n; round++) {
		while (__atomic_load_n(&r->go, __ATOMIC_ACQUIRE) < round)
			;
		while (__atomic_load_n(&r->p->meta->gates, __ATOMIC_ACQUIRE) & r->bit)
			;
		r->bad += __atomic_load_n(&raw_entry(r->p, r->index)->incarnation, __ATOMIC_ACQUIRE) == r->incarnation;
		store_shared(&r->seen, round);
	}
	return NULL;
}

static void the_incarnation_moves_before_the_gate_goes(void **state)
{
	uint64_t round, n = rounds(2000, 50000);
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct reader r = { .p = &p };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, read_as_a_producer, &r), 0);
	for (round = 1; round <= n; round++) {
		struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "c");
		int c = ring_join(ring, &args);

		assert_true(c >= 0);
		r.bit = 1ULL << args.index;
		r.incarnation = args.incarnation;
		r.index = args.index;
		store_shared(&r.go, round);
		assert_int_equal(evict(ring, "c"), 0);
		while (__atomic_load_n(&r.seen, __ATOMIC_ACQUIRE) < round)
			;
		close(c);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(r.bad, 0);
	raw_leave(&p);
	close(ring);
}

/* ---- who may, and whom ---- */

static void it_takes_the_right_to_produce(void **state)
{
	struct name name = unique_name("rights");
	struct dmp_create args = create_args(name.s);
	int ring = ring_create(&args), fewer = ring_bind(ring, DMP_RIGHT_R | DMP_RIGHT_X);
	int read_only = ring_open_with(name.s, 0, O_RDONLY), w = ring_bind(ring, DMP_RIGHT_W);
	struct raw c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(evict(fewer, "c"), -EACCES);
	assert_int_equal(evict(read_only, "c"), -EACCES);
	assert_int_equal(evict(fewer, "nobody"), -EACCES); /* nor is it told who is there */
	assert_int_equal(member_info(ring, "c").state, DMP_MEMBER_JOINED);
	assert_int_equal(evict(w, "c"), 0);
	raw_close(&c);
	close(w);
	close(read_only);
	close(fewer);
	close(ring);
}

static void only_consumers_that_are_there_can_be_evicted(void **state)
{
	struct pair x = make_pair();
	struct raw o = raw_join(x.ring, DMP_ROLE_OBSERVER, "o");

	(void)state;
	assert_int_equal(evict(x.ring, "p"), -ENOENT);
	assert_int_equal(evict(x.ring, "o"), -ENOENT);
	assert_int_equal(evict(x.ring, "nobody"), -ENOENT);
	assert_int_equal(xioctl(x.c.fd, DMP_IOC_LEAVE, NULL), 0);
	assert_int_equal(evict(x.ring, "c"), -ENOENT);
	assert_int_equal(ring_info(x.ring).evicted, 0);
	raw_leave(&o);
	raw_close(&x.c);
	raw_leave(&x.p);
	close(x.ring);
}

/* ---- the tool ---- */

static void dmp_evict_removes_a_consumer(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "slow", "--on-death hold --hold 3600");
	struct said said;
	char line[128];

	(void)state;
	must("dmp evict %s slow", r.name.s);
	said = finish_command(&c);
	assert_one_line(&said, 1, "evicted");
	forget(&said);
	assert_int_equal(ring_info(r.fd).evicted, 1);
	snprintf(line, sizeof(line), "dmp evict %s slow", r.name.s);
	must_fail(line, 1, "slow", "no consumer", NULL);
	snprintf(line, sizeof(line), "dmp evict %s", r.name.s);
	must_fail(line, 2, "name is missing", NULL);
	snprintf(line, sizeof(line), "dmp evict %s a/b", r.name.s);
	must_fail(line, 1, "no consumer's name", NULL);
	remove_ring(&r);
}

static void dmp_info_shows_who_is_held(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "kept", "--on-death hold --hold 3600");
	struct said said;

	(void)state;
	kill_child(c.pid);
	close(c.out);
	close(c.err);
	await_joined(r.fd, 0);
	said = run("dmp info %s", r.name.s);
	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.out, "1 held"));
	assert_non_null(strstr(said.out, "kept"));
	forget(&said);
	c = start_consumer(&r, "kept", "");
	assert_int_equal(ring_info(r.fd).held, 0);
	must("dmp evict %s kept", r.name.s);
	said = finish_command(&c);
	forget(&said);
	remove_ring(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sleeps_wakes_with_estale),
		cmocka_unit_test(who_spins_hears_it_too),
		cmocka_unit_test(what_was_read_of_the_batch_is_void),
		cmocka_unit_test(the_producer_waits_for_it_no_more),
		cmocka_unit_test(who_comes_after_it_goes_on_without_it),
		cmocka_unit_test(the_name_is_free_at_once),
		cmocka_unit_test(its_slot_is_free_when_its_file_is),
		cmocka_unit_test(a_held_place_is_dropped),
		cmocka_unit_test(the_incarnation_moves_before_the_gate_goes),
		cmocka_unit_test(it_takes_the_right_to_produce),
		cmocka_unit_test(only_consumers_that_are_there_can_be_evicted),
		cmocka_unit_test(dmp_evict_removes_a_consumer),
		cmocka_unit_test(dmp_info_shows_who_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
