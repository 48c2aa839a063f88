// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* options.c: argp, told to leave the errors to us: it takes two lines for each */
#include <errno.h>

#include "tool.h"

enum { KEY_HELP = 0x100 };

static void show_help(struct argp_state *state)
{
	state->flags &= ~ARGP_NO_ERRS; /* which keeps argp from printing anything */
	argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
}

/* All options are long ones, so the culprit is what getopt took last. */
static void blame(const struct argp_state *state)
{
	fail_usage("'%s' is no option of %s, or its value is missing or not wanted; see %s --help",
		   state->argv[state->next - 1], state->name, state->name);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case KEY_HELP:
		show_help(state);
		return 0;
	case ARGP_KEY_ERROR:
		blame(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option help_option[] = {
	{ "help", KEY_HELP, NULL, 0, "Show this help", -1 },
	{ 0 },
};

static const struct argp common = { .options = help_option, .parser = parse_common };

const struct argp_child common_options[] = { { .argp = &common }, { 0 } };

void parse_options(const struct argp *argp, int argc, char **argv, void *input)
{
	error_t err = argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, input);

	if (err)
		fail_errno(-err);
}

error_t parse_ring_name(int key, char *arg, struct argp_state *state, const char **name)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (*name)
			fail_usage("'%s' is one argument too many; see %s --help", arg, state->name);
		*name = arg;
		errors_of_ring(arg);
		return 0;
	case ARGP_KEY_END:
		if (!*name)
			fail_usage("the ring's name is missing; see %s --help", state->name);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
