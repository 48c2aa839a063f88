// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_hist.c: the benchmark's histogram, against values that are kept and sorted */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/hist.c" /* it is linked with nothing else of the benchmark */

#define VALUES 20000

static const double shares[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };

#define SHARES (sizeof(shares) / sizeof(*shares))

static struct hist *hist(void)
{
	struct hist *h = test_calloc(1, sizeof(*h));

	assert_non_null(h);
	return h;
}

/* Of all magnitudes alike; the same in every run. */
static uint64_t pseudo_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 24) >> (*state >> 58) % 40;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Not below it, and above it by less than one part in 128. */
static void assert_close(uint64_t got, uint64_t exact)
{
	assert_true(got >= exact);
	assert_true(got - exact <= exact / 128);
}

static void one_value_is_known_to_one_part_in_128(void **state)
{
	struct hist *h;

	(void)state;
	for (uint32_t bit = 0; bit < 40; bit++)
		for (int64_t near = -1; near <= 1; near++) {
			uint64_t value = (1ULL << bit) + (uint64_t)near;

			if (value >= HIST_LIMIT)
				continue;
			h = hist();
			hist_record(h, value);
			hist_record(h, HIST_LIMIT - 1); /* so that max does not help */
			assert_close(hist_percentile(h, 0.5), value);
			test_free(h);
		}
}

static void buckets_cover_all_values_without_gap_or_overlap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < OVERFLOW; i++) {
		assert_int_equal(bucket_of(bucket_top(i)), i);
		assert_int_equal(bucket_of(bucket_top(i) + 1), i + 1);
	}
	assert_true(bucket_top(OVERFLOW - 1) == HIST_LIMIT - 1);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
	uint64_t *values = test_calloc(VALUES, sizeof(*values)), seed = 1;
	struct hist *h = hist();

	(void)state;
	for (size_t i = 0; i < VALUES; i++)
		hist_record(h, values[i] = pseudo_random(&seed));
	qsort(values, VALUES, sizeof(*values), compare);
	for (size_t i = 0; i < SHARES; i++) {
		uint64_t rank = rank_of(h, shares[i]);

		assert_true((double)rank >= shares[i] * VALUES && (double)rank < shares[i] * VALUES + 1.001);
		assert_close(hist_percentile(h, shares[i]), values[rank - 1]);
	}
	test_free(values);
	test_free(h);
}

static void max_is_exact(void **state)
{
	struct hist *h = hist();

	(void)state;
	hist_record(h, 1000001);
	hist_record(h, 3);
	assert_true(h->max == 1000001);
	assert_true(hist_percentile(h, 1) == 1000001);
	test_free(h);
}

static void merged_is_as_if_recorded_in_one(void **state)
{
	struct hist *all = hist(), *a = hist(), *b = hist();
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t value = pseudo_random(&seed);

		hist_record(all, value);
		hist_record(i % 3 ? a : b, value);
	}
	hist_merge(a, b);
	assert_memory_equal(a, all, sizeof(*all));
	test_free(all);
	test_free(a);
	test_free(b);
}

static void zero_is_a_value(void **state)
{
	struct hist *h = hist();

	(void)state;
	assert_true(hist_percentile(h, 0.5) == 0); /* empty */
	hist_record(h, 0);
	hist_record(h, 0);
	hist_record(h, 5);
	assert_true(h->count == 3);
	assert_true(hist_percentile(h, 0.5) == 0);
	assert_true(hist_percentile(h, 0.9) == 5);
	test_free(h);
}

static void values_beyond_the_limit_are_counted_and_give_max(void **state)
{
	struct hist *h = hist();

	(void)state;
	hist_record(h, 10);
	hist_record(h, HIST_LIMIT);
	hist_record(h, UINT64_MAX);
	assert_true(h->count == 3);
	assert_true(h->buckets[OVERFLOW] == 2);
	assert_true(hist_percentile(h, 0.3) == 10);
	assert_true(hist_percentile(h, 0.6) == UINT64_MAX);
	test_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_value_is_known_to_one_part_in_128),
		cmocka_unit_test(buckets_cover_all_values_without_gap_or_overlap),
		cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(max_is_exact),
		cmocka_unit_test(merged_is_as_if_recorded_in_one),
		cmocka_unit_test(zero_is_a_value),
		cmocka_unit_test(values_beyond_the_limit_are_counted_and_give_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
