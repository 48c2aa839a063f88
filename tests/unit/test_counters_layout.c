// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counters_layout.c: the counters page, its table, and what is made of both: dmp/counters.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dmp/counters.h>

static const struct {
	uint32_t id, flags;
	const char *name, *unit, *help;
} table[] = {
#define ROW(NAME, id, name, unit, flags, help) { id, flags, #name, unit, help },
	DMP_COUNTERS(ROW)
#undef ROW
};

#define ROWS (sizeof(table) / sizeof(table[0]))

/* ---- the page ---- */

static void a_page_is_a_head_and_62_slots_of_a_line_each(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct dmp_counters_head), 64);
	assert_int_equal(sizeof(struct dmp_counter_slot), 64);
	assert_int_equal(sizeof(struct dmp_counters_page), 4096);
	assert_int_equal(DMP_COUNTERS_CAPACITY, 62);
	assert_int_equal(offsetof(struct dmp_counters_page, slot), 64);
	assert_int_equal(offsetof(struct dmp_counters_page, spare), 64 + 62 * 64);
}

static void fields_lie_where_the_header_says(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct dmp_counters_head, magic), 0);
	assert_int_equal(offsetof(struct dmp_counters_head, version), 4);
	assert_int_equal(offsetof(struct dmp_counters_head, slot_count), 8);
	assert_int_equal(offsetof(struct dmp_counters_head, slot_capacity), 12);
	assert_int_equal(offsetof(struct dmp_counters_head, slot_stride), 16);
	assert_int_equal(offsetof(struct dmp_counters_head, slots_offset), 20);
	assert_int_equal(offsetof(struct dmp_counters_head, incarnation), 24);
	assert_int_equal(offsetof(struct dmp_counter_slot, id), 0);
	assert_int_equal(offsetof(struct dmp_counter_slot, flags), 4);
	assert_int_equal(offsetof(struct dmp_counter_slot, value), 8);
	assert_int_equal(offsetof(struct dmp_counter_slot, label), 16);
}

static void buckets_have_the_id_and_flags_of_a_slot(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct dmp_counter_buckets), 64);
	assert_int_equal(offsetof(struct dmp_counter_buckets, id), offsetof(struct dmp_counter_slot, id));
	assert_int_equal(offsetof(struct dmp_counter_buckets, flags), offsetof(struct dmp_counter_slot, flags));
	assert_int_equal(offsetof(struct dmp_counter_buckets, bucket), 8);
	assert_int_equal(DMP_HISTOGRAM_SLOTS, 7);
}

static void the_magic_reads_as_text(void **state)
{
	const uint32_t magic = DMP_COUNTERS_MAGIC;

	(void)state;
	assert_memory_equal(&magic, "DMC1", 4);
}

/* ---- the table ---- */

static void ids_and_names_are_unique_and_below_those_of_applications(void **state)
{
	size_t i, k;

	(void)state;
	assert_int_equal(ROWS, DMP_COUNTERS_BUILT_IN);
	for (i = 0; i < ROWS; i++) {
		assert_in_range(table[i].id, 1, DMP_COUNTER_APPLICATION - 1);
		assert_int_not_equal(table[i].id, DMP_HISTOGRAM_PUBLISH);
		assert_int_not_equal(table[i].id, DMP_HISTOGRAM_CONSUME);
		for (k = 0; k < i; k++) {
			assert_int_not_equal(table[i].id, table[k].id);
			assert_string_not_equal(table[i].name, table[k].name);
		}
	}
}

static void names_fit_a_label_and_somebody_has_each_counter(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ROWS; i++) {
		assert_in_range(strlen(table[i].name), 1, DMP_COUNTER_LABEL - 1);
		assert_true(*table[i].unit && *table[i].help);
		assert_true(table[i].flags & DMP_COUNTER_EVERYONE_);
		assert_false(table[i].flags & DMP_COUNTER_IN_USE);
	}
}

/* ---- what is derived ---- */

static struct dmp_counted counted(uint32_t role, uint32_t ring_flags)
{
	return (struct dmp_counted){ .role = role,
				     .ring_flags = ring_flags,
				     .event_size = 56,
				     .start = 100,
				     .cursor = 130,
				     .released = 120,
				     .aborted = 3,
				     .counted = 7 };
}

static uint64_t derived(uint32_t id, const struct dmp_counted *c)
{
	return dmp_counter_value(id, DMP_COUNTER_DERIVED, 99, c);
}

