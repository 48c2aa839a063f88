// SPDX-License-Identifier: GPL-2.0
/*
 * latency.bpf.c: how long it takes, ring by ring, see latency.h
 *
 * Each sleep counts that began while this was attached. The arguments of a tracepoint of a module may be NULL in the eyes
 * of 6.12's verifier, so each pointer is tested.
 */
#include "kernel.h"
#include "latency.h"

#define KEPT		     256  /* rings that have gone */
#define RINGS		     1024 /* with them */
#define SIGKILL		     9
#define TRACE_SIGNAL_IGNORED 1 /* as in trace/events/signal.h: the first process of a pid namespace ignores its own */

char LICENSE[] SEC("license") = "GPL";

/* ---- maps ---- */

struct histograms {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RINGS);
	__type(key, struct dmp_ring_key);
	__type(value, struct dmp_latency);
};

struct histograms wake_to_run SEC(".maps"), time_asleep SEC(".maps"), kill_to_ungate SEC(".maps");

/* How many latencies are in no histogram, for want of room in a map. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} missed SEC(".maps");

struct sleeper {
	__u64 ring;
	__u32 member, pad;
};

struct sleep {
	__u64 since;
	__u64 met; /* 0: not yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sleeper);
	__type(value, struct sleep);
} asleep SEC(".maps");

/* When a process was killed, by its number; until it is reaped. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u64);
} kills SEC(".maps");

/* Rings that have gone, the oldest first. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, KEPT);
	__type(value, struct dmp_ring_key);
} gone SEC(".maps");

/* ---- histograms ---- */

static const struct dmp_latency empty;

static void miss(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&missed, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Names are made of A-Z a-z 0-9 _ . - and filled up with zeros. */
static void key_of(const struct dmp_ring *ring, struct dmp_ring_key *key)
{
	key->ring = ring->id;
	bpf_probe_read_kernel(key->name, sizeof(key->name), ring->name);
}

static struct dmp_latency *histogram_of(void *map, const struct dmp_ring *ring)
{
	struct dmp_latency *h;
	struct dmp_ring_key key;

	key_of(ring, &key);
	h = bpf_map_lookup_elem(map, &key);
	if (h)
		return h;
	bpf_map_update_elem(map, &key, &empty, BPF_NOEXIST); /* or another CPU did */
	return bpf_map_lookup_elem(map, &key);
}

static __u32 log2_of(__u64 n)
{
	__u32 log = 0, step;

#pragma unroll
	for (step = 32; step; step /= 2)
		if (n >> step) {
			n >>= step;
			log += step;
		}
	return log;
}

static void count(void *map, const struct dmp_ring *ring, __u64 ns)
{
	struct dmp_latency *h = histogram_of(map, ring);
	__u32 bucket = log2_of(ns);

	if (!h) {
		miss();
		return;
	}
	if (bucket >= DMP_BUCKETS)
		bucket = DMP_BUCKETS - 1;
	__sync_fetch_and_add(&h->count, 1);
	__sync_fetch_and_add(&h->total_ns, ns);
	__sync_fetch_and_add(&h->log2_ns[bucket], 1);
}

/* ---- sleepers ---- */

static struct sleeper sleeper_of(const struct dmp_member *m)
{
	return (struct sleeper){ .ring = m->ring->id, .member = m->index };
}

SEC("tp_btf/dmp_wait")
int BPF_PROG(falls_asleep, const struct dmp_member *m)
{
	struct sleep sleep = { .since = bpf_ktime_get_ns() };
	struct sleeper key;

	if (!m)
		return 0;
	key = sleeper_of(m);
	if (bpf_map_update_elem(&asleep, &key, &sleep, BPF_ANY))
		miss();
	return 0;
}

SEC("tp_btf/dmp_met")
int BPF_PROG(is_woken, const struct dmp_member *m)
{
	struct sleeper key;
	struct sleep *sleep;

	if (!m)
		return 0;
	key = sleeper_of(m);
	sleep = bpf_map_lookup_elem(&asleep, &key); /* NULL: it polls, or slept already when we came */
	if (sleep)
		sleep->met = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/dmp_woken")
int BPF_PROG(runs_again, const struct dmp_member *m)
{
	__u64 now = bpf_ktime_get_ns();
	struct sleeper key;
	struct sleep *sleep;

	if (!m)
		return 0;
	key = sleeper_of(m);
	sleep = bpf_map_lookup_elem(&asleep, &key);
	if (!sleep)
		return 0;
	count(&time_asleep, m->ring, now - sleep->since);
	if (sleep->met)
		count(&wake_to_run, m->ring, now - sleep->met);
	bpf_map_delete_elem(&asleep, &key);
	return 0;
}

/* ---- the killed ---- */

SEC("tp_btf/signal_generate")
int BPF_PROG(is_killed, int sig, void *info, const struct task_struct *task, int group, int result)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tgid;

	if (sig != SIGKILL || !task || result == TRACE_SIGNAL_IGNORED)
		return 0;
	tgid = task->tgid;
	bpf_map_update_elem(&kills, &tgid, &now, BPF_NOEXIST); /* the first one counts */
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(is_reaped, const struct task_struct *task)
{
	__u32 tgid;

	if (!task || task->pid != task->tgid)
		return 0;
	tgid = task->tgid;
	bpf_map_delete_elem(&kills, &tgid);
	return 0;
}

/* Of a consumer whose place is held: not then, but neither does it un-gate. */
SEC("tp_btf/dmp_leave")
int BPF_PROG(gates_no_more, const struct dmp_member *m)
{
	__u64 now = bpf_ktime_get_ns(), *killed;
	__u32 tgid;

	if (!m || m->role != DMP_ROLE_CONSUMER)
		return 0;
	tgid = BPF_CORE_READ(m, tgid, numbers[0].nr);
	killed = bpf_map_lookup_elem(&kills, &tgid);
	if (killed)
		count(&kill_to_ungate, m->ring, now - *killed);
	return 0;
}

/* ---- rings that have gone: the last ones are kept, so that one can still look at how it was ---- */

static void forget(const struct dmp_ring_key *key)
{
	bpf_map_delete_elem(&wake_to_run, key);
	bpf_map_delete_elem(&time_asleep, key);
	bpf_map_delete_elem(&kill_to_ungate, key);
}

static void forget_one(void)
{
	struct dmp_ring_key key;

	if (!bpf_map_pop_elem(&gone, &key))
		forget(&key);
}

SEC("tp_btf/dmp_destroy")
int BPF_PROG(ring_goes, const struct dmp_ring *ring)
{
	struct dmp_ring_key key;

	if (!ring)
		return 0;
	key_of(ring, &key);
	if (!bpf_map_lookup_elem(&time_asleep, &key) && !bpf_map_lookup_elem(&kill_to_ungate, &key))
		return 0;
	for (int i = 0; i < 8; i++) { /* the place that one makes may be taken by another CPU */
		if (!bpf_map_push_elem(&gone, &key, 0))
			return 0;
		forget_one();
	}
	forget(&key);
	return 0;
}
