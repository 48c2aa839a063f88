// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* counters.c: a member's own counters page; how others read it: counters_read.c. Layout: dmp/counters.h */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* ---- a page: the member's own ---- */

static const struct row {
	uint32_t id, flags;
	const char *name;
} table[DMP_COUNTERS_BUILT_IN] = {
#define ROW(NAME, id, name, unit, flags, help) { id, flags, #name },
	DMP_COUNTERS(ROW)
#undef ROW
};

/* A role's flag in the table, and in the slots. */
static uint32_t flag_of(uint32_t role)
{
	return 1U << role;
}

static void put_in_use(struct dmp_counter_slot *slot, uint32_t id, uint32_t flags, const char *label)
{
	slot->id = id;
	slot->value = 0;
	strncpy(slot->label, label, sizeof(slot->label) - 1);
	dmp_store_release(slot->flags, flags | (uint32_t)DMP_COUNTER_IN_USE); /* S */
}

static bool is_selected(const struct row *row, uint32_t role, uint32_t selection)
{
	if (selection == DMP_COUNTERS_NONE || !(row->flags & flag_of(role)))
		return false;
	return selection == DMP_COUNTERS_FULL || (row->flags & DMP_COUNTER_LITE);
}

static void select_built_in(struct dmp_member *m, uint32_t selection)
{
	const uint32_t kept = DMP_COUNTER_DERIVED | DMP_COUNTER_GAUGE;
	uint32_t i;

	for (i = 0; i < DMP_COUNTERS_BUILT_IN; i++)
		if (is_selected(&table[i], m->role, selection))
			put_in_use(&m->page->slot[i], table[i].id, (table[i].flags & kept) | flag_of(m->role),
				   table[i].name);
	m->slots_used = selection == DMP_COUNTERS_NONE ? 0 : DMP_COUNTERS_BUILT_IN;
}

/*
 * What the hot path counts: nobody's cursor tells it. One producer: its publishes. Several: what each publishes.
 * Observers: what they copy. NULL: nothing, which costs a look: a store per event, wherever it went, would fill the store
 * buffer while the event's line is on its way, a fifth of the rate at 8 bytes.
 */
static __u64 *hot_counter(const struct dmp_member *m, uint32_t selection)
{
	bool counts_publishes = m->role == DMP_ROLE_PRODUCER && !m->multi;

	if (selection == DMP_COUNTERS_NONE || m->role == DMP_ROLE_CONSUMER ||
	    (counts_publishes && selection != DMP_COUNTERS_FULL))
		return NULL;
	return &m->page->slot[counts_publishes ? DMP_COUNTER_AT_BATCHES : dmp_counted_at(m->role)].value;
}

/* The page of a held place is still the dead one's. The incarnation is the last word: from then on it is this member's. */
void dmp_counters_begin_(struct dmp_member *m, uint32_t selection)
{
	struct dmp_counters_page *page = (void *)((char *)m->maps->region[DMP_SELF_].at + DMP_PAGE);

	m->page = page;
	dmp_store_release(page->head.incarnation, (__u64)0);
	dmp_store_fence(); /* T: nobody's, before it is cleared */
	memset(page->slot, 0, sizeof(page->slot));
	select_built_in(m, selection);
	m->count = hot_counter(m, selection);
	m->counters = selection == DMP_COUNTERS_NONE ? NULL : page->slot;
	m->detail = selection == DMP_COUNTERS_FULL ? page->slot : NULL;
	m->lag_from = 1;
	page->head.magic = DMP_COUNTERS_MAGIC;
	page->head.version = DMP_COUNTERS_VERSION;
	page->head.slot_capacity = DMP_COUNTERS_CAPACITY;
	page->head.slot_stride = sizeof(struct dmp_counter_slot);
	page->head.slots_offset = offsetof(struct dmp_counters_page, slot);
	dmp_store_once(page->head.slot_count, m->slots_used);
	dmp_store_release(page->head.incarnation, (__u64)m->incarnation); /* T */
}

/* ---- counting: off the hot path ---- */

/*
 * The most that it has found, or more than it found before. Of several producers a look goes no further than a batch: from
 * there on the cursor tells, which is a lower bound.
 */
void dmp_count_lag_(struct dmp_member *m, uint64_t there)
{
	uint64_t known = there, from;

	if (m->multi)
		known = dmp_available(dmp_load_acquire(m->ring->cursor), m->pos, m->mask + 1) - m->pos;
	dmp_counter_record_max(&m->detail[DMP_COUNTER_AT_LAG_MAX], known > there ? known : there);
	from = m->detail[DMP_COUNTER_AT_LAG_MAX].value + 1;
	m->lag_from = m->multi && from > DMP_BATCH_MAX ? DMP_BATCH_MAX : from;
}

