// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_missing.c: the first claim waits for the consumers that the ring requires, and says who is missing */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <dmp.h>

#include "raw.h"

/* ---- the first claim ---- */

static const char *const names[] = { "a", "b", "c" };

static struct dmp_ring *requiring_ring(uint32_t count)
{
	struct dmp_ring *ring = make_ring(SLOTS, EVENT, 0);

	assert_int_equal(dmp_ring_require(ring, getuid(), names, count), 0);
	return ring;
}

static struct dmp_member *producer(struct dmp_ring *ring, const struct dmp_wait_strategy *wait, uint64_t startup_wait)
{
	struct dmp_liveness liveness = dmp_liveness_default;
	struct dmp_join_options options = { .name = "p", .wait = wait, .liveness = &liveness };
	struct dmp_member *p = NULL;

	liveness.startup_wait = startup_wait;
	assert_int_equal(dmp_join(ring, DMP_ROLE_PRODUCER, &options, &p), 0);
	return p;
}

static void assert_missing(struct dmp_member *p, const char *const *who, uint32_t count)
{
	struct dmp_required_info infos[DMP_MAX_GATES];
	uint32_t i;

	assert_int_equal(dmp_missing(p, infos, DMP_MAX_GATES), count);
	for (i = 0; i < count; i++)
		assert_string_equal(infos[i].name, who[i]);
}

/* One by one and by batches; each claim anew. */
static void a_claim_lists_exactly_who_is_missing(void **state)
{
	static const char *const a_and_c[] = { "a", "c" };
	struct dmp_ring *ring = requiring_ring(3);
	struct dmp_member *p = producer(ring, NULL, 1000000), *b = join(ring, DMP_ROLE_CONSUMER, "b"), *a, *c;
	uint64_t pos = 77;

	(void)state;
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EUNATCH);
	assert_int_equal(dmp_claim(p, 1, &pos), -EUNATCH);
	assert_missing(p, a_and_c, 2);
	assert_int_equal(dmp_claim(p, 8, &pos), -EUNATCH);
	assert_int_equal(dmp_claim_until(p, 8, &pos, 1), -EUNATCH);
	assert_int_equal(dmp_claim_until(p, 1, &pos, 0), -EUNATCH);
	assert_missing(p, a_and_c, 2);
	assert_int_equal(pos, 77);
	assert_int_equal(dmp_claim(p, 0, &pos), -EINVAL);
	a = join(ring, DMP_ROLE_CONSUMER, "a");
	assert_int_equal(dmp_claim(p, 8, &pos), -EUNATCH);
	assert_missing(p, a_and_c + 1, 1);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	assert_int_equal(dmp_try_claim(p, 8, &pos), 0);
	assert_int_equal(pos, 0);
	assert_missing(p, NULL, 0);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

struct claimer {
	pthread_t thread;
	struct dmp_member *p;
	uint64_t n, pos;
	int result;
};

static void *claimer_main(void *arg)
{
	struct claimer *c = arg;

	c->result = dmp_claim(c->p, c->n, &c->pos);
	return NULL;
}

static void start_claimer(struct claimer *c, struct dmp_member *p, uint64_t n)
{
	*c = (struct claimer){ .p = p, .n = n };
	assert_int_equal(pthread_create(&c->thread, NULL, claimer_main, c), 0);
}

static int finish_claimer(struct claimer *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	return c->result;
}

static void the_last_one_to_join_wakes_the_claim(void **state)
{
	struct dmp_ring *ring = requiring_ring(2);
	struct dmp_member *p = producer(ring, &dmp_wait_block, LONG_NS), *a, *b;
	struct claimer c;

	(void)state;
	start_claimer(&c, p, 4);
	await_asleep(dmp_ring_fd(ring), "p");
	a = join(ring, DMP_ROLE_CONSUMER, "a");
	b = join(ring, DMP_ROLE_CONSUMER, "b");
	assert_int_equal(finish_claimer(&c), 0);
	assert_int_equal(c.pos, 0);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).late, 0);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void a_claim_that_spins_sees_the_last_one_join(void **state)
{
	struct dmp_ring *ring = requiring_ring(1);
	struct dmp_member *p = producer(ring, &dmp_wait_yield, LONG_NS), *a;
	struct claimer c;

	(void)state;
	start_claimer(&c, p, 1);
	a = join(ring, DMP_ROLE_CONSUMER, "a");
	assert_int_equal(finish_claimer(&c), 0);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).sleeps, 0);
	dmp_leave(a);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* Once all have been there, who leaves is told of as a stall, if at all. */
