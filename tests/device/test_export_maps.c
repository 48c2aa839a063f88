// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_export_maps.c: dmp export of the module's rings: what eBPF knows of them, what takes rights, and what is left without */
#include "stat.h"

#include "../native/exposition.h"

static const char *series(const struct scene *s, const char *name, const char *labels)
{
	static char to[256];

	snprintf(to, sizeof(to), "dmp_%s{ring=\"%s\"%s}", name, s->name, labels);
	return to;
}

static void assert_last_values(const struct scene *s, const char *text, const char *published)
{
	assert_value(text, series(s, "published_total", ",member=\"p\",role=\"producer\""), published);
	assert_value(text, series(s, "consumed_total", ",member=\"c\",role=\"consumer\""), "7");
}

static void stop(struct export_run *e)
{
	struct said said = stop_export(e);

	assert_null(strstr(said.err, "not shown"));
	forget(&said);
}

static void who_has_left_is_there_with_what_it_has_counted(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_FULL);
	struct export_run e;
	char *answer;

	(void)state;
	must("dmp trace --pin");
	e = start_export("");
	publish(s.p, 10);
	consume(s.c, 7);
	dmp_leave(s.p);
	dmp_leave(s.c);
	answer = get_metrics(e.port, WANTS_OPENMETRICS);
	read_exposition(body_of(answer), true);
	assert_last_values(&s, answer, "10");
	free(answer);
	s.p = join_counting(s.ring, DMP_ROLE_PRODUCER, "p", DMP_COUNTERS_FULL);
	publish(s.p, 3);
	dmp_leave(s.p);
	answer = get_metrics(e.port, "");
	read_exposition(body_of(answer), false);
	assert_last_values(&s, answer, "3"); /* the last one that is called so */
	free(answer);
	stop(&e);
	must("dmp trace --unpin");
	s.p = s.c = NULL;
	end_scene(&s);
}

static void latencies_are_histograms_of_rings(void **state)
{
	struct ring r = stamped_ring();
	struct scene s = { .ring = r.ring };
	struct command consumer;
	struct export_run e;
	struct said said;
	char *answer;

	(void)state;
	snprintf(s.name, sizeof(s.name), "%s", r.name.s);
	must("dmp trace --pin");
	consumer = start_consumer(&r, "c", "");
	must("echo event | dmp publish %s", r.name.s);
	said = finish_command(&consumer);
	forget(&said);
	e = start_export("");
	answer = get_metrics(e.port, WANTS_OPENMETRICS);
	read_exposition(body_of(answer), true);
	assert_value(answer, series(&s, "wake_to_run_seconds_bucket", ",le=\"+Inf\""), "1");
	assert_value(answer, series(&s, "wake_to_run_seconds_count", ""), "1");
	assert_non_null(value_of(answer, series(&s, "time_asleep_seconds_sum", "")));
	free(answer);
	stop(&e);
	must("dmp trace --unpin");
	remove_ring(&r);
}

static void what_mappings_alone_have_comes_from_there_in_both_cases(void **state)
{
	struct scene s = scene_of("", "", DMP_COUNTERS_LITE);
	struct dmp_counter_slot *orders;
	struct export_run e;
	char *answer;
	int pinned;

	(void)state;
	assert_int_equal(dmp_counter_register(s.p, DMP_COUNTER_APPLICATION, 0, "orders", &orders), 0);
	dmp_counter_add(orders, 5);
	publish(s.p, 10);
	for (pinned = 0; pinned < 2; pinned++) {
		if (pinned)
			must("dmp trace --pin");
		e.command = start_command("dmp export --listen 127.0.0.1:0");
		await(is_serving, &e, "dmp export to serve");
		answer = get_metrics(e.port, WANTS_OPENMETRICS);
		read_exposition(body_of(answer), true);
		assert_value(answer, series(&s, "published_total", ",member=\"p\",role=\"producer\""), "10");
		assert_value(answer, series(&s, "application_total", ",member=\"p\",role=\"producer\",name=\"orders\""),
			     "5");
		assert_value(answer, series(&s, "ring_published_total", ""), "10");
		free(answer);
		free(stop_export(&e).err);
	}
	must("dmp trace --unpin");
	end_scene(&s);
}

static void who_may_not_is_told_what_is_missing_in_one_line(void **state)
{
	struct scene s = scene_of("", "--mode 0700", DMP_COUNTERS_LITE);
	struct said said;
	const char *line;

	(void)state;
	must("dmp trace --pin");
	said = run_as(1000, "dmp export --listen 127.0.0.1:9901 & "
			    "while ! wget -q -O - http://127.0.0.1:9901/metrics; do usleep 10000; done 2>/dev/null; "
			    "kill $!; wait $!");
	assert_int_equal(said.status, 0);
	read_exposition(said.out, false);
	assert_value(said.out, "dmp_rings_unread", "1");
	assert_value(said.out, series(&s, "ring_slots", ""), "64");
	assert_null(strstr(said.out, "member=\"p\""));
	line = strstr(said.err, "dmp: export: not shown: ");
	assert_non_null(line);
	assert_non_null(strstr(line, "only root reads them"));
	assert_non_null(strstr(line, "1 of 1 rings"));
	assert_string_equal(strchr(strchr(line, '\n') + 1, '\n'), "\n"); /* that line, and where it serves */
	forget(&said);
	must("dmp trace --unpin");
	end_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_left_is_there_with_what_it_has_counted),
		cmocka_unit_test(latencies_are_histograms_of_rings),
		cmocka_unit_test(what_mappings_alone_have_comes_from_there_in_both_cases),
		cmocka_unit_test(who_may_not_is_told_what_is_missing_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
