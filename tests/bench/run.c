/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * run.c: run [-r ROUNDS] [-c PATTERN]... [-p NS] [-o FILE] PROGRAM...
 *
 * Measures all cells of these programs in turn, round by round, so that a change of the machine meets all of them alike,
 * and appends a line per cell and round to FILE: see bench.h. A cell is measured again when the machine was disturbed,
 * and refused when it still is. PATTERN selects cells by "TEST PEER SIZE SLOTS PUBLISH". NS: see probe.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "probe.h"

#define CELLS_MAX      1024
#define PATTERNS_MAX   64
#define TRIES	       4
#define SWITCHES_MAX   30    /* involuntary ones in one cell */
#define REGAIN_SECONDS 15    /* to wait for an undisturbed machine, per cell */
#define WEIGHT	       "-20" /* of this session's autogroup */

struct cell {
	const char *program;
	char words[5][64]; /* TEST PEER SIZE SLOTS PUBLISH */
	char name[320];	   /* all of them */
};

static struct cell cells[CELLS_MAX];
static size_t cell_count;
static const char *patterns[PATTERNS_MAX];
static size_t pattern_count;

/* ---- which cells ---- */

static bool is_wanted(const struct cell *cell)
{
	for (size_t i = 0; i < pattern_count; i++)
		if (!fnmatch(patterns[i], cell->name, 0))
			return true;
	return !pattern_count;
}

static void add_cell(const char *program, const char *line)
{
	struct cell *cell = &cells[cell_count];

	bench_check(cell_count < CELLS_MAX);
	cell->program = program;
	if (sscanf(line, "%63s %63s %63s %63s %63s", cell->words[0], cell->words[1], cell->words[2], cell->words[3],
		   cell->words[4]) != 5)
		bench_fail("%s lists no cell: %s", program, line);
	snprintf(cell->name, sizeof(cell->name), "%.*s", (int)strcspn(line, "\n"), line);
	cell_count += is_wanted(cell);
}

static void add_cells(const char *program)
{
	char line[512];
	FILE *list = popen(program, "r");

	bench_check(list);
	while (fgets(line, sizeof(line), list))
		add_cell(program, line);
	if (pclose(list))
		bench_fail("%s does not list its cells", program);
}

/* What is compared is measured close together: by test, slots, size. */
static int compare(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;
	long by_slots = atol(x->words[3]) - atol(y->words[3]);
	long by_size = atol(x->words[2]) - atol(y->words[2]);
	int by_test = strcmp(x->words[0], y->words[0]);

	return by_test ? by_test : by_slots ? (by_slots > 0) * 2 - 1 : (by_size > 0) - (by_size < 0);
}

/* ---- one cell ---- */

/* Its line of results; an empty one if it failed. */
static void measure(const struct cell *cell, char *results, size_t size)
{
	char *argv[] = { (char *)cell->program,
			 (char *)cell->words[0],
			 (char *)cell->words[1],
			 (char *)cell->words[2],
			 (char *)cell->words[3],
			 (char *)cell->words[4],
			 NULL };
	int ends[2], status;
	ssize_t n, length = 0;
	pid_t child;

	bench_check(!pipe2(ends, O_CLOEXEC));
	child = fork();
	bench_check(child >= 0);
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], results + length, size - 1 - length)) > 0)
		length += n;
	close(ends[0]);
	results[length] = '\0';
	results[strcspn(results, "\n")] = '\0';
	waitpid(child, &status, 0);
	if (status)
		results[0] = '\0';
}

static bool is_preempted(const char *results)
{
	const char *switches = strstr(results, "switches=");

	return switches && atol(switches + strlen("switches=")) > SWITCHES_MAX;
}

/* Returns its status. */
static const char *measure_undisturbed(const struct cell *cell, char *results, size_t size)
{
	for (int i = 0; i < TRIES; i++) {
		if (!probe_regain(REGAIN_SECONDS))
			break;
		measure(cell, results, size);
		if (!results[0])
			return "failed";
		if (probe_is_usual() && !is_preempted(results))
			return "ok";
	}
	return "refused";
}

/* ---- the run ---- */

/*
 * Other sessions' work would take half of both CPUs, whatever its nice value: autogroups share first. Only our own
 * session's weight is raised.
 */
static void raise_weight(void)
{
	int fd;

	if (getpgrp() != getpid())
		setsid();
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, WEIGHT, strlen(WEIGHT)) < 0)
		fprintf(stderr, "bench: not root, or no autogroups: other work on this machine disturbs; "
				"involuntary switches are counted\n");
	if (fd >= 0)
		close(fd);
}

static void run_round(int round, int rounds, FILE *raw)
{
	const char *status;
	char results[4096];

	for (size_t i = 0; i < cell_count; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[Kbench: round %d of %d, cell %zu of %zu: %s", round, rounds, i + 1,
				cell_count, cells[i].name);
		results[0] = '\0';
		status = measure_undisturbed(&cells[i], results, sizeof(results));
		fprintf(raw, "%d %s %s probe=%.1f %s\n", round, cells[i].name, status, probe_usual(), results);
		fflush(raw);
	}
	fprintf(stderr, "%sbench: round %d of %d done: %zu cells\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", round,
		rounds, cell_count);
}

/* Rounds are counted on from those that are in the file. */
static int rounds_before(const char *path)
{
	struct stat status;
	char line[8192];
	FILE *raw;
	int last = 0;

	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return 0;
	raw = fopen(path, "r");
	while (raw && fgets(line, sizeof(line), raw))
		last = atoi(line);
	if (raw)
		fclose(raw);
	return last;
}

struct options {
	const char *path;
	int rounds;
	double usual;
};

static void parse(int argc, char **argv, struct options *o)
{
	int option;

	while ((option = getopt(argc, argv, "r:c:p:o:")) != -1) {
		if (option == 'r')
			o->rounds = atoi(optarg);
		else if (option == 'c' && pattern_count < PATTERNS_MAX)
			patterns[pattern_count++] = optarg;
		else if (option == 'p')
			o->usual = atof(optarg);
		else if (option == 'o')
			o->path = optarg;
		else
			bench_fail("run [-r ROUNDS] [-c PATTERN]... [-p NS] [-o FILE] PROGRAM...");
	}
}

int main(int argc, char **argv)
{
	struct options o = { .path = "/dev/stdout", .rounds = 9 };
	int last;
	FILE *raw;

	parse(argc, argv, &o);
	for (; optind < argc; optind++)
		add_cells(argv[optind]);
	if (!cell_count)
		bench_fail("no cell: nothing matches");
	qsort(cells, cell_count, sizeof(*cells), compare);
	last = rounds_before(o.path) + o.rounds;
	raw = fopen(o.path, "a");
	if (!raw)
		bench_fail("%s: %s", o.path, strerror(errno));
	raise_weight();
	probe_start(o.usual);
	for (int round = last - o.rounds + 1; round <= last; round++)
		run_round(round, last, raw);
	return 0;
}
