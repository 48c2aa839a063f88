// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * dmp.c: rings from the command line: a table of subcommands and a loop
 *
 * Each subcommand is its own file. Exit status: 0, 1 for an error, 2 for bad usage; each with one line that says what
 * to do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "create", cmd_create, "make a ring" },
	{ "ls", cmd_ls, "list the rings" },
	{ "info", cmd_info, "tell of a ring and its members" },
	{ "rm", cmd_rm, "remove a ring's name; the ring goes with its last user" },
	{ "evict", cmd_evict, "remove a consumer, so that nobody waits for it any more" },
	{ "publish", cmd_publish, "put a file or the standard input into a ring" },
	{ "consume", cmd_consume, "write what comes out of a ring to the standard output" },
	{ "stat", cmd_stat, "what the members of a ring count, as totals or by the second" },
	{ "top", cmd_top, "all rings and their members, live, on a terminal" },
	{ "trace", cmd_trace, "how long sleepers take to run: histograms through eBPF, live or pinned" },
	{ "export", cmd_export, "serve what members count over HTTP, for Prometheus" },
};

static int help(FILE *out)
{
	size_t i;

	fprintf(out, "Usage: dmp COMMAND [ARGUMENT]...\nRings between processes.\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n'dmp COMMAND --help' tells more, 'dmp --version' the version. "
		     "Exit status: 0, 1 for an error, 2 for bad usage.\n");
	return 0;
}

static int version(void)
{
	printf("dmp %s\n", dmp_version());
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "dmp %s", command->name);
	argv[0] = name; /* what argp calls it */
	errors_of_command(command->name);
	return command->run(argc, argv);
}

static int dispatch(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		fail_usage("which command? See dmp --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return help(stdout);
	if (!strcmp(argv[1], "--version"))
		return version();
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	fail_usage("'%s' is no command; see dmp --help", argv[1]);
}

/* A descriptor below 3 that is closed would become a ring: keep it, so that using it fails as it would have. */
static void keep_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_PATH);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	keep_standard_descriptors();
	status = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout))
		fail("cannot write to the standard output: %s", strerror(errno));
	return status;
}