static void only_the_first_claim_waits_for_the_missing(void **state)
{
	struct dmp_ring *ring = requiring_ring(1);
	struct dmp_member *p = producer(ring, NULL, 1), *a = join(ring, DMP_ROLE_CONSUMER, "a");
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	dmp_leave(a);
	assert_int_equal(dmp_claim(p, SLOTS - 1, &pos), 0);
	dmp_publish(p, 0, SLOTS);
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	dmp_leave(p);
	p = producer(ring, NULL, 1); /* another one's first */
	assert_int_equal(dmp_claim(p, 1, &pos), -EUNATCH);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- the library's arguments ---- */

static void required_is_read_by_the_library_as_well(void **state)
{
	struct dmp_ring *ring = requiring_ring(2);
	struct dmp_member *b = join(ring, DMP_ROLE_CONSUMER, "b");
	struct dmp_required_info infos[4];

	(void)state;
	assert_int_equal(dmp_ring_required(ring, infos, 4), 2);
	assert_string_equal(infos[1].name, "b");
	assert_true(infos[1].there && !infos[0].there);
	assert_int_equal(dmp_ring_require(ring, getuid(), NULL, 1), -EINVAL);
	assert_int_equal(dmp_ring_require(ring, getuid(), names, DMP_MAX_GATES + 1), -EINVAL);
	assert_int_equal(dmp_ring_require(ring, getuid(), NULL, 0), 0);
	assert_int_equal(dmp_ring_required(ring, infos, 4), 0);
	dmp_leave(b);
	dmp_ring_close(ring);
}

static void refuse_liveness(struct dmp_ring *ring, uint32_t role, const struct dmp_liveness *liveness, int err)
{
	struct dmp_join_options options = { .name = "x", .liveness = liveness };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &m), -err);
	assert_null(m);
}

static void liveness_is_a_producers_and_of_sensible_times(void **state)
{
	struct dmp_ring *ring = requiring_ring(0);
	struct dmp_liveness l = dmp_liveness_default;

	(void)state;
	refuse_liveness(ring, DMP_ROLE_CONSUMER, &l, EINVAL);
	refuse_liveness(ring, DMP_ROLE_OBSERVER, &l, EINVAL);
	l.startup_wait = 0;
	refuse_liveness(ring, DMP_ROLE_PRODUCER, &l, EINVAL);
	l = dmp_liveness_default;
	l.progress_timeout = 0;
	refuse_liveness(ring, DMP_ROLE_PRODUCER, &l, EINVAL);
	l = dmp_liveness_default;
	l.check_interval = 0;
	refuse_liveness(ring, DMP_ROLE_PRODUCER, &l, EINVAL);
	l = dmp_liveness_default;
	l.grace = UINT64_MAX;
	refuse_liveness(ring, DMP_ROLE_PRODUCER, &l, EINVAL);
	l = dmp_liveness_default;
	l.action = DMP_STALL_WAIT + 1;
	refuse_liveness(ring, DMP_ROLE_PRODUCER, &l, EINVAL);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).joined, 0);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_lists_exactly_who_is_missing),
		cmocka_unit_test(the_last_one_to_join_wakes_the_claim),
		cmocka_unit_test(a_claim_that_spins_sees_the_last_one_join),
		cmocka_unit_test(only_the_first_claim_waits_for_the_missing),
		cmocka_unit_test(required_is_read_by_the_library_as_well),
		cmocka_unit_test(liveness_is_a_producers_and_of_sensible_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
