// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counters.c: counters pages: selected, registered, read by others, whatever is written there */
#include "counters.h"

#define MINE DMP_COUNTER_APPLICATION

static struct dmp_member *p;
static struct dmp_counter all[DMP_COUNTERS_CAPACITY];

static int start(uint32_t counters)
{
	fake_create(64, 56, DMP_RING_STAMPED);
	p = counting(DMP_ROLE_PRODUCER, counters, NULL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(DMP_COUNTERS_LITE);
}

static int setup_none(void **state)
{
	(void)state;
	return start(DMP_COUNTERS_NONE);
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(p);
	fake_destroy();
	return 0;
}

static int read_all(void)
{
	memset(all, 0x5a, sizeof(all));
	return dmp_counters_read(p, p->index, all, DMP_COUNTERS_CAPACITY);
}

static struct dmp_counter_slot *register_one(uint32_t id, const char *label)
{
	struct dmp_counter_slot *counter = NULL;

	assert_int_equal(dmp_counter_register(p, id, 0, label, &counter), 0);
	return counter;
}

static void expect_refused(uint32_t id, uint32_t flags, const char *label, int err)
{
	struct dmp_counters_page before = *fake_page(p->index);
	struct dmp_counter_slot *counter = (void *)77;

	assert_int_equal(dmp_counter_register(p, id, flags, label, &counter), err);
	assert_ptr_equal(counter, (void *)77);
	assert_memory_equal(fake_page(p->index), &before, sizeof(before));
}

/* ---- selected ---- */

static uint32_t shown(uint32_t role, uint32_t counters)
{
	struct dmp_member *m = counting(role, counters, NULL);
	int n = dmp_counters_read(m, m->index, NULL, 0);

	assert_true(n >= 0);
	dmp_leave(m);
	return (uint32_t)n;
}

static void each_role_has_its_counters_and_no_others(void **state)
{
	(void)state;
	assert_int_equal(shown(DMP_ROLE_PRODUCER, DMP_COUNTERS_FULL), 10);
	assert_int_equal(shown(DMP_ROLE_CONSUMER, DMP_COUNTERS_FULL), 10);
	assert_int_equal(shown(DMP_ROLE_OBSERVER, DMP_COUNTERS_FULL), 7);
	assert_int_equal(shown(DMP_ROLE_PRODUCER, DMP_COUNTERS_LITE), 7);
	assert_int_equal(shown(DMP_ROLE_CONSUMER, DMP_COUNTERS_LITE), 7);
	assert_int_equal(shown(DMP_ROLE_OBSERVER, DMP_COUNTERS_LITE), 6);
	assert_int_equal(shown(DMP_ROLE_OBSERVER, DMP_COUNTERS_NONE), 0);
}

static void without_options_there_are_those_that_are_free(void **state)
{
	struct dmp_member *o = fake_member(DMP_ROLE_OBSERVER, NULL);

	(void)state;
	assert_int_equal(counter_of(o, DMP_COUNTER_CONSUMED), 0);
	assert_true(counter_of(o, DMP_COUNTER_SPINS) == NOT_THERE);
	dmp_leave(o);
}

static void another_selection_is_invalid(void **state)
{
	const struct dmp_join_options options = { .counters = 3 };
	struct dmp_ring *ring = fake_ring();
	struct dmp_member *m = NULL;
	uint64_t generation = fake.meta->generation;

	(void)state;
	assert_int_equal(dmp_join(ring, DMP_ROLE_OBSERVER, &options, &m), -EINVAL);
	assert_null(m);
	assert_int_equal(fake.meta->generation, generation);
	dmp_ring_close(ring);
}

static void labels_and_flags_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(read_all(), 7);
	assert_string_equal(all[0].label, "published");
	assert_int_equal(all[0].id, DMP_COUNTER_PUBLISHED);
	assert_int_equal(all[0].flags, DMP_COUNTER_IN_USE | DMP_COUNTER_PRODUCER | DMP_COUNTER_DERIVED);
	assert_string_equal(all[3].label, "sleeps");
	assert_int_equal(all[3].flags, DMP_COUNTER_IN_USE | DMP_COUNTER_PRODUCER);
}

