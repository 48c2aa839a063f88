// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_aggregator.c: pages outside all rings, and the thread that hands them on. Runs under AddressSanitizer, too */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "recorder.h"

static struct remembered r, other;

/* ---- ticks ---- */

static void what_was_counted_is_recorded_and_its_label_intact(void **state)
{
	struct dmp_aggregator_options o = remembering(&r, 5000000);
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c = new_counter(page, MINE, "requests");
	struct dmp_aggregator *a;

	(void)state;
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	dmp_counter_inc(c);
	dmp_counter_inc(c);
	dmp_counter_inc(c);
	dmp_counters_free(page);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	assert_int_equal(r.count, 1);
	expect_seen(&r, "dmp_requests", 3);
	assert_string_equal(r.seen[0].label, "requests");
	assert_int_equal(r.seen[0].id, MINE);
}

static void ticks_follow_each_other_until_the_stop(void **state)
{
	struct dmp_aggregator_options o = remembering(&r, 100000);
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c = new_counter(page, MINE, "late");
	struct dmp_aggregator *a;
	uint32_t before;

	(void)state;
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	await_ticks(&r, 5);
	dmp_counter_add(c, 7);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	expect_seen(&r, "dmp_late", 7);
	assert_in_range(r.flushes, 6, UINT32_MAX);
	before = r.flushes;
	dmp_counters_free(page);
	assert_int_equal(r.flushes, before);
}

static void the_stop_is_seen_at_once_and_flushes(uint64_t interval)
{
	struct dmp_aggregator_options o = remembering(&r, interval);
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c = new_counter(page, MINE, "a");
	struct dmp_aggregator *a;

	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	await_ticks(&r, 1);
	dmp_counter_add(c, 9);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	assert_int_equal(r.flushes, 2);
	expect_seen(&r, "dmp_a", 9);
	dmp_counters_free(page);
}

static void an_hour_does_not_delay_the_stop(void **state)
{
	(void)state;
	the_stop_is_seen_at_once_and_flushes(AN_HOUR);
}

static void nor_do_all_times(void **state)
{
	(void)state;
	the_stop_is_seen_at_once_and_flushes(DMP_FOREVER);
}

/* ---- lifetime ---- */

static void the_page_outlives_who_made_it(void **state)
{
	struct dmp_aggregator_options o = remembering(&r, 1000);
	struct dmp_counters *page = new_page();
	struct dmp_aggregator *a;

	(void)state;
	dmp_counter_add(new_counter(page, MINE, "kept"), 11);
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	dmp_counters_free(page);
	await_ticks(&r, 10);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	expect_seen(&r, "dmp_kept", 11);
}

static void and_each_aggregator_of_several(void **state)
{
	struct dmp_aggregator_options o = remembering(&r, 1000), p = remembering(&other, 1000);
	struct dmp_counters *page = new_page();
	struct dmp_aggregator *a, *b;

	(void)state;
	dmp_counter_add(new_counter(page, MINE, "kept"), 11);
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	assert_int_equal(dmp_aggregator_start(&b, page, &p), 0);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	dmp_counters_free(page);
	await_ticks(&other, 10);
	assert_int_equal(dmp_aggregator_stop(b), 0);
	expect_seen(&r, "dmp_kept", 11);
	expect_seen(&other, "dmp_kept", 11);
}

static void nothing_is_stopped_and_freed_as_well(void **state)
{
	(void)state;
	assert_int_equal(dmp_aggregator_stop(NULL), 0);
	dmp_counters_free(NULL);
}

/* ---- registering ---- */

static void a_label_is_registered_once_on_a_page(void **state)
{
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c = (void *)77;

	(void)state;
	new_counter(page, MINE, "a");
	assert_int_equal(dmp_counters_register(page, MINE + 1, 0, "a", &c), -EEXIST);
	assert_int_equal(dmp_counters_register(page, MINE, 0, "b", &c), -EEXIST);
	assert_int_equal(dmp_counters_register(page, 1, 0, "b", &c), -EINVAL);
	assert_int_equal(dmp_counters_register(page, MINE + 1, 0, "b\n", &c), -EINVAL);
	assert_int_equal(dmp_counters_register_histogram(page, MINE + 1, "a", &c), -EEXIST);
	assert_ptr_equal(c, (void *)77);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 1);
	dmp_counters_free(page);
}

static void a_suffix_tells_two_pages_of_one_label_apart(void **state)
{
	struct dmp_counters *one = new_page(), *two = new_page();

	(void)state;
	dmp_counter_add(new_counter(one, MINE, "a"), 1);
	dmp_counter_add(new_counter(two, MINE, "a"), 2);
	record_once(&r, one, NULL, "_one");
	record_once(&other, two, NULL, "_two");
	expect_seen(&r, "dmp_a_one", 1);
	expect_seen(&other, "dmp_a_two", 2);
	dmp_counters_free(one);
	dmp_counters_free(two);
}

static void a_page_has_62_slots(void **state)
{
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c;
	char label[] = "aa";
	uint32_t i;

	(void)state;
	for (i = 0; i < DMP_COUNTERS_CAPACITY; i++, label[1]++) {
		if (label[1] > 'z')
			label[0]++, label[1] = 'a';
		dmp_counter_add(new_counter(page, MINE + i, label), i);
	}
	assert_int_equal(dmp_counters_register(page, MINE + i, 0, "one_more", &c), -ENOSPC);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, DMP_COUNTERS_CAPACITY);
	expect_seen(&r, "dmp_cj", 61);
	dmp_counters_free(page);
}

static pthread_barrier_t together;

static void *add_many(void *arg)
{
	uint32_t i;

	pthread_barrier_wait(&together);
	for (i = 0; i < 1000000; i++)
		dmp_counter_add_mp(arg, 1);
	return NULL;
}

