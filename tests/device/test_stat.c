// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_stat.c: dmp stat: what members have counted is what it says, of whatever they have in their pages */
#include <signal.h>

#include "stat.h"

#define MINE DMP_COUNTER_APPLICATION

/* ---- totals ---- */

/* gate: of a file also what is on the disk holds the producer up. */
static void assert_counted(const struct scene *s, uint64_t gate)
{
	struct said said = stat_of(s, "");

	assert_row(&said, "p", "producer", "published", "10", "events");
	assert_row(&said, "p", "producer", "bytes", "560", "bytes");
	assert_row(&said, "p", "producer", "batches", "2", "batches");
	assert_row(&said, "c", "consumer", "consumed", "7", "events");
	assert_row(&said, "c", "consumer", "bytes", "392", "bytes");
	assert_row(&said, "c", "consumer", "lag_max", "10", "events");
	assert_non_null(strstr(said.out, ": cursor 10, gate "));
	assert_non_null(strstr(said.out, "\nsleeps 0, woken 0, futile 0, wakes 0, empty 0, repaired 0, stalls 0\n"));
	assert_null(strstr(said.out, "observer")); /* itself */
	forget(&said);
	said = stat_of(s, "--json");
	assert_true(is_json(said.out));
	assert_int_equal(number(said.out, "cursor"), 10);
	assert_int_equal(number(said.out, "gate"), gate);
	assert_int_equal(number(find_counter(said.out, "p", "published"), "value"), 10);
	assert_int_equal(number(find_counter(said.out, "p", "batches"), "value"), 2);
	assert_int_equal(number(find_counter(said.out, "c", "consumed"), "value"), 7);
	assert_int_equal(number(find_counter(said.out, "c", "bytes"), "value"), 392);
	forget(&said);
}

static void count_and_assert(const char *backend, uint64_t gate)
{
	struct scene s = scene_of(backend, "", DMP_COUNTERS_FULL);

	publish(s.p, 4);
	publish(s.p, 6);
	consume(s.c, 7);
	assert_counted(&s, gate);
	assert_counted(&s, gate); /* who looked first has left nothing */
	end_scene(&s);
}

static void it_says_what_members_have_counted(void **state)
{
	(void)state;
	count_and_assert("", 7);
}

static void rings_without_the_module_are_read_the_same_way(void **state)
{
	(void)state;
	count_and_assert("shm:", 7);
	count_and_assert("file:/tmp/", 0);
}

static void sleepers_sleep_on_while_they_are_read(void **state)
{
	struct ring r = stamped_ring();
	struct command consumer = start_consumer(&r, "c", "");
	struct dmp_info before = ring_info(r.fd), after;
	struct said said = run("dmp stat %s", r.name.s);

	(void)state;
	assert_int_equal(said.status, 0);
	assert_row(&said, "c", "consumer", "sleeps", "1", "calls");
	forget(&said);
	after = ring_info(r.fd);
	assert_int_equal(before.sleeps, 1);
	assert_int_equal(after.sleeps, 1);
	assert_int_equal(after.woken + after.changed + after.futile, 0);
	kill(consumer.pid, SIGTERM);
	said = finish_command(&consumer);
	forget(&said);
	remove_ring(&r);
}

static void one_member_may_be_asked_for(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct said said = stat_of(&s, "c");
	char line[128];

	(void)state;
	assert_row(&said, "c", "consumer", "consumed", "0", "events");
	assert_string_equal(cell(said.out, "c", "consumer", "spins", NULL), ""); /* lite has it not */
	assert_null(strstr(said.out, "producer"));
	forget(&said);
	snprintf(line, sizeof(line), "dmp stat %s nobody", s.name);
	must_fail(line, 1, "no member 'nobody'", "dmp info", NULL);
	end_scene(&s);
}

static void who_has_no_name_is_told_by_place(void **state)
{
	struct scene s = empty_scene("", "");
	struct said said;
	char place[16];

	(void)state;
	s.p = join_counting(s.ring, DMP_ROLE_PRODUCER, NULL, DMP_COUNTERS_LITE);
	snprintf(place, sizeof(place), "#%u", s.p->index);
	publish(s.p, 3);
	said = stat_of(&s, "");
	assert_row(&said, place, "producer", "published", "3", "events");
	forget(&said);
	end_scene(&s);
}

static void who_counts_nothing_is_shown_as_such(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_NONE);
	struct said said = stat_of(&s, "");

	(void)state;
	assert_non_null(strstr(said.out, "p       producer  (joined without counters)"));
	assert_non_null(strstr(said.out, "c       consumer  (joined without counters)"));
	forget(&said);
	end_scene(&s);
}

static void a_ring_may_have_no_members(void **state)
{
	struct scene s = empty_scene("", "");
	struct said said = stat_of(&s, "");

	(void)state;
	assert_non_null(strstr(said.out, "nobody is there\n"));
	forget(&said);
	said = stat_of(&s, "--json");
	assert_true(is_json(said.out));
	assert_non_null(find(said.out, "members", "[]"));
	forget(&said);
	end_scene(&s);
}

/* ---- counters of an application's own ---- */

