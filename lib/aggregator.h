/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* aggregator.h: what the files of the aggregator share: pages are read (counters_read.c), made metrics of (metrics.c) */
#ifndef DMP_LIB_AGGREGATOR_H
#define DMP_LIB_AGGREGATOR_H

#include <errno.h>

#include <dmp/aggregator.h>

#include "internal.h"

#define DMP_HISTOGRAMS_ (DMP_COUNTERS_CAPACITY / DMP_HISTOGRAM_SLOTS) /* that a page has room for */

/* ---- counters_heap.c ---- */

/* One more use of the page; dmp_counters_free ends it. */
const struct dmp_counters_page *dmp_counters_keep_(struct dmp_counters *counters);

/* ---- counters_read.c ---- */

/* All that a page says. */
struct dmp_snapshot_ {
	uint32_t counters, histograms;
	struct dmp_counter counter[DMP_COUNTERS_CAPACITY];
	struct dmp_histogram histogram[DMP_HISTOGRAMS_];
};

/* Of a page outside all rings. */
void dmp_page_read_(const struct dmp_counters_page *page, struct dmp_snapshot_ *to);

/* The incarnation of the member at index: whose life it is. */
uint64_t dmp_life_(const struct dmp_member *reader, uint32_t index);

/* Of the member at index, all in that one life. -ENOENT it is over -EINVAL */
int dmp_member_read_(const struct dmp_member *reader, uint32_t index, uint64_t life, struct dmp_snapshot_ *to);

/* ---- metrics.c ---- */

/* What makes names, and the names of a tick. */
struct dmp_names_ {
	char prefix[DMP_METRIC_AFFIX + 1], suffix[DMP_METRIC_AFFIX + 1];
	uint32_t count;
	struct {
		char name[DMP_METRIC_NAME];
		uint32_t kind; /* DMP_COUNTER_GAUGE, DMP_COUNTER_HISTOGRAM, else a counter */
	} of[DMP_COUNTERS_CAPACITY + DMP_HISTOGRAMS_];
};

/* From the options: -EINVAL */
int dmp_names_init_(struct dmp_names_ *names, const struct dmp_aggregator_options *options);

/* A tick: each metric, then the flush. */
void dmp_record_(const struct dmp_recorder *recorder, struct dmp_names_ *names, const struct dmp_snapshot_ *snapshot);

#endif /* DMP_LIB_AGGREGATOR_H */
