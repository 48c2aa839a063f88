// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_openmetrics.c: the text, byte for byte */
#include "recorder.h"

#define ROOM (1 << 20)

static char text[ROOM];
static struct dmp_counters *page;

static int setup(void **state)
{
	(void)state;
	page = new_page();
	memset(text, 'j', sizeof(text));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_counters_free(page);
	return 0;
}

static struct dmp_openmetrics *new_text(const struct dmp_openmetrics_options *options)
{
	struct dmp_openmetrics *om = NULL;

	assert_int_equal(dmp_openmetrics_new(&om, options), 0);
	return om;
}

/* The page as text. Two ticks. */
static void write_page(struct dmp_openmetrics *om, const char *prefix, const char *suffix)
{
	struct dmp_aggregator_options o = {
		.interval = DMP_FOREVER, .prefix = prefix, .suffix = suffix, .recorder = dmp_openmetrics_recorder(om)
	};
	struct dmp_aggregator *a;

	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	assert_int_equal(dmp_aggregator_stop(a), 0);
}

static void expect_text(const struct dmp_openmetrics_options *options, const char *expected)
{
	struct dmp_openmetrics *om = new_text(options);

	write_page(om, NULL, NULL);
	assert_int_equal(dmp_openmetrics_read(om, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(dmp_openmetrics_free(om), 0);
}

/* ---- metrics ---- */

static void counters_and_gauges_are_samples_of_their_type(void **state)
{
	struct dmp_counter_slot *gauge;

	(void)state;
	dmp_counter_add(new_counter(page, MINE, "requests"), 3);
	assert_int_equal(dmp_counters_register(page, MINE + 1, DMP_COUNTER_GAUGE, "queue depth", &gauge), 0);
	dmp_counter_record_max(gauge, UINT64_MAX);
	expect_text(NULL, "# TYPE dmp_requests counter\n"
			  "# HELP dmp_requests requests\n"
			  "dmp_requests_total 3\n"
			  "# TYPE dmp_queue_depth gauge\n"
			  "# HELP dmp_queue_depth queue depth\n"
			  "dmp_queue_depth 18446744073709551615\n"
			  "# EOF\n");
}

static void a_page_without_counters_is_an_end_alone(void **state)
{
	(void)state;
	expect_text(NULL, "# EOF\n");
}

static void a_unit_is_told_if_the_name_ends_in_it(void **state)
{
	struct dmp_counter_slot *c;
	struct dmp_openmetrics *om = new_text(NULL);

	(void)state;
	assert_int_equal(dmp_counters_register_histogram(page, DMP_HISTOGRAM_CONSUME, NULL, &c), 0);
	write_page(om, NULL, NULL);
	dmp_openmetrics_read(om, text, sizeof(text));
	assert_non_null(strstr(text, "# TYPE dmp_consume_latency_ns histogram\n"
				     "# UNIT dmp_consume_latency_ns ns\n"
				     "# HELP dmp_consume_latency_ns what consuming took, by the caller's measure\n"
				     "dmp_consume_latency_ns_bucket{le=\"1.0\"} 0\n"));
	write_page(om, NULL, "_x");
	dmp_openmetrics_read(om, text, sizeof(text));
	assert_non_null(strstr(text, "# TYPE dmp_consume_latency_ns_x histogram\n# HELP"));
	assert_null(strstr(text, "# UNIT"));
	dmp_openmetrics_free(om);
}

/* ---- histograms ---- */

#define A_BUCKET "dmp_size_bucket{ring=\"r\",le=\""

static void expect_bounds(char *expected, const uint64_t *upto)
{
	uint64_t bound = 1;
	int n;

	for (n = 0; n < DMP_HISTOGRAM_BUCKETS - 1; n++, bound *= 2)
		sprintf(expected + strlen(expected), A_BUCKET "%llu.0\"} %llu\n", (unsigned long long)bound,
			(unsigned long long)upto[n]);
}

static void a_histogram_has_buckets_that_add_up(void **state)
{
	const struct dmp_openmetrics_label ring = { "ring", "r" };
	const struct dmp_openmetrics_options options = { .labels = &ring, .label_count = 1 };
	static char expected[8192];
	uint64_t upto[DMP_HISTOGRAM_BUCKETS];
	struct dmp_counter_slot *h;
	int n;

	(void)state;
	assert_int_equal(dmp_counters_register_histogram(page, MINE, "size", &h), 0);
	dmp_histogram_record(h, 1);
	dmp_histogram_record(h, 7);
	dmp_histogram_record(h, 8);
	dmp_histogram_record(h, 1ULL << 50);
	for (n = 0; n < DMP_HISTOGRAM_BUCKETS; n++)
		upto[n] = n < 3 ? 1 : 3;
	strcpy(expected, "# TYPE dmp_size histogram\n# HELP dmp_size size\n");
	expect_bounds(expected, upto);
	strcat(expected, A_BUCKET "+Inf\"} 4\n"
				  "dmp_size_count{ring=\"r\"} 4\n"
				  "dmp_size_sum{ring=\"r\"} 1125899906842640\n"
				  "# EOF\n");
	expect_text(&options, expected);
	assert_non_null(strstr(text, A_BUCKET "1099511627776.0\"} 3\n" A_BUCKET "+Inf\"} 4\n"));
}

static void buckets_that_lie_do_not_go_down(void **state)
{
	struct dmp_openmetrics *om = new_text(NULL);
	struct dmp_counter_buckets *b;
	struct dmp_counter_slot *h;

	(void)state;
	assert_int_equal(dmp_counters_register_histogram(page, MINE, "h", &h), 0);
	b = (void *)(h + 1);
	b->bucket[2] = UINT64_MAX - 1;
	b->bucket[4] = 5;
	write_page(om, NULL, NULL);
	dmp_openmetrics_read(om, text, sizeof(text));
	assert_non_null(strstr(text, "{le=\"8.0\"} 18446744073709551614\n"));
	assert_non_null(strstr(text, "{le=\"16.0\"} 18446744073709551615\n"));
	assert_non_null(strstr(text, "_count 18446744073709551615\n"));
	dmp_openmetrics_free(om);
}

/* ---- labels ---- */

static void labels_are_those_of_each_sample_and_escaped(void **state)
{
	const struct dmp_openmetrics_label labels[] = { { "ring", "a\"b\\c\nd" },
							{ "_2", "\033[2J\xc3\xa9}" },
							{ "empty", "" } };
	const struct dmp_openmetrics_options options = { .labels = labels, .label_count = 3 };

	(void)state;
	new_counter(page, MINE, "a");
	expect_text(&options, "# TYPE dmp_a counter\n"
			      "# HELP dmp_a a\n"
			      "dmp_a_total{ring=\"a\\\"b\\\\c\\nd\",_2=\"?[2J\?\?}\",empty=\"\"} 0\n"
			      "# EOF\n");
}

static void expect_refused(const char *name, const char *value)
{
	const struct dmp_openmetrics_label labels[] = { { "ring", "r" }, { name, value } };
	const struct dmp_openmetrics_options options = { .labels = labels, .label_count = 2 };
	struct dmp_openmetrics *om = (void *)77;

	assert_int_equal(dmp_openmetrics_new(&om, &options), -EINVAL);
	assert_ptr_equal(om, (void *)77);
}

static void labels_that_cannot_be_are_refused(void **state)
{
	static char longest[5000];

	(void)state;
	expect_refused("ring", "again");
	expect_refused("le", "x");
	expect_refused("", "x");
	expect_refused("2a", "x");
	expect_refused("a-b", "x");
	expect_refused("a:b", "x");
	expect_refused("a", NULL);
	expect_refused(NULL, "x");
	memset(longest, 'x', sizeof(longest) - 1);
	expect_refused("a", longest);
	expect_refused(longest, "a");
}

static void a_counters_label_that_lies_breaks_no_line(void **state)
{
	struct dmp_counter_slot *c = new_counter(page, MINE, "x");

	(void)state;
	memcpy(c->label, "a} 1\n# EOF\n\"\\", 14);
	expect_text(NULL, "# TYPE dmp_a__1___EOF___ counter\n"
			  "# HELP dmp_a__1___EOF___ a} 1?# EOF???\n"
			  "dmp_a__1___EOF____total 0\n"
			  "# EOF\n");
}

/* ---- where it goes ---- */

static void before_the_first_tick_the_text_is_empty_and_valid(void **state)
{
	struct dmp_openmetrics *om = new_text(NULL);

	(void)state;
	assert_int_equal(dmp_openmetrics_read(om, text, sizeof(text)), 6);
	assert_string_equal(text, "# EOF\n");
	assert_int_equal(dmp_openmetrics_read(om, text, 4), 6);
	assert_string_equal(text, "# E");
	assert_int_equal(dmp_openmetrics_read(om, NULL, 0), 6);
	dmp_openmetrics_free(om);
}

static void each_tick_is_written_to_the_file(void **state)
{
	const char *once = "# TYPE dmp_a counter\n# HELP dmp_a a\ndmp_a_total 0\n# EOF\n";
	struct dmp_openmetrics_options options = { .file = tmpfile() };
	struct dmp_openmetrics *om;
	size_t length = strlen(once);

	(void)state;
	assert_non_null(options.file);
	om = new_text(&options);
	new_counter(page, MINE, "a");
	write_page(om, NULL, NULL);
	rewind(options.file);
	assert_int_equal(fread(text, 1, sizeof(text), options.file), 2 * length);
	assert_memory_equal(text, once, length);
	assert_memory_equal(text + length, once, length);
	assert_int_equal(dmp_openmetrics_free(om), 0);
	fclose(options.file);
}

static void an_error_of_the_file_is_told_at_the_end(void **state)
{
	const struct dmp_openmetrics_options options = { .file = fopen("/dev/full", "w") };
	struct dmp_openmetrics *om;

	(void)state;
	assert_non_null(options.file);
	om = new_text(&options);
	write_page(om, NULL, NULL);
	assert_int_equal(dmp_openmetrics_read(om, text, sizeof(text)), 6);
	assert_int_equal(dmp_openmetrics_free(om), -ENOSPC);
	assert_int_equal(dmp_openmetrics_free(NULL), 0);
	fclose(options.file);
}

static void fill_page(bool histograms)
{
	char label[DMP_COUNTER_LABEL];
	struct dmp_counter_slot *c;
	uint32_t i;

	memset(label, 'x', sizeof(label));
	label[sizeof(label) - 1] = 0;
	for (i = 0; i < (histograms ? 8 : DMP_COUNTERS_CAPACITY); i++) {
		memcpy(label, &"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i], 1);
		if (histograms)
			assert_int_equal(dmp_counters_register_histogram(page, MINE + i, label, &c), 0);
		else
			c = new_counter(page, MINE + i, label);
		c->value = UINT64_MAX;
	}
}

static uint32_t lines_of(const char *s)
{
	uint32_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void a_full_page_fits(bool histograms, uint32_t lines)
{
	static char longest[4000];
	const struct dmp_openmetrics_label label = { "a", memset(longest, 'x', sizeof(longest) - 1) };
	const struct dmp_openmetrics_options options = { .labels = &label, .label_count = 1 };
	static char all[4 << 20];
	struct dmp_openmetrics *om = new_text(&options);
	const char *affix = "y234567890123456789012345678901";

	fill_page(histograms);
	write_page(om, affix, affix);
	assert_in_range(dmp_openmetrics_read(om, all, sizeof(all)), 1, sizeof(all) - 1);
	assert_int_equal(lines_of(all), lines);
	dmp_openmetrics_free(om);
}

static void there_is_room_for_all_counters(void **state)
{
	(void)state;
	a_full_page_fits(false, 62 * 3 + 1);
}

static void there_is_room_for_all_histograms(void **state)
{
	(void)state;
	a_full_page_fits(true, 8 * (2 + 42 + 2) + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counters_and_gauges_are_samples_of_their_type),
		TEST(a_page_without_counters_is_an_end_alone),
		TEST(a_unit_is_told_if_the_name_ends_in_it),
		TEST(a_histogram_has_buckets_that_add_up),
		TEST(buckets_that_lie_do_not_go_down),
		TEST(labels_are_those_of_each_sample_and_escaped),
		TEST(labels_that_cannot_be_are_refused),
		TEST(a_counters_label_that_lies_breaks_no_line),
		TEST(before_the_first_tick_the_text_is_empty_and_valid),
		TEST(each_tick_is_written_to_the_file),
		TEST(an_error_of_the_file_is_told_at_the_end),
		TEST(there_is_room_for_all_counters),
		TEST(there_is_room_for_all_histograms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
