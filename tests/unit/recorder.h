/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* recorder.h: a recorder that remembers the last tick */
#ifndef DMP_TESTS_UNIT_RECORDER_H
#define DMP_TESTS_UNIT_RECORDER_H

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dmp/aggregator.h>

#define SEEN_MAX 70
#define AN_HOUR	 3600000000000ULL
#define MINE	 DMP_COUNTER_APPLICATION

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct seen {
	enum kind kind;
	char name[DMP_METRIC_NAME], label[DMP_COUNTER_LABEL], unit[16], help[DMP_METRIC_NAME];
	uint32_t id;
	uint64_t value, bucket3;
};

/* The aggregator's thread's until it is stopped; flushed is posted at the end of each tick. */
struct remembered {
	sem_t flushed;
	uint32_t flushes, count;
	bool whole; /* the tick: the next metric is the first of another */
	struct seen seen[SEEN_MAX];
};

static inline void remember(struct remembered *r, const struct dmp_metric *m, enum kind kind)
{
	struct seen *s;

	r->count = r->whole ? 0 : r->count;
	r->whole = false;
	assert_true(r->count < SEEN_MAX);
	s = &r->seen[r->count++];
	*s = (struct seen){ .kind = kind, .id = m->id, .value = m->value };
	strcpy(s->name, m->name);
	strcpy(s->label, m->label);
	strcpy(s->unit, m->unit);
	strcpy(s->help, m->help);
	s->bucket3 = m->histogram ? m->histogram->bucket[3] : 0;
}

static inline void remember_counter(void *context, const struct dmp_metric *m)
{
	remember(context, m, COUNTER);
}

static inline void remember_gauge(void *context, const struct dmp_metric *m)
{
	remember(context, m, GAUGE);
}

static inline void remember_histogram(void *context, const struct dmp_metric *m)
{
	remember(context, m, HISTOGRAM);
}

static inline void remember_flush(void *context)
{
	struct remembered *r = context;

	r->flushes++;
	r->whole = true;
	sem_post(&r->flushed);
}

static inline struct dmp_aggregator_options remembering(struct remembered *r, uint64_t interval)
{
	*r = (struct remembered){ .whole = true };
	sem_init(&r->flushed, 0, 0);
	return (struct dmp_aggregator_options){
		.interval = interval,
		.recorder = { remember_counter, remember_gauge, remember_histogram, remember_flush, r },
	};
}

static inline void await_ticks(struct remembered *r, uint32_t ticks)
{
	while (ticks) {
		if (!sem_wait(&r->flushed))
			ticks--;
	}
}

static inline const struct seen *seen_as(const struct remembered *r, const char *name)
{
	uint32_t i;

	for (i = 0; i < r->count; i++)
		if (!strcmp(r->seen[i].name, name))
			return &r->seen[i];
	return NULL;
}

static inline void expect_seen(const struct remembered *r, const char *name, uint64_t value)
{
	const struct seen *s = seen_as(r, name);

	if (!s)
		print_error("no %s\n", name);
	assert_non_null(s);
	assert_true(s->value == value);
}

static inline struct dmp_counters *new_page(void)
{
	struct dmp_counters *page = NULL;

	assert_int_equal(dmp_counters_new(&page), 0);
	return page;
}

static inline struct dmp_counter_slot *new_counter(struct dmp_counters *page, uint32_t id, const char *label)
{
	struct dmp_counter_slot *c = NULL;

	assert_int_equal(dmp_counters_register(page, id, 0, label, &c), 0);
	return c;
}

/* Starts an aggregator and stops it again: the last tick. */
static inline void record_once(struct remembered *r, struct dmp_counters *page, const char *prefix, const char *suffix)
{
	struct dmp_aggregator_options o = remembering(r, AN_HOUR);
	struct dmp_aggregator *a;

	o.prefix = prefix;
	o.suffix = suffix;
	assert_int_equal(dmp_aggregator_start(&a, page, &o), 0);
	assert_int_equal(dmp_aggregator_stop(a), 0);
}

#endif /* DMP_TESTS_UNIT_RECORDER_H */
