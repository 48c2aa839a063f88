// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * openmetrics.c: metrics as OpenMetrics text
 *
 * Two buffers: the aggregator's thread writes one, everybody reads the other. Both have room for all that a page can hold,
 * so a tick allocates nothing; a metric that would not fit all the same is left out whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator.h"

#define LABELS_MAX 4096 /* bytes of them, escaped */

/* Of a page: HELP, TYPE, UNIT and a sample for each counter; besides them a histogram has its buckets and two more. */
#define LINES_MAX (4 * DMP_COUNTERS_CAPACITY + DMP_HISTOGRAMS_ * (3 + DMP_HISTOGRAM_BUCKETS + 2) + 1)
/* A name, what is appended to it, a bound, a value; or a help text, which is shorter than two names. */
#define LINE_MAX_ (4 * DMP_METRIC_NAME)

struct text {
	char *at;
	size_t length;
	bool cut; /* something did not fit */
};

struct dmp_openmetrics {
	FILE *file;
	int error; /* the first one of file */
	size_t size;
	struct text next; /* the thread's */
	pthread_mutex_t mutex;
	struct text last; /* mutex */
	char labels[LABELS_MAX];
};

/* ---- text ---- */

__attribute__((format(printf, 2, 3))) static void put(struct dmp_openmetrics *om, const char *format, ...)
{
	struct text *t = &om->next;
	size_t room = om->size - t->length;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at + t->length, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		t->cut = true;
	else
		t->length += (size_t)n;
}

/* Into room bytes, with a NUL. Returns whether all of it fits; what does not is left out. */
static bool escape(char *to, size_t room, const char *from)
{
	size_t n = 0;

	for (; *from && n + 2 < room; from++) {
		if (*from == '\\' || *from == '"' || *from == '\n')
			to[n++] = '\\';
		if (*from == '\n')
			to[n++] = 'n';
		else
			to[n++] = *from >= ' ' && *from <= '~' ? *from : '?';
	}
	to[n] = 0;
	return !*from;
}

/* ---- one metric ---- */

/* The format wants the unit at the end of the name, or no UNIT. */
static bool has_unit(const struct dmp_metric *m)
{
	size_t name = strlen(m->name), unit = strlen(m->unit);

	return unit && name > unit && m->name[name - unit - 1] == '_' && !strcmp(m->name + name - unit, m->unit);
}

static void put_head(struct dmp_openmetrics *om, const struct dmp_metric *m, const char *type)
{
	char help[2 * DMP_METRIC_NAME];

	put(om, "# TYPE %s %s\n", m->name, type);
	if (has_unit(m))
		put(om, "# UNIT %s %s\n", m->name, m->unit);
	escape(help, sizeof(help), m->help);
	if (*help)
		put(om, "# HELP %s %s\n", m->name, help);
}

static void put_sample(struct dmp_openmetrics *om, const struct dmp_metric *m, const char *end, uint64_t value)
{
	if (*om->labels)
		put(om, "%s%s{%s} %" PRIu64 "\n", m->name, end, om->labels, value);
	else
		put(om, "%s%s %" PRIu64 "\n", m->name, end, value);
}