void dmp_count_vain_look_(const struct dmp_member *m, bool found_full)
{
	dmp_grow(m->detail[DMP_COUNTER_AT_SPINS].value, 1);
	if (found_full)
		dmp_grow(m->detail[DMP_COUNTER_AT_FULL].value, 1);
}

int dmp_count_tried_(const struct dmp_member *m, int err)
{
	if (err == -EAGAIN)
		dmp_count_vain_look_(m, m->role == DMP_ROLE_PRODUCER);
	return err;
}

void dmp_counted_wake_(struct dmp_member *m)
{
	int found = m->ops->wake(m);

	if (found < 0)
		return;
	dmp_count_(m, DMP_COUNTER_AT_WAKES, 1);
	if (!found)
		dmp_count_(m, DMP_COUNTER_AT_EMPTY, 1);
}

void dmp_count_sleep_(struct dmp_member *m, uint64_t target)
{
	m->slept_for = target;
	m->slept_at = dmp_load_once(m->meta->generation);
}

/* Without news of the membership, and it still wants the same: of several producers others may have been faster. */
void dmp_count_futile_(struct dmp_member *m, uint64_t target)
{
	if (m->slept_at == dmp_load_once(m->meta->generation) && m->slept_for == target)
		dmp_count_(m, DMP_COUNTER_AT_FUTILE, 1);
}

/* ---- registering ---- */

static bool is_label(const char *label)
{
	size_t i, length = label ? strnlen(label, DMP_COUNTER_LABEL) : 0;

	for (i = 0; i < length; i++)
		if (dmp_label_char(label[i]) != label[i])
			return false;
	return length && length < DMP_COUNTER_LABEL;
}

static bool is_taken(const struct dmp_member *m, uint32_t id, const char *label)
{
	uint32_t i;

	for (i = 0; i < m->slots_used; i++) {
		const struct dmp_counter_slot *slot = &m->page->slot[i];

		if ((slot->flags & DMP_COUNTER_IN_USE) && (slot->id == id || !strcmp(slot->label, label)))
			return true;
	}
	return false;
}

static int check_new(const struct dmp_member *m, uint32_t id, const char *label, uint32_t slots)
{
	if (!is_label(label))
		return -EINVAL;
	if (is_taken(m, id, label))
		return -EEXIST;
	return m->slots_used + slots > DMP_COUNTERS_CAPACITY ? -ENOSPC : 0;
}

static struct dmp_counter_slot *take_slots(struct dmp_member *m, uint32_t slots)
{
	struct dmp_counter_slot *slot = &m->page->slot[m->slots_used];

	m->slots_used += slots;
	return slot;
}

static struct dmp_counter_slot *begin_slots(struct dmp_member *m, struct dmp_counter_slot *slot, uint32_t id,
					    uint32_t flags, const char *label)
{
	put_in_use(slot, id, flags | flag_of(m->role), label);
	dmp_store_release(m->page->head.slot_count, m->slots_used); /* S, of them all */
	return slot;
}

int dmp_counter_register(struct dmp_member *m, uint32_t id, uint32_t flags, const char *label,
			 struct dmp_counter_slot **counter)
{
	int err = id < DMP_COUNTER_APPLICATION || (flags & ~(uint32_t)DMP_COUNTER_GAUGE) ? -EINVAL
											 : check_new(m, id, label, 1);

	if (!err)
		*counter = begin_slots(m, take_slots(m, 1), id, flags, label);
	return err;
}

/* The name of a histogram that has one by itself. */
static const char *label_of(uint32_t id, const char *label)
{
	if (!label && id == DMP_HISTOGRAM_PUBLISH)
		return "publish_latency_ns";
	if (!label && id == DMP_HISTOGRAM_CONSUME)
		return "consume_latency_ns";
	return label;
}

static bool is_histogram_id(uint32_t id)
{
	return id >= DMP_COUNTER_APPLICATION || id == DMP_HISTOGRAM_PUBLISH || id == DMP_HISTOGRAM_CONSUME;
}

int dmp_histogram_register(struct dmp_member *m, uint32_t id, const char *label, struct dmp_counter_slot **histogram)
{
	const char *name = label_of(id, label);
	int err = is_histogram_id(id) ? check_new(m, id, name, DMP_HISTOGRAM_SLOTS) : -EINVAL;
	struct dmp_counter_slot *slot;
	uint32_t i;

	if (err)
		return err;
	slot = take_slots(m, DMP_HISTOGRAM_SLOTS);
	for (i = 1; i < DMP_HISTOGRAM_SLOTS; i++) {
		slot[i].id = id;
		slot[i].flags = DMP_COUNTER_BUCKETS;
	}
	*histogram = begin_slots(m, slot, id, DMP_COUNTER_HISTOGRAM, name);
	return 0;
}