static void several_threads_count_in_one(void **state)
{
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c = new_counter(page, MINE, "ours");
	pthread_t thread[4];
	uint32_t i;

	(void)state;
	pthread_barrier_init(&together, NULL, 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, add_many, c), 0);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(dmp_counter_get(c), 4000000);
	dmp_counters_free(page);
}

/* ---- the recorder ---- */

static void each_kind_has_its_function(void **state)
{
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *gauge, *histogram;

	(void)state;
	new_counter(page, MINE, "count");
	assert_int_equal(dmp_counters_register(page, MINE + 1, DMP_COUNTER_GAUGE, "depth", &gauge), 0);
	assert_int_equal(dmp_counters_register_histogram(page, DMP_HISTOGRAM_PUBLISH, NULL, &histogram), 0);
	dmp_counter_record_max(gauge, 40);
	dmp_histogram_record(histogram, 5);
	dmp_histogram_record(histogram, 6);
	record_once(&r, page, NULL, NULL);
	assert_int_equal(r.count, 3);
	assert_int_equal(seen_as(&r, "dmp_count")->kind, COUNTER);
	assert_int_equal(seen_as(&r, "dmp_depth")->kind, GAUGE);
	assert_int_equal(seen_as(&r, "dmp_publish_latency_ns")->kind, HISTOGRAM);
	assert_int_equal(seen_as(&r, "dmp_publish_latency_ns")->bucket3, 2);
	assert_string_equal(seen_as(&r, "dmp_publish_latency_ns")->unit, "ns");
	assert_string_equal(seen_as(&r, "dmp_count")->unit, "");
	assert_string_equal(seen_as(&r, "dmp_count")->help, "count");
	expect_seen(&r, "dmp_depth", 40);
	expect_seen(&r, "dmp_publish_latency_ns", 11);
	dmp_counters_free(page);
}

static void functions_that_are_not_there_are_not_called(void **state)
{
	struct dmp_aggregator_options o = remembering(&r, AN_HOUR);
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c;
	struct dmp_aggregator *a;

	(void)state;
	o.recorder.counter = o.recorder.gauge = o.recorder.histogram = NULL;
	new_counter(page, MINE, "a");
	assert_int_equal(dmp_counters_register(page, MINE + 1, DMP_COUNTER_GAUGE, "b", &c), 0);
	assert_int_equal(dmp_counters_register_histogram(page, MINE + 2, "c", &c), 0);
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	assert_int_equal(r.flushes, 2);
	assert_int_equal(r.count, 0);
	dmp_counters_free(page);
}

static void a_callback_gets_all_of_them(void **state)
{
	struct dmp_aggregator_options o = { .interval = DMP_FOREVER };
	struct dmp_counters *page = new_page();
	struct dmp_counter_slot *c;
	struct dmp_aggregator *a;

	(void)state;
	remembering(&r, 0);
	r.whole = false; /* nobody says where a tick ends */
	o.recorder = dmp_callback_recorder(remember_counter, &r);
	new_counter(page, MINE, "a");
	assert_int_equal(dmp_counters_register(page, MINE + 1, DMP_COUNTER_GAUGE, "b", &c), 0);
	assert_int_equal(dmp_counters_register_histogram(page, MINE + 2, "c", &c), 0);
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	assert_int_equal(r.count, 6); /* of two ticks */
	assert_string_equal(r.seen[5].name, "dmp_c");
	dmp_counters_free(page);
}

/* ---- the thread ---- */

static struct dmp_aggregator *volatile self;
static sem_t may_look;
static int stopped_by_itself;
static bool all_blocked;
static char name_of_thread[16];

static void look_around(void *context)
{
	sigset_t blocked;

	(void)context;
	while (sem_wait(&may_look))
		;
	sem_post(&may_look);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	all_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGALRM);
	pthread_getname_np(pthread_self(), name_of_thread, sizeof(name_of_thread));
	stopped_by_itself = dmp_aggregator_stop(self);
}

static void its_thread_has_a_name_and_no_signals_and_cannot_stop_itself(void **state)
{
	const struct dmp_aggregator_options o = { .interval = AN_HOUR, .recorder = { .flush = look_around } };
	struct dmp_counters *page = new_page();
	struct dmp_aggregator *a;

	(void)state;
	sem_init(&may_look, 0, 0);
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	self = a;
	sem_post(&may_look);
	assert_int_equal(dmp_aggregator_stop(a), 0);
	assert_int_equal(stopped_by_itself, -EDEADLK);
	assert_string_equal(name_of_thread, "dmp-aggregator");
	assert_true(all_blocked);
	dmp_counters_free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_counted_is_recorded_and_its_label_intact),
		cmocka_unit_test(ticks_follow_each_other_until_the_stop),
		cmocka_unit_test(an_hour_does_not_delay_the_stop),
		cmocka_unit_test(nor_do_all_times),
		cmocka_unit_test(the_page_outlives_who_made_it),
		cmocka_unit_test(and_each_aggregator_of_several),
		cmocka_unit_test(nothing_is_stopped_and_freed_as_well),
		cmocka_unit_test(a_label_is_registered_once_on_a_page),
		cmocka_unit_test(a_suffix_tells_two_pages_of_one_label_apart),
		cmocka_unit_test(a_page_has_62_slots),
		cmocka_unit_test(several_threads_count_in_one),
		cmocka_unit_test(each_kind_has_its_function),
		cmocka_unit_test(functions_that_are_not_there_are_not_called),
		cmocka_unit_test(a_callback_gets_all_of_them),
		cmocka_unit_test(its_thread_has_a_name_and_no_signals_and_cannot_stop_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
