// SPDX-License-Identifier: GPL-2.0
/*
 * counters.bpf.c: what each member has counted, see counters.h
 *
 * The module tells of a member now and then, one at a time, and a last time when it leaves. It is its counters page that
 * is read, which the member may write meanwhile, and lie in: nothing follows from what is in there but the numbers.
 */
#include "kernel.h"
#include <dmp/seq.h>
#include "counters.h"

char LICENSE[] SEC("license") = "GPL";

/* ---- maps ---- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DMP_MEMBERS_MAX);
	__type(key, struct dmp_member_key);
	__type(value, struct dmp_member_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counters_missed SEC(".maps");

/* Members that have left, the first one first. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, DMP_GONE_KEPT);
	__type(value, struct dmp_member_key);
} counters_gone SEC(".maps");

/* ---- what it has counted ---- */

/* A slot without its label. */
struct slot {
	__u32 id, flags;
	__u64 value;
};

static struct slot slot_at(const struct dmp_counters_page *page, __u32 i)
{
	struct slot slot = { .id = 0 };

	bpf_probe_read_kernel(&slot, sizeof(slot), &page->slot[i]);
	return slot;
}

/* As its owner made it; before that, it is empty or of whoever had the place before. */
static bool page_is_of(const struct dmp_counters_page *page, const struct dmp_member *m)
{
	struct dmp_counters_head head = { .magic = 0 };

	bpf_probe_read_kernel(&head, sizeof(head), &page->head);
	return head.magic == DMP_COUNTERS_MAGIC && head.incarnation == m->incarnation;
}

static void read_words(const struct dmp_member *m, char *pages, struct dmp_counted *c)
{
	struct dmp_own *own = (void *)(pages + dmp_own_offset(m->index));
	struct dmp_ring *ring = m->ring;

	c->role = m->role;
	c->ring_flags = ring->flags;
	c->event_size = ring->event_size;
	bpf_probe_read_kernel(&c->start, sizeof(c->start), &BPF_CORE_READ(ring, table)[m->index].start);
	bpf_probe_read_kernel(&c->cursor, sizeof(c->cursor), &BPF_CORE_READ(ring, cursor)->cursor);
	bpf_probe_read_kernel(&c->released, sizeof(c->released), &own->cursor);
	bpf_probe_read_kernel(&c->aborted, sizeof(c->aborted), &own->aborted);
}

/*
 * A function of its own, and known to others, for 6.1's verifier: it looks at such a one once, and not again for each
 * counter and for each way through those before.
 */
__noinline __u64 read_counter(__u64 page, __u32 i, const struct dmp_counted *c, __u32 *in_use)
{
	struct slot slot = slot_at((void *)page, i);

	if (!c || !in_use)
		return 0;
	*in_use = slot.flags & DMP_COUNTER_IN_USE;
	return *in_use ? dmp_counter_value(slot.id, slot.flags, slot.value, c) : 0;
}

static void read_counters(const struct dmp_member *m, struct dmp_member_counters *to)
{
	char *pages = member_pages(m->ring, m->index);
	const struct dmp_counters_page *page = (void *)(pages + DMP_PAGE);
	struct dmp_counted c = { .role = 0 };
	__u32 in_use = 0;

	if (!page_is_of(page, m))
		return;
	read_words(m, pages, &c);
	c.counted = slot_at(page, dmp_counted_at(c.role)).value;
#define READ(NAME, id, name, unit, flags, help)                                   \
	to->name = read_counter((__u64)page, DMP_COUNTER_AT_##NAME, &c, &in_use); \
	to->counted |= in_use << DMP_COUNTER_AT_##NAME;
	DMP_COUNTERS(READ)
#undef READ
}

/* ---- where it is kept ---- */

static void key_of(const struct dmp_member *m, struct dmp_member_key *key)
{
	key->ring = m->ring->id;
	bpf_probe_read_kernel(key->ring_name, sizeof(key->ring_name), m->ring->name);
	bpf_probe_read_kernel(key->name, sizeof(key->name), m->name);
	if (m->role == DMP_ROLE_PRODUCER)
		__builtin_memcpy(key->role, "producer", 8);
	else if (m->role == DMP_ROLE_CONSUMER)
		__builtin_memcpy(key->role, "consumer", 8);
	else
		__builtin_memcpy(key->role, "observer", 8);
	key->index = m->index;
	key->incarnation = m->incarnation;
}

static void miss(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counters_missed, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static bool forget_one(void)
{
	struct dmp_member_key key;

	if (bpf_map_pop_elem(&counters_gone, &key))
		return false;
	bpf_map_delete_elem(&counters, &key);
	return true;
}

/* The place that one makes may be taken by another CPU: what is in no queue would stay for ever. */
static void keep_gone(const struct dmp_member_key *key)
{
	for (int i = 0; i < 8; i++) {
		if (!bpf_map_push_elem(&counters_gone, key, 0))
			return;
		forget_one();
	}
	bpf_map_delete_elem(&counters, key);
}

static bool put_new(const struct dmp_member_key *key, const struct dmp_member_counters *now)
{
	if (!bpf_map_update_elem(&counters, key, now, BPF_NOEXIST))
		return true;
	return forget_one() && !bpf_map_update_elem(&counters, key, now, BPF_NOEXIST);
}

/* In place: an element that is replaced may be another's while somebody still reads it. */
SEC("tp_btf/dmp_sample")
int BPF_PROG(is_sampled, const struct dmp_member *m)
{
	struct dmp_member_counters now = { .sampled_ns = bpf_ktime_get_ns() }, *known;
	struct dmp_member_key key = { .ring = 0 };
	bool leaves;

	if (!m)
		return 0;
	key_of(m, &key);
	read_counters(m, &now);
	now.left = m->left;
	known = bpf_map_lookup_elem(&counters, &key);
	if (known && known->left)
		return 0; /* its place was held: it may be forgotten, and be another's, any moment */
	leaves = now.left;
	if (known)
		*known = now;
	else if (!put_new(&key, &now)) {
		miss();
		return 0;
	}
	if (leaves)
		keep_gone(&key);
	return 0;
}
