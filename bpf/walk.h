/* SPDX-License-Identifier: GPL-2.0 */
/*
 * walk.h: a table of what there is, as the text of an iterator
 *
 * A module cannot have an iterator of its own, so ours runs over an array, whose elements stand for pieces of the table:
 * each shows some lines, as many as there is room for, and notes how far it came. A piece may be asked for twice, if its
 * text had no room: then it begins where it began.
 *
 * The programs run under RCU. A ring and a member that were found stay readable so long; but the pages of a ring go with
 * its last reference, so what is read of it is shown only if it still had one afterwards.
 *
 * Who includes this defines show_ring() and HEADING.
 */
#ifndef DMP_BPF_WALK_H
#define DMP_BPF_WALK_H

#include "kernel.h"

#define PIECES	  4096
#define LINES	  64 /* of a piece: of 200 bytes each at most, and a piece has room for 32 KiB */
#define RINGS_MAX (1 << 20)
#define THE_END	  (~0ULL)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PIECES);
	__type(key, __u32);
	__type(value, __u32);
} pieces SEC(".maps");

/* The next line to show: of the first ring with at least this id, from that member on. */
struct place {
	__u64 ring;
	__u64 member;
};

struct progress {
	__u64 piece;
	struct place from, next; /* of that piece, and of the next one */
	__u64 room;		 /* lines that are left */
};

/*
 * By session: one for each open file. What changes from turn to turn of a loop, and decides, is here and not on the stack:
 * 6.1's verifier looks at one turn only, and takes for a constant what is one in that.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct progress);
} sessions SEC(".maps");

/* One piece being shown. */
struct walk {
	struct seq_file *seq;
	struct progress *p;
	__u64 head, at; /* addresses in the list of rings */
};

extern struct list_head *dmp_rings_head __ksym;

/* Shows the ring with that id, from member p->next.member on, and sets p->next: to where it stopped for want of room. */
static void show_ring(struct walk *w, struct dmp_ring *ring, __u64 id);

/* Its last reference has not gone: what was read of it before was there. */
static bool ring_lives(struct dmp_ring *ring)
{
	return BPF_CORE_READ(ring, refs.refs.counter) != 0;
}

static __u64 ring_cursor(struct dmp_ring *ring)
{
	struct dmp_cursor *words = BPF_CORE_READ(ring, cursor);
	__u64 cursor = 0;

	bpf_probe_read_kernel(&cursor, sizeof(cursor),
			      BPF_CORE_READ(ring, flags) & DMP_RING_MULTI ? &words->claimed : &words->cursor);
	return cursor;
}

/* Where a consumer stands; its lines lie behind the ring's cursor. */
static __u64 consumer_cursor(struct dmp_ring *ring, __u64 index)
{
	__u64 cursor = 0;

	bpf_probe_read_kernel(&cursor, sizeof(cursor), member_pages(ring, index) + dmp_own_offset(index));
	return cursor;
}

static struct dmp_member *member_at(struct dmp_ring *ring, __u64 index)
{
	struct dmp_member **members = BPF_CORE_READ(ring, member), *m = NULL;

	bpf_probe_read_kernel(&m, sizeof(m), members + index);
	return ring_lives(ring) ? m : NULL; /* else the array may have gone, and m be anything */
}

/* A stamped consumer may be ahead by the publish in flight. */
static __u64 lag(__u64 cursor, __u64 consumer)
{
	return consumer < cursor ? cursor - consumer : 0;
}

/* Of a name field, in the kernel's memory: what is printed for it. Names are made of A-Z a-z 0-9 _ . - alone. */
static const char nameless[] = "-";

static __u64 name_or_dash(const char *name)
{
	char first = 0;

	bpf_probe_read_kernel(&first, sizeof(first), name);
	return (__u64)(first ? name : nameless);
}

static long step(__u32 i, struct walk *w)
{
	struct dmp_ring *ring = (void *)(w->at - bpf_core_field_offset(struct dmp_ring, all));
	struct progress *p = w->p;
	__u64 id;

	if (w->at == w->head) {
		p->next.ring = THE_END;
		return 1;
	}
	id = BPF_CORE_READ(ring, id);
	if (id > p->next.ring)
		p->next = (struct place){ .ring = id };
	if (id == p->next.ring) {
		show_ring(w, ring, id);
		if (p->next.ring == id)
			return 1;
	}
	w->at = (__u64)BPF_CORE_READ(ring, all.next);
	return 0;
}

static struct progress *progress_of(__u64 session, __u32 piece)
{
	static const struct progress begin;
	struct progress *p = bpf_map_lookup_elem(&sessions, &session);

	if (!p) {
		bpf_map_update_elem(&sessions, &session, &begin, BPF_ANY);
		p = bpf_map_lookup_elem(&sessions, &session);
	}
	if (p && p->piece != piece) {
		p->piece = piece;
		p->from = p->next;
	}
	return p;
}

static void show_piece(struct seq_file *seq, struct progress *p)
{
	struct list_head **head = bpf_this_cpu_ptr(&dmp_rings_head), *list = *head;
	struct walk w = { .seq = seq, .p = p };

	if (p->from.ring == THE_END)
		return;
	p->next = p->from;
	p->room = LINES;
	w.head = (__u64)list;
	w.at = (__u64)BPF_CORE_READ(list, next);
	bpf_loop(RINGS_MAX, step, &w, 0);
}

SEC("iter/bpf_map_elem")
int show(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u64 session = ctx->meta->session_id;
	__u32 *piece = ctx->key;
	struct progress *p;

	if (!piece) { /* that was all */
		bpf_map_delete_elem(&sessions, &session);
		return 0;
	}
	p = progress_of(session, *piece);
	if (*piece == 0)
		BPF_SEQ_PRINTF(seq, HEADING);
	if (p)
		show_piece(seq, p);
	return 0;
}

#endif /* DMP_BPF_WALK_H */
