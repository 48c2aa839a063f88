// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export.c: what there is, over HTTP: for Prometheus as OpenMetrics */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "export.h"

#define ADDRESS "127.0.0.1:9823"
#define PINS	"/sys/fs/bpf/dmp"

struct exporter {
	const char *address, *pins;
};

enum { LISTEN = 0x200, FOLDER };

static const struct argp_option options[] = {
	{ "listen", LISTEN, "ADDR:PORT", 0, "Where to serve (" ADDRESS "): who reaches it reads it; port 0: any", 0 },
	{ "pins", FOLDER, "DIR", 0, "Where 'dmp trace --pin' has pinned its maps (" PINS ")", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct exporter *e = state->input;

	switch (key) {
	case LISTEN:
		e->address = arg;
		return 0;
	case FOLDER:
		e->pins = arg;
		return 0;
	case ARGP_KEY_ARG:
		fail_usage("'%s' is one argument too many; see %s --help", arg, state->name);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Serve what members count, and how far behind they are, at http://" ADDRESS "/metrics: as OpenMetrics, "
	       "or as the text of Prometheus where that is asked for; and at / as a page for people, live, with "
	       "plots.\v"
	       "Rings of the module and of shared memory are seen as 'dmp ls' and 'dmp stat' see them: reading what "
	       "members count takes the right r and, in each ring for as long as this runs, the place of an observer. "
	       "Where 'dmp trace --pin' runs, and root reads it, members that have left are there with what they have "
	       "counted, and histograms of how long sleepers took. Names of others are values of labels here, never "
	       "names of metrics.",
	.children = common_options,
};

const struct route export_routes[] = {
	{ "/metrics", metrics_type, write_metrics, false },
	{ 0 },
};

/* ---- what it lacks ---- */

static const char *why_no_module(int err)
{
	return err == -ENODEV ? "the module is not loaded" : err == -EACCES ? "you may not open it" : strerror(-err);
}

static const char *why_no_pins(int err)
{
	return err == -ENOENT	? "'dmp trace --pin' has pinned nothing there"
	       : err == -EPROTO ? "another version has pinned them"
				: "only root reads them";
}

static uint32_t count_unread(const struct survey *survey)
{
	uint32_t i, count = 0;

	for (i = 0; i < survey->count; i++)
		count += survey->ring[i].missing != 0;
	return count;
}

/* One line, if there is something. */
static void say_what_is_missing(const struct source *source, const struct survey *survey)
{
	char module[128] = "", pins[PATH_MAX + 128] = "", rings[128] = "";
	uint32_t unread = count_unread(survey);
	struct pins found;
	int err = read_pins(source->pins, &found);

	free_pins(&found);
	if (survey->module_error)
		snprintf(module, sizeof(module), " rings of /dev/dmp (%s)", why_no_module(survey->module_error));
	if (err && survey->module_error != -ENODEV)
		snprintf(pins, sizeof(pins), " latencies and who has left, from %s (%s)", source->pins,
			 why_no_pins(err));
	if (unread)
		snprintf(rings, sizeof(rings),
			 " all but sleeps and wakes of %u of %u rings (no right r, or no place for an observer)",
			 unread, survey->count);
	if (*module || *pins || *rings)
		complain("not shown:%s%s%s", module, pins, rings);
}

static void look_once(const struct source *source)
{
	struct survey survey;
	int err = take_survey(source->surveyor, &survey);

	if (err)
		fail_errno(err);
	say_what_is_missing(source, &survey);
	free_survey(&survey);
}

int cmd_export(int argc, char **argv)
{
	struct exporter e = { .address = ADDRESS, .pins = PINS };
	struct source source;
	int listener;

	parse_options(&argp, argc, argv, &e);
	catch_signals();
	listener = listen_at(e.address);
	source = (struct source){ surveyor_new(), e.pins };
	if (!source.surveyor)
		fail_errno(-ENOMEM);
	look_once(&source);
	say_where(listener);
	serve(listener, &source);
	surveyor_free(source.surveyor);
	return 0;
}
