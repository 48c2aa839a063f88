// SPDX-License-Identifier: GPL-2.0
/*
 * members.bpf.c: all members of all rings, a line for each; pids are those of the machine's own pid namespace
 *
 * The cursor of a producer is its ring's, of several producers the claimed one; who only observes tells nobody how far.
 */
#include "kernel.h"
#include <dmp/seq.h>

#define HEADING                                                                                                    \
	"  RING NAME             INDEX MEMBER           ROLE         PID       CURSOR      LAG   SLEEPS    WOKEN " \
	"STATE\n"

#include "walk.h"

char LICENSE[] SEC("license") = "GPL";

static const char roles[][12] = {
	"-", [DMP_ROLE_PRODUCER] = "producer", [DMP_ROLE_CONSUMER] = "consumer", [DMP_ROLE_OBSERVER] = "observer"
};

enum { JOINED, ASLEEP, ARMED, HELD, LEFT };
static const char states[][8] = { "joined", "asleep", "armed", "held", "left", "", "", "" };

static __u32 state_of(struct dmp_member *m)
{
	if (BPF_CORE_READ(m, left))
		return BPF_CORE_READ(m, held) ? HELD : LEFT;
	if (BPF_CORE_READ(m, awaits_required))
		return ASLEEP;
	if (BPF_CORE_READ(m, waiter.state) != bpf_core_enum_value(enum dmp_wait_state, DMP_WAIT_ARMED))
		return JOINED;
	return BPF_CORE_READ(m, waiter.asleep) ? ASLEEP : ARMED;
}

/* 0: it has left. That comes before its pid is another's. */
static int pid_of(struct dmp_member *m)
{
	int pid = BPF_CORE_READ(m, tgid, numbers[0].nr);

	return BPF_CORE_READ(m, left) ? 0 : pid;
}

struct members {
	struct seq_file *seq;
	struct progress *p;
	struct dmp_ring *ring;
	__u64 id, cursor, first;
};

static void show_member(struct members *l, struct dmp_ring *ring, struct dmp_member *m)
{
	__u64 cursor = l->cursor;
	__u32 role = BPF_CORE_READ(m, role), state = state_of(m);
	__u64 index = BPF_CORE_READ(m, index), at = cursor;
	int pid = pid_of(m);

	if (role == DMP_ROLE_CONSUMER)
		at = consumer_cursor(ring, index);
	if (role == DMP_ROLE_OBSERVER)
		at = 0;
	if (!ring_lives(ring))
		return;
	BPF_SEQ_PRINTF(l->seq, "%6llu %-16s %5llu %-16s %-8s %7d %12llu %8llu %8llu %8llu %s\n", l->id,
		       name_or_dash(ring->name), index, name_or_dash(m->name), roles[role & 3], pid, at,
		       role == DMP_ROLE_CONSUMER ? lag(cursor, at) : 0, BPF_CORE_READ(m, sleeps),
		       BPF_CORE_READ(m, woken), states[state & 7]);
	l->p->room--;
}

static long look(__u32 i, struct members *l)
{
	__u64 index = l->first + i;
	struct dmp_ring *ring = l->ring;
	struct dmp_member *m;

	if (index >= BPF_CORE_READ(ring, members))
		return 1;
	m = member_at(ring, index);
	if (!m)
		return 0;
	if (!l->p->room) {
		l->p->next = (struct place){ .ring = l->id, .member = index };
		return 1;
	}
	show_member(l, ring, m);
	return 0;
}

static void show_ring(struct walk *w, struct dmp_ring *ring, __u64 id)
{
	struct members l = {
		.seq = w->seq,
		.p = w->p,
		.ring = ring,
		.id = id,
		.cursor = ring_cursor(ring),
		.first = w->p->next.member,
	};

	w->p->next = (struct place){ .ring = id + 1 };
	bpf_loop(BPF_CORE_READ(ring, members), look, &l, 0);
}
