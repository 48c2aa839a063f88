/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * aggregator.h: a thread that hands counters on to where people look at metrics: lib/aggregator.c, lib/metrics.c
 *
 *   counters page               aggregator                        recorder
 *     a member's own              each interval: reads the page     OpenMetrics text (lib/openmetrics.c)
 *     any other member's          once more when it is stopped      a function of yours
 *     one outside all rings                                         or a table of them
 *
 * Contracts as in dmp.h; include this file besides it. Whoever counts does not notice: the page is read, and nothing is
 * locked, written or asked for that the counting side looks at. A tick allocates nothing.
 *
 * Values are absolute, since the counter began; times are in ns. dmp_aggregator_* start and stop a thread and are called
 * by any thread that may block.
 */
#ifndef DMP_AGGREGATOR_H
#define DMP_AGGREGATOR_H

#include <stdio.h>

#include <dmp.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- counters outside all rings: lib/counters_heap.c ---- */

/* A counters page in ordinary memory, for what a program counts besides its members. */
struct dmp_counters;

/* A page without counters. The caller's first use of it; dmp_counters_free ends that. -ENOMEM */
int dmp_counters_new(struct dmp_counters **counters);

/*
 * As dmp_counter_register and dmp_histogram_register of a member with DMP_COUNTERS_NONE: the same errors, 62 slots. Any
 * thread; a mutex among those who register. The counter is for one thread to count with the calls of dmp/counting.h, for
 * several with dmp_counter_add_mp alone; it is gone once its page is freed.
 */
int dmp_counters_register(struct dmp_counters *counters, uint32_t id, uint32_t flags, const char *label,
			  struct dmp_counter_slot **counter);
int dmp_counters_register_histogram(struct dmp_counters *counters, uint32_t id, const char *label,
				    struct dmp_counter_slot **histogram);

/* Any thread, several at once. Wait-free; a locked instruction. */
static inline void dmp_counter_add_mp(struct dmp_counter_slot *counter, uint64_t n)
{
	dmp_count(counter->value, n);
}

/* The caller counts no more. The page itself lives as long as an aggregator keeps it. NULL is allowed. */
void dmp_counters_free(struct dmp_counters *counters);

/* ---- recorders ---- */

#define DMP_METRIC_NAME	 128 /* bytes of a name, with its NUL */
#define DMP_METRIC_AFFIX 31  /* characters of a prefix or a suffix, at most */

/* One metric at one tick. All of it is valid during the call alone. */
struct dmp_metric {
	/*
	 * Prefix, label, suffix, fit for every format: [a-zA-Z0-9_], no digit first, whatever the label holds: other
	 * characters are '_'. Without the _total that a counter's label may end in: formats that want it add it. No two
	 * of a tick clash, in OpenMetrics' sense: the later one has _ and its id in hex appended, or is left out if that
	 * clashes, too (only a page full of lies has two of an id).
	 */
	const char *name;
	const char *label; /* as registered; of another process: printable, see struct dmp_counter */
	const char *unit;  /* "": unknown. Counters of the table have one, and the histograms that have a name by
			      themselves */
	const char *help;  /* of the table, else the label */
	uint32_t id;
	uint32_t flags;			       /* DMP_COUNTER_* */
	uint64_t value;			       /* histogram: the sum */
	const struct dmp_histogram *histogram; /* NULL: it is none */
};

/*
 * Where metrics go. Each function gets context. counter, gauge and histogram: once per metric and tick; flush: that was all
 * of a tick. Any may be NULL. They are called by the aggregator's thread alone, and may block: the next tick waits.
 */
struct dmp_recorder {
	void (*counter)(void *context, const struct dmp_metric *metric);
	void (*gauge)(void *context, const struct dmp_metric *metric);
	void (*histogram)(void *context, const struct dmp_metric *metric);
	void (*flush)(void *context);
	void *context;
};

/* One function for all metrics; they are told apart by flags and histogram. */
static inline struct dmp_recorder dmp_callback_recorder(void (*call)(void *context, const struct dmp_metric *metric),
							void *context)
{
	struct dmp_recorder recorder = { call, call, call, NULL, context };

	return recorder;
}

/* ---- the aggregator ---- */

struct dmp_aggregator;

#define DMP_AGGREGATOR_INTERVAL 100000000ULL /* ns */
#define DMP_AGGREGATOR_PREFIX	"dmp_"

