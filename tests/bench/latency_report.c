/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * latency_report.c: latency_report RAW HISTOGRAMS CURVES
 *
 * The open loop's table, from the lines of RAW (see bench.h) that are ok and the files in the folder HISTOGRAMS that
 * they name. All rounds of a cell are merged: percentiles are those of all its messages. One beyond which there are
 * fewer than BEYOND_MIN messages is not shown. CURVES.RATE gets a block for each peer: 1 / (1 - share), microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"

#define SERIES_MAX 64
#define BEYOND_MIN 10
#define CURVE_STEP 1.25 /* from point to point */
#define TEST	   "open-loop-"

struct series {
	char rate[64];
	char peer[64];
	int rounds;
	double sender, receiver; /* percent of a CPU, sums over the rounds */
	double late, preempted;
	struct hist hist;
};

static struct series *series[SERIES_MAX];
static size_t series_count;

__attribute__((noreturn)) static void fail(const char *what, const char *why)
{
	fprintf(stderr, "latency_report: %s: %s\n", what, why);
	exit(1);
}

/* ---- reading ---- */

static struct series *series_of(const char *rate, const char *peer)
{
	struct series *s;

	for (size_t i = 0; i < series_count; i++)
		if (!strcmp(series[i]->rate, rate) && !strcmp(series[i]->peer, peer))
			return series[i];
	if (series_count == SERIES_MAX || !(s = calloc(1, sizeof(*s))))
		fail(peer, "too many cells");
	snprintf(s->rate, sizeof(s->rate), "%s", rate);
	snprintf(s->peer, sizeof(s->peer), "%s", peer);
	return series[series_count++] = s;
}

static double value_of(const char *line, const char *key)
{
	char pattern[64];
	const char *found;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	found = strstr(line, pattern);
	if (!found)
		fail(key, "is missing in a line of the open loop; were the cells run with BENCH_HISTOGRAMS set?");
	return strtod(found + strlen(pattern), NULL);
}

static void merge_file(struct hist *hist, const char *folder, long number)
{
	struct hist more;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%ld", folder, number);
	file = fopen(path, "r");
	if (!file)
		fail(path, strerror(errno));
	if (fread(&more, sizeof(more), 1, file) != 1)
		fail(path, "is no histogram");
	fclose(file);
	hist_merge(hist, &more);
}

static void read_line(const char *line, const char *folder)
{
	char test[64], peer[64], status[16];
	struct series *s;

	if (sscanf(line, "%*d %63s %63s %*s %*s %*s %15s", test, peer, status) != 3 ||
	    strncmp(test, TEST, strlen(TEST)) || strcmp(status, "ok"))
		return;
	s = series_of(test + strlen(TEST), peer);
	s->rounds++;
	s->sender += value_of(line, "cpu-sender");
	s->receiver += value_of(line, "cpu-receiver");
	s->late += value_of(line, "late");
	s->preempted += value_of(line, "preempted");
	merge_file(&s->hist, folder, (long)value_of(line, "histogram"));
}

static void read_raw(const char *path, const char *folder)
{
	FILE *raw = fopen(path, "r");
	char line[8192];

	if (!raw)
		fail(path, strerror(errno));
	while (fgets(line, sizeof(line), raw))
		read_line(line, folder);
	fclose(raw);
	if (!series_count)
		fail(path, "has no cell of the open loop that is ok");
}

/* ---- writing ---- */

static bool is_known(const struct hist *h, double share)
{
	return (double)h->count * (1 - share) >= BEYOND_MIN;
}

static void print_us(const struct hist *h, double share)
{
	if (is_known(h, share))
		printf(" %9.2f", (double)hist_percentile(h, share) / 1000);
	else
		printf(" %9s", "-");
}

static void print_row(const struct series *s)
{
	static const double shares[] = { 0.5, 0.9, 0.99, 0.999, 0.9999 };

	printf("%-6s %-10s %9llu", s->rate, s->peer, (unsigned long long)s->hist.count);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		print_us(&s->hist, shares[i]);
	printf(" %9.1f %8.2f%% %9.0f %6.1f%% %6.1f%%\n", (double)s->hist.max / 1000,
	       s->late / (double)s->hist.count * 100, s->preempted / s->rounds, s->sender / s->rounds,
	       s->receiver / s->rounds);
}

static void print_table(void)
{
	printf("open loop: from the intended time of sending, us; preempted: how often per round; CPU time of each "
	       "side\n");
	printf("%-6s %-10s %9s %9s %9s %9s %9s %9s %9s %9s %9s %7s %7s\n", "rate/s", "peer", "messages", "p50", "p90",
	       "p99", "p99.9", "p99.99", "max", "sent late", "preempted", "sender", "recvr");
	for (size_t i = 0; i < series_count; i++)
		print_row(series[i]);
}

/* Two empty lines part the blocks; the title is gnuplot's columnheader. */
static void write_curve(FILE *file, const struct series *s)
{
	fprintf(file, "%s\n", s->peer);
	for (double x = 1; is_known(&s->hist, 1 - 1 / x); x *= CURVE_STEP)
		fprintf(file, "%g %g\n", x, (double)hist_percentile(&s->hist, 1 - 1 / x) / 1000);
	fprintf(file, "\n\n");
}

static void write_curves(const char *path)
{
	char name[4096];
	FILE *file;

	for (size_t i = 0; i < series_count; i++) {
		snprintf(name, sizeof(name), "%s.%s", path, series[i]->rate);
		file = fopen(name, i && !strcmp(series[i]->rate, series[i - 1]->rate) ? "a" : "w");
		if (!file)
			fail(name, strerror(errno));
		write_curve(file, series[i]);
		if (fclose(file))
			fail(name, strerror(errno));
	}
}

/* Slow rates first. */
static double per_second(const char *rate)
{
	char *unit;
	double number = strtod(rate, &unit);

	return number * (*unit == 'k' ? 1e3 : *unit == 'M' ? 1e6 : 1);
}

static int compare(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
	double difference = per_second(x->rate) - per_second(y->rate);

	return difference ? (difference > 0) * 2 - 1 : strcmp(x->peer, y->peer);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("usage", "latency_report RAW HISTOGRAMS CURVES");
	read_raw(argv[1], argv[2]);
	qsort(series, series_count, sizeof(*series), compare);
	print_table();
	write_curves(argv[3]);
	return 0;
}