/* ---- registered ---- */

static void a_registered_counter_is_read_by_others(void **state)
{
	struct dmp_member *reader = fake_member(DMP_ROLE_OBSERVER, NULL);
	struct dmp_counter_slot *c = register_one(MINE, "orders in flight");
	int n;

	(void)state;
	dmp_counter_inc(c);
	dmp_counter_add(c, 1ULL << 40);
	assert_int_equal(dmp_counter_get(c), (1ULL << 40) + 1);
	n = dmp_counters_read(reader, p->index, all, DMP_COUNTERS_CAPACITY);
	assert_int_equal(n, 8);
	assert_int_equal(all[7].id, MINE);
	assert_int_equal(all[7].value, (1ULL << 40) + 1);
	assert_int_equal(all[7].flags, DMP_COUNTER_IN_USE | DMP_COUNTER_PRODUCER);
	assert_string_equal(all[7].label, "orders in flight");
	dmp_leave(reader);
}

static void a_gauge_keeps_the_greatest(void **state)
{
	struct dmp_counter_slot *c;

	(void)state;
	assert_int_equal(dmp_counter_register(p, MINE, DMP_COUNTER_GAUGE, "depth", &c), 0);
	dmp_counter_record_max(c, 5);
	dmp_counter_record_max(c, 3);
	assert_int_equal(counter_of(p, MINE), 5);
	dmp_counter_record_max(c, UINT64_MAX);
	assert_true(counter_of(p, MINE) == UINT64_MAX);
	assert_true(all[read_all() - 1].flags & DMP_COUNTER_GAUGE);
}

static void register_until_full(uint32_t slots)
{
	char label[3] = "";
	uint32_t i;

	for (i = 0; i < slots; i++) {
		label[0] = (char)('a' + i / 10);
		label[1] = (char)('0' + i % 10);
		dmp_counter_add(register_one(MINE + i, label), i);
	}
	expect_refused(MINE + i, 0, "one more", -ENOSPC);
	for (i = 0; i < slots; i++)
		assert_int_equal(counter_of(p, MINE + i), i);
}

static void an_application_has_62_slots_and_no_more(void **state)
{
	(void)state;
	register_until_full(62);
}

static void the_built_in_ones_take_slots_of_those(void **state)
{
	(void)state;
	register_until_full(62 - DMP_COUNTERS_BUILT_IN);
}

static void an_id_or_a_label_that_is_taken_is_refused(void **state)
{
	(void)state;
	register_one(MINE, "a");
	expect_refused(MINE, 0, "b", -EEXIST);
	expect_refused(MINE + 1, 0, "a", -EEXIST);
	expect_refused(MINE + 1, 0, "published", -EEXIST);
	register_one(MINE + 1, "consumed"); /* a producer has no such counter */
}

