/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* stat.h: what the files of dmp stat share, by file */
#ifndef DMP_STAT_H
#define DMP_STAT_H

#include "tool.h"

#define MOST_HISTOGRAMS (DMP_COUNTERS_CAPACITY / DMP_HISTOGRAM_SLOTS)

/* ---- stat_read.c: snapshots ---- */

/* A member, and all that it counts. */
struct counted {
	struct dmp_member_info info;
	char name[DMP_MEMBER_NAME_MAX]; /* #INDEX, which is nobody's name, if it has none */
	uint32_t counters, histograms;
	struct dmp_counter counter[DMP_COUNTERS_CAPACITY];
	struct dmp_histogram histogram[MOST_HISTOGRAMS];
};

struct snapshot {
	uint64_t at; /* ns */
	struct dmp_info info;
	struct counted *member;
	uint32_t count;
};

/* Where it is read. */
struct stat_source {
	const struct dmp_ring *ring;
	struct dmp_member
		*reader; /* an observer, which is not told of; NULL: what the ring's file tells of sleeps and wakes */
	const char *wanted; /* a member's name; NULL: all */
};

/* All that are there, or the one that is wanted. */
struct all_counted {
	struct counted *member; /* to be freed */
	uint32_t count;
};

/* 0, or the library's error. */
int read_counted(const struct stat_source *from, struct all_counted *to);

const char *unit_of_counter(uint32_t id); /* NULL: it is the application's */

/* ---- what has come between two snapshots ---- */

struct span {
	const struct snapshot *before; /* NULL: there is none, nothing can be said */
	const struct snapshot *now;
};

uint64_t span_ns(const struct span *span);
/* What a counter has grown by. False: not known, or it is none that grows. */
bool growth_of_counter(const struct span *span, const struct counted *m, uint32_t i, uint64_t *growth);
/* The same of how many values a histogram has. */
bool growth_of_histogram(const struct span *span, const struct counted *m, uint32_t i, uint64_t *growth);
double per_second(const struct span *span, uint64_t growth);

/* A histogram in short: of what came within the span, else of all. bound 0: of nothing; all ones: without one. */
struct summary {
	uint64_t count, sum;
	uint64_t bucket[DMP_HISTOGRAM_BUCKETS];
};

struct summary summary_of(const struct span *span, const struct counted *m, uint32_t i);
uint64_t mean_of(const struct summary *s);
/* The bound of the bucket that this share of the values, in percent, does not go beyond. */
uint64_t bound_of(const struct summary *s, uint32_t percent);

/* ---- stat_show.c, stat_json.c ---- */

/* rates: there is more to come, or has come: a column for them. */
void show_table(const char *ring, const struct span *span, bool rates);
void show_json(const char *ring, const struct span *span);

#endif /* DMP_STAT_H */
