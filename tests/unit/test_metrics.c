// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_metrics.c: what counters are called as metrics, whatever their labels hold */
#include "recorder.h"

static struct remembered r;
static struct dmp_counters *page;

static int setup(void **state)
{
	(void)state;
	page = new_page();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_counters_free(page);
	return 0;
}

static void a_name_is_prefix_label_and_suffix(void **state)
{
	(void)state;
	new_counter(page, MINE, "orders");
	record_once(&r, page, NULL, NULL);
	expect_seen(&r, "dmp_orders", 0);
	record_once(&r, page, "shop:", "_left");
	expect_seen(&r, "shop:orders_left", 0);
	record_once(&r, page, "", "");
	expect_seen(&r, "orders", 0);
}

static void prefixes_and_suffixes_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = { "a b", "a\n", "a{", "\xc3\xa9", "a-", "12345678901234567890123456789012" };
	struct dmp_aggregator_options o = remembering(&r, AN_HOUR), p = o;
	struct dmp_aggregator *a = (void *)77;
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.prefix = p.suffix = bad[i];
		assert_int_equal(dmp_aggregator_start(&a, page, &o), -EINVAL);
		assert_int_equal(dmp_aggregator_start(&a, page, &p), -EINVAL);
	}
	p.suffix = "a:b";
	assert_int_equal(dmp_aggregator_start(&a, page, &p), -EINVAL);
	p = (struct dmp_aggregator_options){ 0 };
	assert_int_equal(dmp_aggregator_start(&a, page, &p), -EINVAL);
	assert_int_equal(dmp_aggregator_start(&a, page, NULL), -EINVAL);
	assert_ptr_equal(a, (void *)77);
	assert_int_equal(r.flushes, 0);
}

static void the_longest_name_fits(void **state)
{
	const char *affix = "1234567890123456789012345678901",
		   *label = "12345678901234567890123456789012345678901234567";
	char name[DMP_METRIC_NAME];

	(void)state;
	new_counter(page, MINE, label);
	record_once(&r, page, affix, affix);
	snprintf(name, sizeof(name), "_%s%s%s", affix, label, affix);
	expect_seen(&r, name, 0);
}

static void other_characters_become_underscores(void **state)
{
	(void)state;
	new_counter(page, MINE, "2 reads/s {x}:=#");
	record_once(&r, page, NULL, NULL);
	expect_seen(&r, "dmp_2_reads_s__x____", 0);
	assert_string_equal(r.seen[0].label, "2 reads/s {x}:=#");
	record_once(&r, page, "", NULL);
	expect_seen(&r, "_2_reads_s__x____", 0);
}

static void a_counters_name_does_not_say_total(void **state)
{
	struct dmp_counter_slot *c;

	(void)state;
	new_counter(page, MINE, "hits_total");
	new_counter(page, MINE + 1, "_total");
	assert_int_equal(dmp_counters_register(page, MINE + 2, DMP_COUNTER_GAUGE, "seats_total", &c), 0);
	record_once(&r, page, NULL, "_x");
	expect_seen(&r, "dmp_hits_x", 0);
	expect_seen(&r, "dmp__total_x", 0);
	expect_seen(&r, "dmp_seats_total_x", 0);
}

/* ---- clashes ---- */

static void labels_that_look_alike_are_told_apart_by_their_ids(void **state)
{
	(void)state;
	dmp_counter_add(new_counter(page, MINE, "a b"), 1);
	dmp_counter_add(new_counter(page, MINE + 1, "a_b"), 2);
	dmp_counter_add(new_counter(page, MINE + 0xff, "a_b_total"), 3);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 3);
	expect_seen(&r, "dmp_a_b", 1);
	expect_seen(&r, "dmp_a_b_101", 2);
	expect_seen(&r, "dmp_a_b_1ff", 3);
}

static void nobody_is_called_as_what_a_format_appends(void **state)
{
	struct dmp_counter_slot *c;

	(void)state;
	assert_int_equal(dmp_counters_register(page, MINE, DMP_COUNTER_GAUGE, "lat_count", &c), 0);
	assert_int_equal(dmp_counters_register(page, MINE + 1, DMP_COUNTER_GAUGE, "hits_total", &c), 0);
	new_counter(page, MINE + 2, "hits");
	new_counter(page, MINE + 3, "lat_tail");
	assert_int_equal(dmp_counters_register_histogram(page, MINE + 4, "lat", &c), 0);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 5);
	expect_seen(&r, "dmp_lat_count", 0);
	expect_seen(&r, "dmp_hits_total", 0);
	expect_seen(&r, "dmp_hits_102", 0);
	expect_seen(&r, "dmp_lat_tail", 0);
	expect_seen(&r, "dmp_lat_104", 0);
}

/* ---- a page that lies ---- */

static void what_cannot_be_told_apart_is_left_out(void **state)
{
	struct dmp_counter_slot *a = new_counter(page, MINE, "a"), *b = new_counter(page, MINE + 1, "b"),
				*c = new_counter(page, MINE + 2, "c");

	(void)state;
	strcpy(b->label, "a");
	strcpy(c->label, "a");
	c->id = b->id;
	dmp_counter_add(a, 1);
	dmp_counter_add(b, 2);
	dmp_counter_add(c, 3);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 2);
	expect_seen(&r, "dmp_a", 1);
	expect_seen(&r, "dmp_a_101", 2);
}

static void a_label_of_anything_becomes_a_name(void **state)
{
	struct dmp_counter_slot *c = new_counter(page, MINE, "x"), *empty = new_counter(page, MINE + 1, "y");

	(void)state;
	memset(c->label, '\xff', sizeof(c->label)); /* no end */
	memcpy(c->label, "}\n# EOF\033", 8);
	empty->label[0] = 0;
	record_once(&r, page, "", NULL);
	assert_int_equal(r.count, 2);
	assert_memory_equal(r.seen[0].name, "____EOF___", 10);
	assert_int_equal(strlen(r.seen[0].name), DMP_COUNTER_LABEL - 1);
	assert_memory_equal(r.seen[0].label, "}?# EOF???", 10);
	expect_seen(&r, "_", 0);
}

static void a_page_full_of_junk_is_no_harm(void **state)
{
	struct dmp_counter_slot *first = new_counter(page, MINE, "x");
	struct dmp_counters_page *all = (void *)((char *)first - offsetof(struct dmp_counters_page, slot));
	uint32_t i;

	(void)state;
	memset(all->slot, 0xff, sizeof(all->slot));
	all->head.slot_count = UINT32_MAX;
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 0);
	for (i = 0; i < DMP_COUNTERS_CAPACITY; i++)
		all->slot[i].flags = DMP_COUNTER_IN_USE | DMP_COUNTER_GAUGE;
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 2); /* one label, one id */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_prefix_label_and_suffix),
		TEST(prefixes_and_suffixes_that_cannot_be_are_refused),
		TEST(the_longest_name_fits),
		TEST(other_characters_become_underscores),
		TEST(a_counters_name_does_not_say_total),
		TEST(labels_that_look_alike_are_told_apart_by_their_ids),
		TEST(nobody_is_called_as_what_a_format_appends),
		TEST(what_cannot_be_told_apart_is_left_out),
		TEST(a_label_of_anything_becomes_a_name),
		TEST(a_page_full_of_junk_is_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
