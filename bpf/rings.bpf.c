// SPDX-License-Identifier: GPL-2.0
/* rings.bpf.c: all rings, of all namespaces, a line for each; LAG is that of the consumer that is the furthest behind */
#include "kernel.h"
#include <dmp/seq.h>

#define HEADING \
	"  RING NAME             SLOTS    SIZE MEMBERS PRODUCERS       CURSOR      LAG   SLEEPS    WOKEN STREAM\n"

#include "walk.h"

char LICENSE[] SEC("license") = "GPL";

static const char streams[][12] = {
	[DMP_END_NONE] = "none", [DMP_END_OPEN] = "open", [DMP_END_CLEAN] = "finished", [DMP_END_CRASHED] = "crashed"
};

struct lags {
	struct dmp_ring *ring;
	__u64 gates, cursor, largest;
};

static long look(__u32 i, struct lags *l)
{
	__u64 behind;

	if (!(l->gates >> i & 1) || !member_at(l->ring, i)) /* as of one that is being let in */
		return 0;
	behind = lag(l->cursor, consumer_cursor(l->ring, i));
	if (behind > l->largest)
		l->largest = behind;
	return 0;
}

static __u64 largest_lag(struct dmp_ring *ring, __u64 gates, __u64 cursor)
{
	struct lags l = { .ring = ring, .gates = gates, .cursor = cursor };

	bpf_loop(DMP_MAX_GATES, look, &l, 0);
	return l.largest;
}

static void show_ring(struct walk *w, struct dmp_ring *ring, __u64 id)
{
	struct dmp_meta *meta = BPF_CORE_READ(ring, meta);
	__u32 producers = 0, ended = 0;
	__u64 gates = 0, cursor, behind;

	if (!w->p->room)
		return;
	bpf_probe_read_kernel(&gates, sizeof(gates), &meta->gates);
	bpf_probe_read_kernel(&producers, sizeof(producers), &meta->producers);
	bpf_probe_read_kernel(&ended, sizeof(ended), &meta->ended);
	cursor = ring_cursor(ring);
	behind = largest_lag(ring, gates, cursor);
	w->p->next.ring = id + 1;
	if (!ring_lives(ring))
		return;
	w->p->room--;
	BPF_SEQ_PRINTF(w->seq, "%6llu %-16s %5llu %7u %7u %9u %12llu %8llu %8llu %8llu %s\n", id,
		       name_or_dash(ring->name), BPF_CORE_READ(ring, slots), BPF_CORE_READ(ring, event_size),
		       BPF_CORE_READ(ring, joined), producers, cursor, behind, BPF_CORE_READ(ring, stats.sleeps),
		       BPF_CORE_READ(ring, stats.woken), streams[ended & 3]);
}
