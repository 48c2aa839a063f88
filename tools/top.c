// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* top.c: all rings and their members, live, on a terminal: options, and the loop over time and keys */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

#define LONGEST 86400 /* s */
#define TEND_MS 100   /* see surveyor_tend() */

enum { INTERVAL = 0x200 };

static const struct argp_option options[] = {
	{ "interval", INTERVAL, "SECONDS", 0, "Look so often; every second if not given", 0 },
	{ 0 },
};

/* As it is listed: see DMP_BACKEND in dmp.h. */
static const char *listed_name(const char *arg)
{
	static char name[DMP_NAME_MAX + 4];
	const char *backend = getenv("DMP_BACKEND");

	if (!strncmp(arg, "dmp:", 4))
		return arg + 4;
	if (!strncmp(arg, "shm:", 4) || !backend || strcmp(backend, "shm"))
		return arg;
	snprintf(name, sizeof(name), "shm:%s", arg);
	return name;
}

static error_t parse_ring(char *arg, struct argp_state *state, struct view *v)
{
	if (v->only)
		fail_usage("'%s' is one argument too many; see %s --help", arg, state->name);
	errors_of_ring(arg);
	if (!strncmp(arg, "file:", 5))
		fail("rings in files are not listed anywhere: 'dmp stat' shows one by its name");
	if (!is_ring_name(arg))
		fail_name();
	v->only = listed_name(arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct view *v = state->input;

	switch (key) {
	case INTERVAL:
		v->interval = (uint32_t)number_option("interval", arg, 1, LONGEST);
		return 0;
	case ARGP_KEY_ARG:
		return parse_ring(arg, state, v);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME]",
	.doc = "Show the rings of this network namespace and those in shared memory, or one of them, on a terminal: "
	       "how "
	       "fast they and their members go, who lags, who sleeps and wakes.\v"
	       "h shows the keys. Members do nothing for it, and it needs no rights but r on the rings; of others only "
	       "sleeps and wakes are shown. On each ring it takes the place of an observer, unless that is the last "
	       "one "
	       "that is free. It keeps no ring from going with its last member.",
	.children = common_options,
};

/* ---- keys ---- */

/* 0 or -ENOMEM. */
static int act(struct view *v, enum key key)
{
	switch (key) {
	case KEY_UP_:
	case KEY_DOWN_:
		view_move(v, key == KEY_DOWN_ ? 1 : -1);
		return 0;
	case KEY_PAGE_UP_:
	case KEY_PAGE_DOWN_:
		view_move(v, key == KEY_PAGE_DOWN_ ? (int64_t)screen_page() : -(int64_t)screen_page());
		return 0;
	case KEY_FIRST_:
	case KEY_LAST_:
		view_move(v, key == KEY_LAST_ ? UINT32_MAX : -(int64_t)UINT32_MAX);
		return 0;
	case KEY_TOGGLE_:
		return view_toggle(v);
	case KEY_SORT_:
		return view_sort(v);
	case KEY_PAUSE_:
		v->paused = !v->paused;
		return 0;
	case KEY_REDRAW_:
		screen_redraw();
		return 0;
	default:
		return 0;
	}
}

static int press(struct view *v, enum key key)
{
	if (key == KEY_NONE_)
		return 0;
	if (key != KEY_REDRAW_ && (v->help || key == KEY_HELP_)) {
		v->help = !v->help;
		return 0;
	}
	return act(v, key);
}

/* ---- time ---- */

static bool is_due(const struct view *v)
{
	return !v->paused && dmp_now() - v->now.at >= v->interval * 1000000000ULL;
}

/* A ring that was asked for by name is opened when it appears; who closes it has it closed. */
static int look(struct view *v)
{
	uint64_t id = v->only && v->now.count ? v->now.ring[0].info.id : 0;
	int err = view_take(v);

	if (!err && v->only && v->now.count && v->now.ring[0].info.id != id)
		err = view_open(v, v->only);
	return err;
}

/* Until q, a signal or no memory. */
static int run(struct view *v)
{
	enum key key = KEY_NONE_;
	int err = look(v);

	while (!err && key != KEY_QUIT_ && !was_signalled()) {
		screen_draw(v);
		do {
			key = screen_key(TEND_MS);
			surveyor_tend(v->surveyor);
		} while (key == KEY_NONE_ && !is_due(v) && !was_signalled());
		err = press(v, key);
		if (!err && is_due(v))
			err = look(v);
	}
	return err;
}

static void check_terminal(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		fail("this takes a terminal: 'dmp stat' tells the same to a file or a pipe, ring by ring");
}

static void open_screen(void)
{
	const char *term = getenv("TERM");

	if (!screen_open())
		fail("the terminal '%s' (TERM) is not known here: 'dmp stat' does without", term ? term : "");
}

int cmd_top(int argc, char **argv)
{
	struct view v = { .interval = 1 };
	int err;

	parse_options(&argp, argc, argv, &v);
	check_terminal();
	v.surveyor = surveyor_new();
	if (!v.surveyor)
		fail_errno(-ENOMEM);
	surveyor_only(v.surveyor, v.only);
	catch_signals(); /* before ncurses, which leaves them alone then */
	open_screen();
	err = run(&v);
	screen_close();
	view_free(&v);
	if (err)
		fail_errno(err);
	die_of_signal();
	return 0;
}
