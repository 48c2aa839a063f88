// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_stat_again.c: dmp stat again and again, with rates; and as much as one may see, when something is missing */
#include <signal.h>
#include <unistd.h>

#include "stat.h"

#define SOMEBODY 1000

/* ---- again and again ---- */

struct watched {
	struct command command;
	const char *text;
	char said[1 << 18];
};

static bool has_said(void *arg)
{
	struct watched *w = arg;
	ssize_t n = pread(w->command.out, w->said, sizeof(w->said) - 1, 0);

	assert_true(n >= 0);
	w->said[n] = '\0';
	return strstr(w->said, w->text);
}

/* Of all objects in out: what the producer's events have grown by. */
static uint64_t grown(const char *out)
{
	uint64_t n = 0;

	for (out = find_counter(out, "p", "published"); out; out = find_counter(out, "p", "published"))
		n += number(out, "growth"); /* null: 0 */
	return n;
}

static void what_has_grown_adds_up_until_interrupted(void **state)
{
	static struct watched w;
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct said said;

	(void)state;
	publish(s.p, 3);
	w.command = start_command("dmp stat %s --json --interval 1", s.name);
	w.text = "\"value\": 3,";
	await(has_said, &w, "the first time");
	publish(s.p, 25);
	w.text = "\"value\": 28,";
	await(has_said, &w, "what has come");
	kill(w.command.pid, SIGINT);
	said = finish_command(&w.command);
	assert_int_equal(said.status, 0);
	assert_non_null(find(said.out, "interval_ns", "null"));
	assert_non_null(find(find_counter(said.out, "p", "published"), "growth", "null"));
	assert_int_equal(grown(said.out), 25);
	assert_int_equal(ring_info(dmp_ring_fd(s.ring)).joined, 2); /* it has left */
	forget(&said);
	end_scene(&s);
}

static void rates_are_what_has_grown_by_the_time_it_took(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	static struct watched w;
	struct said said;
	const char *second, *at;
	double rate;

	(void)state;
	w.command = start_command("dmp stat %s --json --count 2", s.name);
	w.text = "\"members\"";
	await(has_said, &w, "the first time");
	publish(s.p, 60);
	said = finish_command(&w.command);
	assert_int_equal(said.status, 0);
	second = strstr(said.out, "\n}\n{");
	assert_non_null(second);
	assert_null(strstr(second + 3, "\n}\n{")); /* twice, not more */
	at = find_counter(second, "p", "published");
	assert_int_equal(number(at, "growth"), number(at, "value"));
	rate = (double)number(at, "growth") * 1e9 / (double)number(second, "interval_ns");
	assert_true((double)number(at, "per_second") - rate <= 0.5 && rate - (double)number(at, "per_second") <= 0.5);
	forget(&said);
	end_scene(&s);
}

static void the_table_has_a_column_for_rates(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_FULL);
	struct said said = stat_of(&s, "--interval 1 --count 2");
	char rate[16];
	const char *second = strstr(said.out, "\n\nring ");

	(void)state;
	assert_non_null(second);
	assert_non_null(strstr(said.out, "PER S  UNIT\n"));
	cell(said.out, "p", "producer", "published", rate);
	assert_string_equal(rate, "-");
	cell(second, "p", "producer", "published", rate);
	assert_string_equal(rate, "0.0");
	cell(second, "c", "consumer", "lag_max", rate);
	assert_string_equal(rate, "-"); /* a gauge has none */
	forget(&said);
	end_scene(&s);
}

/* ---- what is missing ---- */

static void without_the_right_to_read_there_is_what_the_ring_tells(void **state)
{
	struct scene s = scene_of("", "--mode 0701", DMP_COUNTERS_LITE);
	struct said said;

	(void)state;
	publish(s.p, 5);
	said = run_as(SOMEBODY, "dmp stat %s", s.name);
	assert_one_line(&said, 1, "you have not the right r");
	assert_non_null(strstr(said.out, "cursor 5"));
	assert_row(&said, "c", "consumer", "sleeps", "0", "calls");
	assert_string_equal(cell(said.out, "p", "producer", "published", NULL), "");
	forget(&said);
	end_scene(&s);
}

static void without_any_right_there_is_one_line(void **state)
{
	struct scene s = scene_of("", "--mode 0700", DMP_COUNTERS_LITE);
	struct said said = run_as(SOMEBODY, "dmp stat %s", s.name);

	(void)state;
	assert_one_line(&said, 1, "right to anything");
	assert_int_equal(said.size, 0);
	forget(&said);
	end_scene(&s);
}

static void without_a_place_there_is_what_the_ring_tells(void **state)
{
	struct scene s = scene_of("", "--members 2", DMP_COUNTERS_LITE);
	struct said said = run("dmp stat %s", s.name);

	(void)state;
	assert_one_line(&said, 1, "2 of 2 are taken");
	assert_row(&said, "p", "producer", "wakes", "0", "calls");
	forget(&said);
	end_scene(&s);
}

static void bad_usage_is_one_line(void **state)
{
	(void)state;
	must_fail("dmp stat", 2, "name is missing", NULL);
	must_fail("dmp stat a b c", 2, "'c'", NULL);
	must_fail("dmp stat a --interval 0", 2, "--interval", NULL);
	must_fail("dmp stat a --count none", 2, "--count", NULL);
	must_fail("dmp stat nowhere", 1, "dmp ls", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_grown_adds_up_until_interrupted),
		cmocka_unit_test(rates_are_what_has_grown_by_the_time_it_took),
		cmocka_unit_test(the_table_has_a_column_for_rates),
		cmocka_unit_test(without_the_right_to_read_there_is_what_the_ring_tells),
		cmocka_unit_test(without_any_right_there_is_one_line),
		cmocka_unit_test(without_a_place_there_is_what_the_ring_tells),
		cmocka_unit_test(bad_usage_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