static void ids_flags_and_labels_that_cannot_be_are_refused(void **state)
{
	char longest[DMP_COUNTER_LABEL], longer[DMP_COUNTER_LABEL + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[DMP_COUNTER_LABEL - 1] = 0;
	memset(longer, 'x', sizeof(longer));
	longer[DMP_COUNTER_LABEL] = 0;
	expect_refused(MINE - 1, 0, "a", -EINVAL);
	expect_refused(0, 0, "a", -EINVAL);
	expect_refused(MINE, DMP_COUNTER_DERIVED, "a", -EINVAL);
	expect_refused(MINE, DMP_COUNTER_IN_USE, "a", -EINVAL);
	expect_refused(MINE, 0, NULL, -EINVAL);
	expect_refused(MINE, 0, "", -EINVAL);
	expect_refused(MINE, 0, longer, -EINVAL);
	expect_refused(MINE, 0, "a\nb", -EINVAL);
	expect_refused(MINE, 0, "\033[2J", -EINVAL);
	expect_refused(MINE, 0, "a\"b", -EINVAL);
	expect_refused(MINE, 0, "a\\b", -EINVAL);
	expect_refused(MINE, 0, "caf\xc3\xa9", -EINVAL);
	register_one(MINE, longest);
	assert_string_equal(all[read_all() - 1].label, longest);
}

/* ---- histograms ---- */

static void a_histogram_counts_by_powers_of_two(void **state)
{
	struct dmp_counter_slot *slot;
	struct dmp_histogram h;

	(void)state;
	assert_int_equal(dmp_histogram_register(p, DMP_HISTOGRAM_PUBLISH, NULL, &slot), 0);
	dmp_histogram_record(slot, 0);
	dmp_histogram_record(slot, 1);
	dmp_histogram_record(slot, 1000);
	dmp_histogram_record(slot, 1024);
	dmp_histogram_record(slot, 1025);
	dmp_histogram_record(slot, 1ULL << 60);
	assert_int_equal(dmp_histograms_read(p, p->index, &h, 1), 1);
	assert_string_equal(h.label, "publish_latency_ns");
	assert_int_equal(h.id, DMP_HISTOGRAM_PUBLISH);
	assert_int_equal(h.sum, 3050 + (1ULL << 60));
	assert_int_equal(h.bucket[0], 2);
	assert_int_equal(h.bucket[10], 2);
	assert_int_equal(h.bucket[11], 1);
	assert_int_equal(h.bucket[DMP_HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(read_all(), 7); /* it is no counter */
}

static void histograms_take_seven_slots_each(void **state)
{
	struct dmp_counter_slot *slot = (void *)77;
	struct dmp_histogram h[9];
	char label[2] = "a";
	uint32_t i;

	(void)state;
	for (i = 0; i < 8; i++, label[0]++)
		assert_int_equal(dmp_histogram_register(p, MINE + i, label, &slot), 0);
	dmp_histogram_record(slot, 5);
	assert_int_equal(dmp_histogram_register(p, MINE + i, label, &slot), -ENOSPC);
	for (i = 0; i < 6; i++, label[0]++)
		register_one(MINE + 20 + i, label);
	expect_refused(MINE + 30, 0, "z", -ENOSPC);
	assert_int_equal(dmp_histograms_read(p, p->index, h, 9), 8);
	assert_int_equal(h[7].bucket[3], 1);
	assert_int_equal(h[6].bucket[3], 0);
	assert_int_equal(read_all(), 6);
}

static void a_histogram_is_refused_as_a_counter_is(void **state)
{
	struct dmp_counter_slot *slot;

	(void)state;
	assert_int_equal(dmp_histogram_register(p, DMP_COUNTER_PUBLISHED, "a", &slot), -EINVAL);
	assert_int_equal(dmp_histogram_register(p, MINE, NULL, &slot), -EINVAL);
	assert_int_equal(dmp_histogram_register(p, DMP_HISTOGRAM_CONSUME, NULL, &slot), 0);
	assert_int_equal(dmp_histogram_register(p, DMP_HISTOGRAM_CONSUME, "b", &slot), -EEXIST);
	expect_refused(MINE, 0, "consume_latency_ns", -EEXIST);
}

/* ---- whose page it is ---- */

static void nobody_has_no_counters(void **state)
{
	(void)state;
	assert_int_equal(dmp_counters_read(p, p->index + 1, all, 1), -ENOENT);
	assert_int_equal(dmp_counters_read(p, FAKE_MEMBERS, all, 1), -EINVAL);
	assert_int_equal(dmp_histograms_read(p, p->index + 1, NULL, 0), -ENOENT);
	assert_int_equal(dmp_histograms_read(p, UINT32_MAX, NULL, 0), -EINVAL);
}

static void a_page_of_the_member_before_is_nobodys(void **state)
{
	(void)state;
	fake_entry(p->index)->incarnation++;
	assert_int_equal(read_all(), 0);
	fake_entry(p->index)->incarnation--;
	assert_int_equal(read_all(), 7);
	fake_page(p->index)->head.magic++;
	assert_int_equal(read_all(), 0);
}

static void who_resumes_a_held_place_begins_a_page(void **state)
{
	struct dmp_member *m = counting(DMP_ROLE_CONSUMER, DMP_COUNTERS_NONE, NULL), *again;
	struct dmp_counter_slot *c;
	uint32_t index = m->index;

	(void)state;
	assert_int_equal(dmp_counter_register(m, MINE, 0, "mine", &c), 0);
	dmp_counter_add(c, 5);
	dmp_leave(m);
	again = counting(DMP_ROLE_CONSUMER, DMP_COUNTERS_NONE, NULL);
	assert_int_equal(again->index, index); /* the fake does not zero pages: nor does the kernel a held place's */
	assert_int_equal(dmp_counters_read(again, index, all, 1), 0);
	assert_int_equal(dmp_counter_register(again, MINE, 0, "mine", &c), 0);
	assert_int_equal(dmp_counter_get(c), 0);
	dmp_leave(again);
}

/* ---- whatever is written there ---- */

static void hostile_labels_are_cleaned_by_who_reads(void **state)
{
	struct dmp_counter_slot *slot = register_one(MINE, "x");
	int n;

	(void)state;
	memset(slot->label, 'y', sizeof(slot->label)); /* no end */
	memcpy(slot->label, "\033]0;\n\"\\\x80", 8);
	n = read_all();
	assert_memory_equal(all[n - 1].label, "?]0;????", 8);
	assert_int_equal(strlen(all[n - 1].label), DMP_COUNTER_LABEL - 1);
}

static void a_head_full_of_lies_leads_nobody_out_of_the_page(void **state)
{
	struct dmp_counters_head *head = &fake_page(p->index)->head;

	(void)state;
	head->slot_count = UINT32_MAX;
	head->slot_capacity = head->slot_stride = head->slots_offset = UINT32_MAX;
	assert_int_equal(read_all(), 7);
	memset(fake_page(p->index)->slot, 0xff, sizeof(fake_page(p->index)->slot));
	assert_int_equal(read_all(), 0); /* buckets, they say */
	assert_int_equal(dmp_histograms_read(p, p->index, NULL, 0), 0);
}

static void a_histogram_without_its_buckets_is_none(void **state)
{
	struct dmp_counter_slot *slot = &fake_page(p->index)->slot[61];
	struct dmp_histogram h;

	(void)state;
	fake_page(p->index)->head.slot_count = 62;
	slot->flags = DMP_COUNTER_IN_USE | DMP_COUNTER_HISTOGRAM; /* its buckets would lie outside */
	assert_int_equal(dmp_histograms_read(p, p->index, &h, 1), 0);
	slot[-20].flags = DMP_COUNTER_IN_USE | DMP_COUNTER_HISTOGRAM;
	assert_int_equal(dmp_histograms_read(p, p->index, &h, 1), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_NONE(name) cmocka_unit_test_setup_teardown(name, setup_none, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_NONE(each_role_has_its_counters_and_no_others),
		TEST(without_options_there_are_those_that_are_free),
		TEST(another_selection_is_invalid),
		TEST(labels_and_flags_are_those_of_the_table),
		TEST(a_registered_counter_is_read_by_others),
		TEST(a_gauge_keeps_the_greatest),
		TEST_NONE(an_application_has_62_slots_and_no_more),
		TEST(the_built_in_ones_take_slots_of_those),
		TEST(an_id_or_a_label_that_is_taken_is_refused),
		TEST(ids_flags_and_labels_that_cannot_be_are_refused),
		TEST(a_histogram_counts_by_powers_of_two),
		TEST_NONE(histograms_take_seven_slots_each),
		TEST(a_histogram_is_refused_as_a_counter_is),
		TEST(nobody_has_no_counters),
		TEST(a_page_of_the_member_before_is_nobodys),
		TEST(who_resumes_a_held_place_begins_a_page),
		TEST(hostile_labels_are_cleaned_by_who_reads),
		TEST(a_head_full_of_lies_leads_nobody_out_of_the_page),
		TEST(a_histogram_without_its_buckets_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
