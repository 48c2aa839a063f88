// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_top.c: dmp top, on a terminal: what it shows, its keys, its end */
#include "top.h"

static const char hostile[] = "\033[2J\033]0;t\a\n\r\b\377\233x";
static const char harmless[] = "?[2J?]0;t??????x";

/* ---- what is shown ---- */

/* Help, and back: whatever has been drawn before that is on the screen. */
static void press_and_see(struct terminal *t)
{
	press(t, "h");
	await_text(t, "sort rings by name");
	press(t, "h");
	await_no_text(t, "sort rings by name");
	await_text(t, "q quit  Enter");
}

/* So long that it would have looked again, twice. */
static void keep_busy(struct terminal *t)
{
	uint64_t until = now_ns() + 2500000000ULL;

	while (now_ns() < until)
		press_and_see(t);
}

static void a_ring_is_shown_with_its_members(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	publish_some(&s, 10);
	consume_some(&s, 7);
	start_top(&t, 0, &s);
	await_text(&t, "dmp top: 1 ring, 2 members, every 1 s");
	await_text(&t, member_line("p", "producer", 10));
	await_text(&t, member_line("c", "consumer", 7));
	await_text(&t, " [|        3] ");
	assert_true(is_above(&t, s.address, "producer"));
	assert_true(is_above(&t, "producer", "consumer"));
	await_text(&t, " 2/16 ");
	await_text(&t, " open");
	publish_some(&s, 20);
	await_text(&t, member_line("p", "producer", 30));
	await_text(&t, " [||||    23] ");
	quit(&t);
	leave_all(&s);
}

static void rates_are_by_the_second(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer      0      -"); /* the first look tells of none */
	await_text(&t, "producer      0      0");
	while (strstr(line_with(&t, "producer"), "      0                    ")) {
		publish_some(&s, 5);
		consume_some(&s, 5);
		press_and_see(&t);
	}
	quit(&t);
	leave_all(&s);
}

static void a_ring_appears_and_goes_while_it_is_looked_at(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;
	int i;

	(void)state;
	leave_all(&s);
	start_top(&t, 0, &s);
	for (i = 0; i < 2; i++) {
		await_text(&t, "the ring is not there");
		make_anew(&s, 16, 0);
		join_both(&s);
		await_text(&t, "producer");
		leave_all(&s);
		await_text(&t, "the ring is not there");
		assert_false(is_there(&s));
	}
	quit(&t);
}

static void it_says_that_the_module_is_missing(void **state)
{
	struct scene s = make_scene(16);
	struct dmp_info info;
	struct terminal t;

	(void)state;
	start_top(&t, 0, &s);
	await_text(&t, s.address);
	if (dmp_ring_next(0, &info) == -ENODEV)
		await_text(&t, "module not loaded");
	quit(&t);
	leave_all(&s);
}

static void it_says_where_it_has_no_place(void **state)
{
	struct scene s = make_scene(2);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "sleeps and wakes only: 0 without right r, 1 without place");
	await_text(&t, member_line("c", "consumer", 0));
	await_text(&t, "no place");
	quit(&t);
	leave_all(&s);
}

static void hostile_names_and_labels_are_harmless(void **state)
{
	struct scene s = make_scene(16);
	struct dmp_counter_slot *mine;
	struct terminal t;

	(void)state;
	join_both(&s);
	memcpy(((struct dmp_entry *)(uintptr_t)s.p->entry)->name, hostile, sizeof(hostile));
	assert_int_equal(dmp_counter_register(s.p, DMP_COUNTER_APPLICATION, 0, "orders", &mine), 0);
	dmp_counter_add(mine, 42);
	memcpy(mine->label, hostile, sizeof(hostile));
	start_top(&t, 0, &s);
	await_text(&t, "  ?[2J?]0;t? ");
	press(&t, DOWN ENTER);
	await_text(&t, "published");
	resize(&t, 60, 200);
	await_text(&t, harmless);
	await_text(&t, " 42 ");
	quit(&t);
	leave_all(&s);
}

/* ---- keys ---- */

static void enter_opens_and_closes(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer");
	press(&t, ENTER);
	await_no_text(&t, "producer");
	press(&t, ENTER);
	await_text(&t, "consumer");
	press(&t, "jj" ENTER);
	await_text(&t, "    consumed");
	await_text(&t, "events");
	press(&t, "j" ENTER); /* from what it counts: the member */
	await_no_text(&t, "    consumed");
	press(&t, UP UP ENTER); /* the ring */
	await_no_text(&t, "consumer");
	quit(&t);
	leave_all(&s);
}

