/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* bench.c: what the cells' programs share: main, memory, clocks; see bench.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define CELL_SECONDS 20

/* ---- main ---- */

static const char *program = "bench";

static bool is_cell(const struct bench_cell *cell, char **words)
{
	return !strcmp(cell->test, words[0]) && !strcmp(cell->peer, words[1]) &&
	       cell->size == strtoul(words[2], NULL, 10) && cell->slots == strtoul(words[3], NULL, 10) &&
	       cell->publish == strtoul(words[4], NULL, 10);
}

static int list(const struct bench_cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s %s %u %u %u\n", cells[i].test, cells[i].peer, cells[i].size, cells[i].slots,
		       cells[i].publish);
	return 0;
}

int bench_main(int argc, char **argv, const struct bench_cell *cells, size_t count,
	       void (*run)(const struct bench_cell *cell))
{
	program = argv[0];
	if (argc == 1)
		return list(cells, count);
	for (size_t i = 0; argc == 6 && i < count; i++) {
		if (!is_cell(&cells[i], argv + 1))
			continue;
		alarm(CELL_SECONDS);
		run(&cells[i]);
		puts("");
		return 0;
	}
	fprintf(stderr, "%s: no such cell; without arguments it lists them\n", program);
	return 1;
}

void bench_value(const char *unit, double value)
{
	printf("value=%.6g unit=%s ", value, unit);
}

void bench_also(const char *key, double value)
{
	printf("%s=%.6g ", key, value);
}

void bench_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	_exit(1);
}

/* ---- memory ---- */

void *bench_shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("no %zu bytes of shared memory: %s", bytes, strerror(errno));
	return p;
}

/* ---- time ---- */

uint64_t bench_budget_ns(void)
{
	const char *ms = getenv("BENCH_MS");

	return (ms ? strtoull(ms, NULL, 10) : 60) * 1000000;
}

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

double bench_tsc_per_ns(void)
{
	static double rate;
	uint64_t now, start, tsc;

	if (rate > 0)
		return rate;
	start = bench_now();
	tsc = bench_tsc();
	do
		now = bench_now();
	while (now - start < 2000000);
	rate = (double)(bench_tsc() - tsc) / (double)(now - start);
	return rate;
}

/* ---- samples ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A clock that moves in steps gives many equal samples: they are taken to be spread over their step. */
double bench_percentile(uint32_t *samples, size_t count, double share)
{
	size_t at = (size_t)((double)(count - 1) * share), first = at, last = at;
	double from, to;

	bench_check(count > 0);
	qsort(samples, count, sizeof(*samples), compare);
	while (first > 0 && samples[first - 1] == samples[at])
		first--;
	while (last + 1 < count && samples[last + 1] == samples[at])
		last++;
	from = first > 0 ? (samples[first - 1] + (double)samples[at]) / 2 : samples[at];
	to = last + 1 < count ? (samples[last + 1] + (double)samples[at]) / 2 : samples[at];
	return from + (to - from) * ((double)(at - first) + 0.5) / (double)(last - first + 1);
}