static void the_cursors_tell_what_is_published_and_consumed(void **state)
{
	struct dmp_counted p = counted(DMP_ROLE_PRODUCER, 0), c = counted(DMP_ROLE_CONSUMER, DMP_RING_MULTI);

	(void)state;
	assert_int_equal(derived(DMP_COUNTER_PUBLISHED, &p), 30);
	assert_int_equal(derived(DMP_COUNTER_BYTES, &p), 30 * 56);
	assert_int_equal(derived(DMP_COUNTER_CONSUMED, &c), 20);
	assert_int_equal(derived(DMP_COUNTER_BYTES, &c), 20 * 56);
	assert_int_equal(derived(DMP_COUNTER_ABORTED, &c), 3);
}

static void where_no_cursor_tells_it_is_counted(void **state)
{
	struct dmp_counted p = counted(DMP_ROLE_PRODUCER, DMP_RING_MULTI), o = counted(DMP_ROLE_OBSERVER, 0);

	(void)state;
	assert_int_equal(derived(DMP_COUNTER_PUBLISHED, &p), 7);
	assert_int_equal(derived(DMP_COUNTER_CONSUMED, &o), 7);
	assert_int_equal(derived(DMP_COUNTER_BYTES, &o), 7 * 56);
	assert_int_equal(dmp_counted_at(DMP_ROLE_PRODUCER), DMP_COUNTER_AT_PUBLISHED);
	assert_int_equal(dmp_counted_at(DMP_ROLE_OBSERVER), DMP_COUNTER_AT_CONSUMED);
}

static void a_cursor_below_the_start_counts_nothing(void **state)
{
	struct dmp_counted c = counted(DMP_ROLE_CONSUMER, 0);

	(void)state;
	c.released = 99;
	assert_int_equal(derived(DMP_COUNTER_CONSUMED, &c), 0);
}

static void only_a_slot_that_says_so_is_derived(void **state)
{
	struct dmp_counted p = counted(DMP_ROLE_PRODUCER, 0);

	(void)state;
	assert_int_equal(dmp_counter_value(DMP_COUNTER_PUBLISHED, DMP_COUNTER_IN_USE, 99, &p), 99);
	assert_int_equal(derived(DMP_COUNTER_APPLICATION, &p), 99);
}

/* ---- histograms ---- */

static void each_value_has_the_bucket_whose_bound_is_the_next_power_of_two(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(dmp_bucket_of(0), 0);
	assert_int_equal(dmp_bucket_of(1), 0);
	assert_int_equal(dmp_bucket_of(2), 1);
	assert_int_equal(dmp_bucket_of(3), 2);
	for (n = 0; n < DMP_HISTOGRAM_BUCKETS - 1; n++) {
		assert_int_equal(dmp_bucket_of(dmp_bucket_bound(n)), n);
		assert_int_equal(dmp_bucket_of(dmp_bucket_bound(n) + 1), n + 1);
	}
	assert_int_equal(dmp_bucket_of(UINT64_MAX), DMP_HISTOGRAM_BUCKETS - 1);
	assert_true(dmp_bucket_bound(DMP_HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

/* ---- labels ---- */

static void what_could_break_a_line_or_a_terminal_is_not_shown(void **state)
{
	(void)state;
	assert_int_equal(dmp_label_char('a'), 'a');
	assert_int_equal(dmp_label_char(' '), ' ');
	assert_int_equal(dmp_label_char('~'), '~');
	assert_int_equal(dmp_label_char('\n'), '?');
	assert_int_equal(dmp_label_char('\033'), '?');
	assert_int_equal(dmp_label_char('"'), '?');
	assert_int_equal(dmp_label_char('\\'), '?');
	assert_int_equal(dmp_label_char((char)0x7f), '?');
	assert_int_equal(dmp_label_char((char)0x9b), '?');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_a_head_and_62_slots_of_a_line_each),
		cmocka_unit_test(fields_lie_where_the_header_says),
		cmocka_unit_test(buckets_have_the_id_and_flags_of_a_slot),
		cmocka_unit_test(the_magic_reads_as_text),
		cmocka_unit_test(ids_and_names_are_unique_and_below_those_of_applications),
		cmocka_unit_test(names_fit_a_label_and_somebody_has_each_counter),
		cmocka_unit_test(the_cursors_tell_what_is_published_and_consumed),
		cmocka_unit_test(where_no_cursor_tells_it_is_counted),
		cmocka_unit_test(a_cursor_below_the_start_counts_nothing),
		cmocka_unit_test(only_a_slot_that_says_so_is_derived),
		cmocka_unit_test(each_value_has_the_bucket_whose_bound_is_the_next_power_of_two),
		cmocka_unit_test(what_could_break_a_line_or_a_terminal_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