static void assert_harmless(const char *out)
{
	for (; *out; out++)
		assert_true(*out == '\n' || (*out >= ' ' && *out <= '~'));
}

static struct dmp_counter_slot *orders_of(struct dmp_member *p)
{
	struct dmp_counter_slot *mine = NULL;

	assert_int_equal(dmp_counter_register(p, MINE, 0, "orders", &mine), 0);
	dmp_counter_add(mine, 42);
	return mine;
}

static void an_application_counts_what_it_likes(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_NONE);
	struct said said;

	(void)state;
	orders_of(s.p);
	said = stat_of(&s, "p");
	assert_row(&said, "p", "producer", "orders", "42", "-");
	forget(&said);
	end_scene(&s);
}

/* As long as there is room, so without a NUL. */
static const char hostile[DMP_COUNTER_LABEL] = "\033[2J\"\\\n\r\377x\033]0;title\a_and_on_and_on_and_on_withou";

static void a_hostile_label_breaks_nothing(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct said said;

	(void)state;
	memcpy(orders_of(s.p)->label, hostile, sizeof(hostile));
	said = stat_of(&s, "p");
	assert_harmless(said.out);
	assert_row(&said, "p", "producer", "?[2J?????x?]0;title?_and_on_and_on_and_on_witho", "42", "-");
	forget(&said);
	said = stat_of(&s, "--json");
	assert_true(is_json(said.out));
	assert_harmless(said.out);
	assert_int_equal(number(find(said.out, "id", "256"), "value"), 42);
	forget(&said);
	end_scene(&s);
}

static void a_page_of_noise_breaks_nothing(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_FULL);
	struct dmp_counters_page *page = s.p->page;
	struct said said;
	size_t i;

	(void)state;
	srand(1);
	for (i = 0; i < sizeof(page->slot); i++)
		((unsigned char *)page->slot)[i] = (unsigned char)rand();
	page->head.slot_count = UINT32_MAX;
	said = stat_of(&s, "");
	assert_harmless(said.out);
	forget(&said);
	said = stat_of(&s, "--json");
	assert_true(is_json(said.out));
	assert_harmless(said.out);
	forget(&said);
	end_scene(&s);
}

static struct dmp_counter_slot *latencies_of(struct dmp_member *p)
{
	struct dmp_counter_slot *h = NULL;
	int i;

	assert_int_equal(dmp_histogram_register(p, DMP_HISTOGRAM_PUBLISH, NULL, &h), 0);
	for (i = 0; i < 99; i++)
		dmp_histogram_record(h, i < 60 ? 50 : 100);
	dmp_histogram_record(h, 5100);
	return h;
}

static void histograms_are_told_in_short(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct dmp_counter_slot *mine;
	struct said said;

	(void)state;
	latencies_of(s.p);
	assert_int_equal(dmp_histogram_register(s.c, MINE, "mine", &mine), 0);
	said = stat_of(&s, "");
	assert_row(&said, "p", "producer", "publish_latency_ns.count", "100", "values");
	assert_row(&said, "p", "producer", "publish_latency_ns.mean", "120", "ns");
	assert_row(&said, "p", "producer", "publish_latency_ns.p50", "64", "ns");
	assert_row(&said, "p", "producer", "publish_latency_ns.p99", "128", "ns");
	assert_row(&said, "p", "producer", "publish_latency_ns.max", "8192", "ns");
	assert_row(&said, "c", "consumer", "mine.count", "0", "values");
	assert_row(&said, "c", "consumer", "mine.p99", "-", "-");
	forget(&said);
	end_scene(&s);
}

static void the_last_bucket_has_no_bound(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct said said;
	const char *at;

	(void)state;
	dmp_histogram_record(latencies_of(s.p), UINT64_MAX / 2);
	said = stat_of(&s, "");
	assert_row(&said, "p", "producer", "publish_latency_ns.max", ">1099511627776", "ns");
	forget(&said);
	said = stat_of(&s, "--json");
	assert_true(is_json(said.out));
	at = find_counter(said.out, "p", "publish_latency_ns");
	assert_int_equal(number(at, "count"), 101);
	assert_int_equal(number(at, "p50"), 64);
	assert_non_null(find(at, "max", "null"));
	assert_int_equal(number(find(at, "at_most", "128,"), "count"), 39);
	assert_int_equal(number(find(at, "at_most", "null,"), "count"), 1);
	forget(&said);
	end_scene(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_members_have_counted),
		cmocka_unit_test(rings_without_the_module_are_read_the_same_way),
		cmocka_unit_test(sleepers_sleep_on_while_they_are_read),
		cmocka_unit_test(one_member_may_be_asked_for),
		cmocka_unit_test(who_has_no_name_is_told_by_place),
		cmocka_unit_test(who_counts_nothing_is_shown_as_such),
		cmocka_unit_test(a_ring_may_have_no_members),
		cmocka_unit_test(an_application_counts_what_it_likes),
		cmocka_unit_test(a_hostile_label_breaks_nothing),
		cmocka_unit_test(a_page_of_noise_breaks_nothing),
		cmocka_unit_test(histograms_are_told_in_short),
		cmocka_unit_test(the_last_bucket_has_no_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
