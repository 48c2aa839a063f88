// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* counters_read.c: how a counters page is read: whatever is there, it is the word of another process */
#include <string.h>

#include "aggregator.h"

struct reading {
	const struct dmp_entry *entry;
	const struct dmp_counters_page *page;
	uint64_t incarnation;
	uint32_t slots; /* that may be in use; 0: it is no page of this member's */
	struct dmp_counted counted;
};

static void load_counted(const struct dmp_member *m, uint32_t index, struct reading *r)
{
	const struct dmp_own *own = dmp_own_(m, index);

	r->counted = (struct dmp_counted){
		.role = dmp_load_once(r->entry->role),
		.ring_flags = m->meta->flags,
		.event_size = m->meta->event_size,
		.start = dmp_load_once(r->entry->start),
		.cursor = dmp_load_acquire(m->ring->cursor),
		.released = dmp_load_acquire(own->cursor),
		.aborted = dmp_load_once(own->aborted),
	};
	r->counted.counted = dmp_load_once(r->page->slot[dmp_counted_at(r->counted.role)].value);
}

/* How many of its slots to look at. */
static uint32_t slots_of(const struct dmp_counters_page *page, uint64_t incarnation)
{
	const struct dmp_counters_head *head = &page->head;
	uint32_t slots;

	/* T */
	if (dmp_load_acquire(head->incarnation) != incarnation || dmp_load_once(head->magic) != DMP_COUNTERS_MAGIC ||
	    dmp_load_once(head->version) != DMP_COUNTERS_VERSION)
		return 0;
	slots = dmp_load_acquire(head->slot_count); /* S */
	return slots < DMP_COUNTERS_CAPACITY ? slots : DMP_COUNTERS_CAPACITY;
}

static const struct dmp_entry *entry_of(const struct dmp_member *m, uint32_t index)
{
	return m->entry - m->index + index;
}

static int begin_reading(const struct dmp_member *m, uint32_t index, struct reading *r)
{
	uint32_t state;

	if (index >= m->meta->members)
		return -EINVAL;
	r->entry = entry_of(m, index);
	r->page = (const void *)(m->members + (size_t)index * m->member_size + DMP_PAGE);
	r->incarnation = dmp_load_acquire(r->entry->incarnation);
	state = dmp_load_acquire(r->entry->state);
	if (state != DMP_MEMBER_JOINED && state != DMP_MEMBER_HELD)
		return -ENOENT;
	r->slots = slots_of(r->page, r->incarnation);
	load_counted(m, index, r);
	return 0;
}

/* All that was read is of the same member. */
static bool is_valid(const struct reading *r)
{
	dmp_load_fence(); /* T */
	return dmp_load_once(r->entry->incarnation) == r->incarnation;
}

/* Loaded once, then cleaned: it may change at any time. */
static void read_label(char *to, const struct dmp_counter_slot *slot)
{
	__u64 words[DMP_COUNTER_LABEL / sizeof(__u64)];
	uint32_t i;

	for (i = 0; i < DMP_COUNTER_LABEL / sizeof(__u64); i++)
		words[i] = dmp_load_once(((const __u64 *)(const void *)slot->label)[i]);
	memcpy(to, words, DMP_COUNTER_LABEL);
	to[DMP_COUNTER_LABEL - 1] = 0;
	for (; *to; to++)
		*to = dmp_label_char(*to);
}

/* A counter, if the slot is one in use. */
static bool read_counter(const struct reading *r, uint32_t i, struct dmp_counter *counter)
{
	const struct dmp_counter_slot *slot = &r->page->slot[i];
	uint32_t flags = dmp_load_acquire(slot->flags); /* S */

	if (!(flags & DMP_COUNTER_IN_USE) || (flags & (DMP_COUNTER_HISTOGRAM | DMP_COUNTER_BUCKETS)))
		return false;
	memset(counter, 0, sizeof(*counter));
	counter->id = dmp_load_once(slot->id);
	counter->flags = flags;
	counter->value = dmp_counter_value(counter->id, flags, dmp_load_once(slot->value), &r->counted);
	read_label(counter->label, slot);
	return true;
}