static void help_tells_the_keys(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer");
	press(&t, "h");
	await_text(&t, "sort rings by name");
	assert_string_equal(line_with(&t, "producer"), "");
	press(&t, "x");
	await_text(&t, "producer");
	press(&t, "?");
	await_text(&t, "sort rings by name");
	quit(&t);
	leave_all(&s);
}

static void paused_it_stays_as_it_is(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer      0");
	press(&t, "p");
	await_text(&t, "(paused)");
	publish_some(&s, 5);
	keep_busy(&t);
	await_text(&t, "producer      0");
	press(&t, "p");
	await_text(&t, "producer      5");
	assert_string_equal(line_with(&t, "(paused)"), "");
	quit(&t);
	leave_all(&s);
}

static void paused_it_keeps_no_ring_either(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer");
	press(&t, "p");
	await_text(&t, "(paused)");
	leave_all(&s);
	keep_busy(&t);
	assert_false(is_there(&s));
	quit(&t);
}

static void it_fits_any_size(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "STATE");
	resize(&t, 10, 40);
	await_text(&t, "EVENTS");
	await_text(&t, "producer");
	assert_string_equal(line_with(&t, "STATE"), "");
	resize(&t, 1, 5);
	await_text(&t, "q qui");
	resize(&t, 50, 120);
	await_text(&t, "STATE");
	assert_int_equal(strlen(line_with(&t, "STATE")), 40 + 80 - strlen("   "));
	await_text(&t, "consumer");
	resize(&t, 24, 80);
	await_text(&t, "consumer");
	quit(&t);
	leave_all(&s);
}

static void a_spoilt_screen_is_drawn_anew(void **state)
{
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	start_top(&t, 0, &s);
	await_text(&t, "producer");
	memset(t.cell, '#', sizeof(t.cell));
	press(&t, "\f");
	await_text(&t, "producer");
	await_no_text(&t, "#");
	quit(&t);
	leave_all(&s);
}

static void a_plain_terminal_will_do(void **state)
{
	const char *argv[] = { "dmp", "top", NULL, NULL };
	struct scene s = make_scene(16);
	struct terminal t;

	(void)state;
	join_both(&s);
	argv[2] = s.address;
	start_on_terminal(&t, 0, "vt100", argv);
	await_text(&t, member_line("p", "producer", 0));
	press(&t, ENTER);
	await_no_text(&t, "producer");
	quit(&t);
	leave_all(&s);
}

/* ---- the end ---- */

static void end_by(int signal, const char *key)
{
	struct scene s = make_scene(16);
	struct terminal t;

	start_top(&t, 0, &s);
	await_text(&t, s.address);
	if (key)
		press(&t, key);
	else
		kill(t.pid, signal);
	assert_int_equal(end_on_terminal(&t), 128 + signal);
	leave_all(&s);
}

static void signals_end_it_and_leave_the_terminal_as_it_was(void **state)
{
	(void)state;
	end_by(SIGINT, "\003");
	end_by(SIGINT, NULL);
	end_by(SIGTERM, NULL);
	end_by(SIGHUP, NULL);
}

static void a_terminal_that_is_not_known_is_one_line(void **state)
{
	const char *const argv[] = { "dmp", "top", NULL };
	struct terminal t;

	(void)state;
	start_on_terminal(&t, 0, "nonesuch", argv);
	assert_int_equal(end_on_terminal(&t), 1);
	assert_string_equal(line_with(&t, "'nonesuch'"),
			    "dmp: top: the terminal 'nonesuch' (TERM) is not known here: 'dmp stat' does with");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_shown_with_its_members),
		cmocka_unit_test(rates_are_by_the_second),
		cmocka_unit_test(a_ring_appears_and_goes_while_it_is_looked_at),
		cmocka_unit_test(it_says_that_the_module_is_missing),
		cmocka_unit_test(it_says_where_it_has_no_place),
		cmocka_unit_test(hostile_names_and_labels_are_harmless),
		cmocka_unit_test(enter_opens_and_closes),
		cmocka_unit_test(help_tells_the_keys),
		cmocka_unit_test(paused_it_stays_as_it_is),
		cmocka_unit_test(paused_it_keeps_no_ring_either),
		cmocka_unit_test(it_fits_any_size),
		cmocka_unit_test(a_spoilt_screen_is_drawn_anew),
		cmocka_unit_test(a_plain_terminal_will_do),
		cmocka_unit_test(signals_end_it_and_leave_the_terminal_as_it_was),
		cmocka_unit_test(a_terminal_that_is_not_known_is_one_line),
	};

	backend = "shm:";
	find_tools();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
