// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counting.c: counters on every backend: known values, as another process reads them */
#include "counting.h"

#define N NATIVE_SLOTS

/* ---- known values ---- */

struct known {
	struct address address;
	uint32_t index[3]; /* producer, consumer, observer */
};

struct value {
	uint32_t member, id;
	uint64_t value;
};

/* In another process, which maps the pages read-only; the return value is the line that is wrong. */
static int read_known(void *arg)
{
	const struct known *k = arg;
	const uint64_t size = event_size_of(flags);
	const struct value values[] = {
		{ 0, DMP_COUNTER_PUBLISHED, N + 8 }, { 0, DMP_COUNTER_BYTES, (N + 8) * size },
		{ 0, DMP_COUNTER_BATCHES, 9 },	     { 0, DMP_COUNTER_FULL, 2 },
		{ 0, DMP_COUNTER_ABORTED, 3 },	     { 0, DMP_COUNTER_WAKES, 0 },
		{ 1, DMP_COUNTER_CONSUMED, N + 7 },  { 1, DMP_COUNTER_BYTES, (N + 7) * size },
		{ 1, DMP_COUNTER_LAG_MAX, N },	     { 1, DMP_COUNTER_SLEEPS, 0 },
		{ 2, DMP_COUNTER_CONSUMED, 1 },	     { 2, DMP_COUNTER_LOST, 8 },
		{ 2, DMP_COUNTER_SPINS, 1 },	     { 2, DMP_COUNTER_APPLICATION, 1ULL << 33 },
	};
	struct dmp_ring *ring = open_ring(&k->address);
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, "reader");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		uint64_t value = counter_at(o, k->index[values[i].member], values[i].id);

		if (value == values[i].value)
			continue;
		print_error("member %u, counter %#x: %" PRIu64 "\n", values[i].member, values[i].id, value);
		return (int)i + 1;
	}
	dmp_leave(o);
	dmp_ring_close(ring);
	return 0;
}

/* In whole batches, so that what a look finds does not depend on news that a stamp brings. */
static void consume_all(struct dmp_member *c, uint64_t n)
{
	struct dmp_batch b;

	assert_int_equal(dmp_wait_until(c, n, &b, wait_long()), 0);
	assert_int_equal(dmp_release(c, b.pos + n), 0);
}

static void abort_some(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_claim(p, n, &pos), 0);
	assert_int_equal(dmp_abort(p, pos, n), 0);
}

static void play(struct dmp_member *p, struct dmp_member *c, struct dmp_member *o)
{
	uint64_t pos, lost;
	char event[256];

	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), -EAGAIN);
	abort_some(p, 3);
	assert_int_equal(try_publish(p, N), 0);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN);
	assert_int_equal(dmp_claim_until(p, 1, &pos, dmp_now()), -ETIMEDOUT);
	consume_all(c, N);
	publish(p, 8);
	consume_all(c, 7);
	assert_int_equal(dmp_observe(o, event, &pos, &lost), 0);
	assert_int_equal(try_publish(p, 0), -EINVAL);
}

static void counters_have_known_values(void **state)
{
	struct known k = { .address = new_address("counting") };
	struct dmp_ring *ring = create_ring(&k.address, flags);
	struct dmp_member *m[] = { counting(ring, DMP_ROLE_PRODUCER, "p"), counting(ring, DMP_ROLE_CONSUMER, "c"),
				   counting(ring, DMP_ROLE_OBSERVER, "o") };
	struct dmp_counter_slot *mine;
	int i;

	(void)state;
	assert_int_equal(dmp_counter_register(m[2], DMP_COUNTER_APPLICATION, 0, "mine", &mine), 0);
	dmp_counter_add(mine, 1ULL << 33);
	play(m[0], m[1], m[2]);
	if (is_backend("file"))
		assert_int_equal(dmp_ring_sync(ring), 0);
	for (i = 0; i < 3; i++)
		k.index[i] = m[i]->index;
	assert_int_equal(run_child(read_known, &k), 0);
	for (i = 0; i < 3; i++)
		dmp_leave(m[i]);
	dmp_ring_close(ring);
}

/* ---- sleeping ---- */

static void *sleep_for_one(void *arg)
{
	struct dmp_batch b;
	int err = dmp_wait(arg, 1, &b);

	return (void *)(intptr_t)(err ? err : dmp_release(arg, b.end));
}

static void a_sleep_and_its_wake_are_counted_on_both_sides(void **state)
{
	struct address a = new_address("counting");
	struct dmp_ring *ring = create_ring(&a, flags);
	const struct dmp_join_options lite = { .name = "c", .wait = &dmp_wait_block };
	struct dmp_member *p = counting(ring, DMP_ROLE_PRODUCER, "p"), *c = join_as(ring, &lite);
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, sleep_for_one, c), 0);
	await_sleeper(ring, "c");
	publish(p, 1);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(counter_of(p, DMP_COUNTER_WAKES), 1);
	assert_in_range(counter_of(c, DMP_COUNTER_SLEEPS), is_backend("dmp") ? 1 : 0, is_backend("dmp") ? 1 : 1000);
	if (is_backend("dmp")) /* elsewhere a sleeper may be on its way when it is rung for */
		assert_int_equal(counter_of(p, DMP_COUNTER_EMPTY), 0);
	assert_int_equal(counter_of(c, DMP_COUNTER_FUTILE), 0);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_have_known_values),
		cmocka_unit_test(a_sleep_and_its_wake_are_counted_on_both_sides),
	};
	const struct CMUnitTest of_several[] = { cmocka_unit_test(a_sleep_and_its_wake_are_counted_on_both_sides) };
	int failed = cmocka_run_group_tests_name("packed", tests, packed, NULL);

	failed += cmocka_run_group_tests_name("stamped", tests, stamped, NULL);
	if (is_backend("dmp")) /* the others have no such rings */
		failed += cmocka_run_group_tests_name("several", of_several, several, NULL);
	return failed;
}