static void put_bucket(struct dmp_openmetrics *om, const struct dmp_metric *m, uint32_t n, uint64_t value)
{
	char bound[32] = "+Inf";

	if (n < DMP_HISTOGRAM_BUCKETS - 1)
		snprintf(bound, sizeof(bound), "%" PRIu64 ".0", (uint64_t)dmp_bucket_bound(n));
	put(om, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", m->name, om->labels, *om->labels ? "," : "", bound, value);
}

/* Of a page that lies the sum may not fit: buckets never go down. */
static uint64_t add_up(uint64_t sum, uint64_t more)
{
	return sum + more < sum ? UINT64_MAX : sum + more;
}

static void put_histogram(struct dmp_openmetrics *om, const struct dmp_metric *m)
{
	uint64_t count = 0;
	uint32_t n;

	put_head(om, m, "histogram");
	for (n = 0; n < DMP_HISTOGRAM_BUCKETS; n++) {
		count = add_up(count, m->histogram->bucket[n]);
		put_bucket(om, m, n, count);
	}
	put_sample(om, m, "_count", count);
	put_sample(om, m, "_sum", m->value);
}

/* ---- the recorder ---- */

/* All of a metric or nothing. */
static void end_metric(struct dmp_openmetrics *om, size_t from)
{
	if (om->next.cut)
		om->next.length = from;
	om->next.cut = false;
}

static void put_value(struct dmp_openmetrics *om, const struct dmp_metric *m, const char *type, const char *suffix)
{
	size_t from = om->next.length;

	put_head(om, m, type);
	put_sample(om, m, suffix, m->value);
	end_metric(om, from);
}

static void on_counter(void *context, const struct dmp_metric *m)
{
	put_value(context, m, "counter", "_total");
}

static void on_gauge(void *context, const struct dmp_metric *m)
{
	put_value(context, m, "gauge", "");
}

static void on_histogram(void *context, const struct dmp_metric *m)
{
	struct dmp_openmetrics *om = context;
	size_t from = om->next.length;

	put_histogram(om, m);
	end_metric(om, from);
}

static void end_text(struct text *t)
{
	static const char end[] = "# EOF\n";

	memcpy(t->at + t->length, end, sizeof(end));
	t->length += sizeof(end) - 1;
}

static void write_out(struct dmp_openmetrics *om)
{
	const struct text *t = &om->next;

	errno = 0;
	if ((fwrite(t->at, 1, t->length, om->file) != t->length || fflush(om->file)) && !om->error)
		om->error = errno ? -errno : -EIO;
}

static void on_flush(void *context)
{
	struct dmp_openmetrics *om = context;
	struct text done = om->next;

	end_text(&done);
	om->next = done;
	if (om->file)
		write_out(om);
	pthread_mutex_lock(&om->mutex);
	om->next = om->last;
	om->last = done;
	pthread_mutex_unlock(&om->mutex);
	om->next.length = 0;
}

struct dmp_recorder dmp_openmetrics_recorder(struct dmp_openmetrics *om)
{
	return (struct dmp_recorder){ on_counter, on_gauge, on_histogram, on_flush, om };
}

/* ---- labels ---- */

static bool is_label_name(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	bool digit = *name >= '0' && *name <= '9';

	return *name && !digit && !name[strspn(name, chars)] && strcmp(name, "le") != 0;
}

static bool can_be(const struct dmp_openmetrics_label *labels, uint32_t n)
{
	uint32_t i;

	if (!labels[n].name || !labels[n].value || !is_label_name(labels[n].name))
		return false;
	for (i = 0; i < n; i++)
		if (!strcmp(labels[i].name, labels[n].name))
			return false;
	return true;
}

/* Appends one to the labels. */
static int add_label(char *labels, const struct dmp_openmetrics_label *label)
{
	size_t length = strlen(labels), room = LABELS_MAX - length;
	int n = snprintf(labels + length, room, "%s%s=\"", length ? "," : "", label->name);

	if (n < 0 || (size_t)n + 1 >= room || !escape(labels + length + n, room - (size_t)n - 1, label->value))
		return -EINVAL;
	strcat(labels, "\""); /* escape has left a byte for it */
	return 0;
}

static int set_labels(struct dmp_openmetrics *om, const struct dmp_openmetrics_options *o)
{
	int err = 0;
	uint32_t i;

	for (i = 0; i < o->label_count && !err; i++)
		err = can_be(o->labels, i) ? add_label(om->labels, &o->labels[i]) : -EINVAL;
	return err;
}

/* ---- life ---- */

static int new_texts(struct dmp_openmetrics *om)
{
	size_t end = 16;

	om->size = LINES_MAX * (LINE_MAX_ + strlen(om->labels));
	om->next.at = malloc(om->size + end);
	om->last.at = malloc(om->size + end);
	if (!om->next.at || !om->last.at)
		return -ENOMEM;
	end_text(&om->last);
	return 0;
}

int dmp_openmetrics_new(struct dmp_openmetrics **text, const struct dmp_openmetrics_options *options)
{
	static const struct dmp_openmetrics_options defaults;
	const struct dmp_openmetrics_options *o = options ? options : &defaults;
	struct dmp_openmetrics *om = calloc(1, sizeof(*om));
	int err;

	if (!om)
		return -ENOMEM;
	pthread_mutex_init(&om->mutex, NULL);
	om->file = o->file;
	err = set_labels(om, o);
	if (!err)
		err = new_texts(om);
	if (err)
		dmp_openmetrics_free(om);
	else
		*text = om;
	return err;
}

size_t dmp_openmetrics_read(struct dmp_openmetrics *om, char *to, size_t size)
{
	size_t length, n;

	pthread_mutex_lock(&om->mutex);
	length = om->last.length;
	n = length < size ? length : size - 1;
	if (size) {
		memcpy(to, om->last.at, n);
		to[n] = 0;
	}
	pthread_mutex_unlock(&om->mutex);
	return length;
}

int dmp_openmetrics_free(struct dmp_openmetrics *om)
{
	int error;

	if (!om)
		return 0;
	error = om->error;
	pthread_mutex_destroy(&om->mutex);
	free(om->next.at);
	free(om->last.at);
	free(om);
	return error;
}