static int read_counters(const struct reading *r, struct dmp_counter *counters, uint32_t count)
{
	struct dmp_counter counter;
	uint32_t i, n = 0;

	for (i = 0; i < r->slots; i++) {
		if (!read_counter(r, i, &counter))
			continue;
		if (n < count)
			counters[n] = counter;
		n++;
	}
	return (int)n;
}

int dmp_counters_read(const struct dmp_member *m, uint32_t index, struct dmp_counter *counters, uint32_t count)
{
	struct reading r;
	int n;

	do {
		n = begin_reading(m, index, &r);
		if (!n)
			n = read_counters(&r, counters, count);
	} while (n >= 0 && !is_valid(&r));
	return n;
}

/* ---- histograms ---- */

static bool read_buckets(const struct dmp_counter_slot *slot, struct dmp_histogram *h)
{
	const struct dmp_counter_buckets *b = (const void *)(slot + 1);
	uint32_t i;

	for (i = 0; i < DMP_HISTOGRAM_SLOTS - 1; i++)
		if (dmp_load_once(b[i].flags) != DMP_COUNTER_BUCKETS || dmp_load_once(b[i].id) != h->id)
			return false;
	for (i = 0; i < DMP_HISTOGRAM_BUCKETS; i++)
		h->bucket[i] = dmp_load_once(b[i / DMP_BUCKETS_PER_SLOT].bucket[i % DMP_BUCKETS_PER_SLOT]);
	return true;
}

static bool read_histogram(const struct reading *r, uint32_t i, struct dmp_histogram *h)
{
	const uint32_t wanted = DMP_COUNTER_IN_USE | DMP_COUNTER_HISTOGRAM;
	const struct dmp_counter_slot *slot = &r->page->slot[i];
	uint32_t flags = dmp_load_acquire(slot->flags); /* S */

	if ((flags & wanted) != wanted || i + DMP_HISTOGRAM_SLOTS > DMP_COUNTERS_CAPACITY)
		return false;
	memset(h, 0, sizeof(*h));
	h->id = dmp_load_once(slot->id);
	h->flags = flags;
	h->sum = dmp_load_once(slot->value);
	read_label(h->label, slot);
	return read_buckets(slot, h);
}

static int read_histograms(const struct reading *r, struct dmp_histogram *histograms, uint32_t count)
{
	struct dmp_histogram h;
	uint32_t i, n = 0;

	for (i = 0; i < r->slots; i++) {
		if (!read_histogram(r, i, &h))
			continue;
		if (n < count)
			histograms[n] = h;
		n++;
	}
	return (int)n;
}

int dmp_histograms_read(const struct dmp_member *m, uint32_t index, struct dmp_histogram *histograms, uint32_t count)
{
	struct reading r;
	int n;

	do {
		n = begin_reading(m, index, &r);
		if (!n)
			n = read_histograms(&r, histograms, count);
	} while (n >= 0 && !is_valid(&r));
	return n;
}

/* ---- pages as a whole: for the aggregator ---- */

static void read_all(const struct reading *r, struct dmp_snapshot_ *to)
{
	uint32_t histograms = (uint32_t)read_histograms(r, to->histogram, DMP_HISTOGRAMS_);

	/* A page that changes its mind meanwhile may seem to have more than there is room for. */
	to->histograms = histograms < DMP_HISTOGRAMS_ ? histograms : DMP_HISTOGRAMS_;
	to->counters = (uint32_t)read_counters(r, to->counter, DMP_COUNTERS_CAPACITY);
}

void dmp_page_read_(const struct dmp_counters_page *page, struct dmp_snapshot_ *to)
{
	struct reading r = { .page = page, .slots = slots_of(page, dmp_load_acquire(page->head.incarnation)) };

	read_all(&r, to);
}

uint64_t dmp_life_(const struct dmp_member *m, uint32_t index)
{
	return dmp_load_acquire(entry_of(m, index)->incarnation);
}

int dmp_member_read_(const struct dmp_member *m, uint32_t index, uint64_t life, struct dmp_snapshot_ *to)
{
	struct reading r;
	int err = begin_reading(m, index, &r);

	if (err)
		return err;
	read_all(&r, to);
	return r.incarnation == life && is_valid(&r) ? 0 : -ENOENT;
}