struct dmp_aggregator_options {
	uint64_t interval;  /* ns from tick to tick; 0: DMP_AGGREGATOR_INTERVAL; DMP_FOREVER: only the last one */
	const char *prefix; /* [a-zA-Z0-9_:], NULL: DMP_AGGREGATOR_PREFIX */
	const char *suffix; /* [a-zA-Z0-9_], NULL: none. Tells apart pages that have the same labels */
	struct dmp_recorder recorder; /* copied; its context must live until dmp_aggregator_stop has returned */
};

/*
 * Start a thread ("dmp-aggregator", all signals blocked) that hands all counters and histograms of a page to the recorder:
 * at once, each interval, and a last time when it is stopped. A tick that comes late is not made up for.
 *   -EINVAL options are NULL or without any function; a prefix or suffix of other characters, or longer than
 *   DMP_METRIC_AFFIX   -ENOMEM   -EAGAIN no thread can be had
 *
 * ... keeps a page outside all rings alive: dmp_counters_free may come before or after dmp_aggregator_stop, and what was
 * counted until the latter is called is in the last tick.
 */
int dmp_aggregator_start(struct dmp_aggregator **aggregator, struct dmp_counters *counters,
			 const struct dmp_aggregator_options *options);

/*
 * ... borrows reader, any member of the ring, and reads the member at index (as in dmp_member_info; it may be reader itself)
 * through its mapping. The caller stops the aggregator before it lets reader leave: after dmp_leave(reader) nothing that the
 * thread reads is there any more. Stopped before the member at index leaves, the last tick has all that it has counted. If
 * that one leaves or is evicted first, its counters stay as they were at the last tick, and whoever takes its place is
 * somebody else.
 *   -ENOENT nobody is there   -EINVAL also: no such index
 */
int dmp_aggregator_watch(struct dmp_aggregator **aggregator, const struct dmp_member *reader, uint32_t index,
			 const struct dmp_aggregator_options *options);

/*
 * ... likewise, and keeps the pages alive: it joins the ring as an observer of its own, which takes a member's slot and the
 * right r, holds nobody up, and leaves when it is stopped. ring may be closed as soon as this returns.
 *   errors of dmp_join, and as above; after -ENOENT and -EINVAL of index its observer has come and gone
 */
int dmp_aggregator_follow(struct dmp_aggregator **aggregator, struct dmp_ring *ring, uint32_t index,
			  const struct dmp_aggregator_options *options);

/*
 * Stop it: it is seen at once, however long the interval; waits for a tick that is running and for the last one. When this
 * returns, the recorder has been called for the last time and the thread has gone; the pointer is void. NULL is allowed.
 *   -EDEADLK called by the recorder: nothing has happened
 */
int dmp_aggregator_stop(struct dmp_aggregator *aggregator);

/* ---- OpenMetrics text: lib/openmetrics.c ---- */

struct dmp_openmetrics;

struct dmp_openmetrics_label {
	const char *name;  /* [a-zA-Z_][a-zA-Z0-9_]*, not le, which is the buckets' */
	const char *value; /* any text: it is escaped, and what is neither printable ASCII nor a line's end is '?' */
};

struct dmp_openmetrics_options {
	FILE *file; /* each tick's text is written there at its end, and flushed. NULL: nowhere; still the caller's */
	const struct dmp_openmetrics_label *labels; /* of every sample, copied */
	uint32_t label_count;
};

/*
 * A text of OpenMetrics 1.0 for one aggregator: options may be NULL. Per metric HELP, TYPE, and UNIT where the name ends in
 * it, as the format demands; counters as NAME_total; histograms with cumulative buckets, the last one +Inf, and _count and
 * _sum; # EOF at the end. There is memory for whatever a page holds.
 *   -EINVAL a label without a value, or whose name cannot be or comes twice; labels of more than 4,096 bytes as
 *   written   -ENOMEM
 */
int dmp_openmetrics_new(struct dmp_openmetrics **text, const struct dmp_openmetrics_options *options);

/* What to give the aggregator. */
struct dmp_recorder dmp_openmetrics_recorder(struct dmp_openmetrics *text);

/*
 * The text of the last whole tick into size bytes, cut off and with a NUL, as snprintf does. Returns its length; before the
 * first tick it is "# EOF\n". Any thread; waits while the text is exchanged or copied, not while it is made.
 */
size_t dmp_openmetrics_read(struct dmp_openmetrics *text, char *to, size_t size);

/* After the aggregator was stopped. NULL is allowed. Returns 0, or the first error of writing to the file: errors of
 * fwrite and fflush; ticks after it were tried as well. */
int dmp_openmetrics_free(struct dmp_openmetrics *text);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif /* DMP_AGGREGATOR_H */
