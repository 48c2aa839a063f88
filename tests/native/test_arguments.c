// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_arguments.c: bad arguments have the same errno on every backend, and no effect */
#include "native.h"

#define N NATIVE_SLOTS

/* ---- rings ---- */

static const struct bad_options {
	const char *what;
	struct dmp_ring_options options;
	int err;
} bad_options[] = {
	{ "slots 0", { .slots = 0, .event_size = 64 }, -EINVAL },
	{ "slots 65", { .slots = 65, .event_size = 64 }, -EINVAL },
	{ "slots all ones", { .slots = UINT64_MAX, .event_size = 64 }, -EINVAL },
	{ "no whole pages", { .slots = 32, .event_size = 64 }, -EINVAL },
	{ "slots 2^57", { .slots = 1ULL << 57, .event_size = 64 }, -EFBIG },
	{ "slots 2^63", { .slots = 1ULL << 63, .event_size = 64 }, -EFBIG },
	{ "event_size 0", { .slots = N, .event_size = 0 }, -EINVAL },
	{ "event_size over 1 MiB", { .slots = N, .event_size = (1 << 20) + 1 }, -EINVAL },
	{ "event_size all ones", { .slots = N, .event_size = UINT32_MAX }, -EINVAL },
	{ "members 4097", { .slots = N, .event_size = 64, .members = 4097 }, -EFBIG },
	{ "members all ones", { .slots = N, .event_size = 64, .members = UINT32_MAX }, -EFBIG },
	{ "mode 01000", { .slots = N, .event_size = 64, .mode = 01000 }, -EINVAL },
	{ "mode all ones", { .slots = N, .event_size = 64, .mode = UINT32_MAX }, -EINVAL },
	{ "an unknown flag", { .slots = N, .event_size = 64, .flags = 1 << 4 }, -EINVAL },
	{ "all flags", { .slots = N, .event_size = 64, .flags = UINT32_MAX }, -EINVAL },
	{ "several producers, no stamps", { .slots = N, .event_size = 64, .flags = DMP_RING_MULTI }, -EINVAL },
};

static void expect(const char *what, int got, int expected)
{
	if (got != expected)
		fail_msg("%s: %d, expected %d", what, got, expected);
}

static void a_ring_that_cannot_be_is_not_made(void **state)
{
	struct address a = new_address("bad");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_options); i++) {
		expect(bad_options[i].what, try_create(&a, &bad_options[i].options), bad_options[i].err);
		expect(bad_options[i].what, try_open(&a, 0), -ENOENT);
	}
	expect("no options", try_create(&a, NULL), -EINVAL);
}

static void names_and_rights_are_checked(void **state)
{
	struct address a = new_address("rights"), none = new_address("none");
	struct dmp_ring *ring = create_ring(&a, 0);

	(void)state;
	expect("right 8", try_open(&a, 8), -EINVAL);
	expect("all rights and more", try_open(&a, UINT32_MAX), -EINVAL);
	expect("no such ring", try_open(&none, 0), -ENOENT);
	expect("no such ring", dmp_ring_unlink(none.s), -ENOENT);
	expect("no name", dmp_ring_open(&ring, NULL, 0), -EINVAL);
	expect("no name", dmp_ring_unlink(NULL), -EINVAL);
	expect("an unknown owner", dmp_ring_open(&ring, "nobody:x", 0), -EINVAL);
	dmp_ring_close(ring);
}

/* ---- members ---- */

static const char *const one[] = { "c" }, *const bad_after[] = { "a/b" }, *const null_after[] = { NULL };
static const char *const self[] = { "new" };
static const char too_long[] = "01234567890123456789012345678901";

static const struct bad_join {
	const char *what;
	uint32_t role;
	struct dmp_join_options options;
	int err;
} bad_joins[] = {
	{ "role 0", 0, { .name = "new" }, -EINVAL },
	{ "role 4", 4, { .name = "new" }, -EINVAL },
	{ "role all ones", UINT32_MAX, { .name = "new" }, -EINVAL },
	{ "a consumer without a name", DMP_ROLE_CONSUMER, { .name = NULL }, -EINVAL },
	{ "an empty name", DMP_ROLE_CONSUMER, { .name = "" }, -EINVAL },
	{ "a slash", DMP_ROLE_CONSUMER, { .name = "a/b" }, -EINVAL },
	{ "a space", DMP_ROLE_OBSERVER, { .name = "a b" }, -EINVAL },
	{ "a long name", DMP_ROLE_CONSUMER, { .name = too_long }, -EINVAL },
	{ "policy 4", DMP_ROLE_CONSUMER, { .name = "new", .policy = 4 }, -EINVAL },
	{ "a time to hold", DMP_ROLE_CONSUMER, { .name = "new", .policy = DMP_POLICY_DROP, .hold = 1 }, -EINVAL },
	{ "an observer's time to hold", DMP_ROLE_OBSERVER, { .hold = 1 }, -EINVAL },
	{ "an observer's policy", DMP_ROLE_OBSERVER, { .policy = DMP_POLICY_DROP }, -EINVAL },
	{ "from 3", DMP_ROLE_CONSUMER, { .name = "new", .from = 3 }, -EINVAL },
	{ "a producer from", DMP_ROLE_PRODUCER, { .from = DMP_FROM_OLDEST }, -EINVAL },
	{ "a second producer", DMP_ROLE_PRODUCER, { .name = "q" }, -EBUSY },
	{ "a name that is taken", DMP_ROLE_CONSUMER, { .name = "c" }, -EEXIST },
	{ "after nobody", DMP_ROLE_CONSUMER, { .name = "new", .after = self, .after_count = 1 }, -ENOENT },
	{ "after a bad name", DMP_ROLE_CONSUMER, { .name = "new", .after = bad_after, .after_count = 1 }, -EINVAL },
	{ "after no name", DMP_ROLE_CONSUMER, { .name = "new", .after = null_after, .after_count = 1 }, -EINVAL },
	{ "after too many", DMP_ROLE_CONSUMER, { .name = "new", .after = one, .after_count = 65 }, -EINVAL },
	{ "an observer after", DMP_ROLE_OBSERVER, { .after = one, .after_count = 1 }, -EINVAL },
	{ "a producer after", DMP_ROLE_PRODUCER, { .after = one, .after_count = 1 }, -EINVAL },
	{ "beyond the cursor",
	  DMP_ROLE_CONSUMER,
	  { .name = "new", .from = DMP_FROM_POSITION, .position = 1 },
	  -ERANGE },
	{ "observing beyond the cursor", DMP_ROLE_OBSERVER, { .from = DMP_FROM_POSITION, .position = 1 }, -ERANGE },
};

static void who_may_not_join_has_no_effect(void **state)
{
	struct address a = new_address("join");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c"), *m = NULL;
	struct dmp_info before = info_of(ring), after;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_joins); i++)
		expect(bad_joins[i].what, dmp_join(ring, bad_joins[i].role, &bad_joins[i].options, &m),
		       bad_joins[i].err);
	assert_null(m);
	after = info_of(ring);
	assert_memory_equal(&before, &after, sizeof(before));
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void only_a_producer_claims_and_no_more_than_there_is(void **state)
{
	struct address a = new_address("claim");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos = 99, event[8], lost;

	(void)state;
	expect("0 slots", dmp_claim(p, 0, &pos), -EINVAL);
	expect("more than there are", dmp_claim(p, N + 1, &pos), -EINVAL);
	expect("all ones", dmp_try_claim(p, UINT64_MAX, &pos), -EINVAL);
	expect("a consumer's claim", dmp_claim(c, 1, &pos), -EACCES);
	expect("a consumer's try", dmp_try_claim(c, 1, &pos), -EACCES);
	expect("a consumer's end", dmp_finish(c), -EACCES);
	expect("a consumer's look", dmp_observe(c, event, &pos, &lost), -EACCES);
	assert_int_equal(pos, 99);
	expect("some", dmp_try_claim(p, N - 1, &pos), 0);
	expect("more than are left", dmp_claim(p, 2, &pos), -EINVAL);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void only_a_consumer_waits_and_releases_what_it_has_seen(void **state)
{
	struct address a = new_address("wait");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch = { 99, 99 };

	(void)state;
	expect("0 events", dmp_wait(c, 0, &batch), -EINVAL);
	expect("more than there can be", dmp_wait(c, N + 1, &batch), -EINVAL);
	expect("a producer's wait", dmp_wait(p, 1, &batch), -EACCES);
	expect("a producer's try", dmp_try_wait(p, 1, &batch), -EACCES);
	assert_true(batch.pos == 99 && batch.end == 99);
	publish(p, 3);
	expect("what is not seen", dmp_release(c, 1), -EINVAL);
	expect("three", dmp_wait(c, 3, &batch), 0);
	expect("more than seen", dmp_release(c, 4), -EINVAL);
	expect("two", dmp_release(c, 2), 0);
	expect("what is released", dmp_release(c, 1), -EINVAL);
	assert_int_equal(dmp_position(c), 2);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_that_cannot_be_is_not_made),
		cmocka_unit_test(names_and_rights_are_checked),
		cmocka_unit_test(who_may_not_join_has_no_effect),
		cmocka_unit_test(only_a_producer_claims_and_no_more_than_there_is),
		cmocka_unit_test(only_a_consumer_waits_and_releases_what_it_has_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
