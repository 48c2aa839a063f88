/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel.h: what the programs look at in the kernel and in the module
 *
 * Only the fields that are used: libbpf finds where they lie in the BTF of the kernel it loads them into (CO-RE), so that
 * one object serves all kernels. The structs of memory that is mapped have one layout for all, see linux/dmp.h.
 */
#ifndef DMP_BPF_KERNEL_H
#define DMP_BPF_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <linux/dmp.h>

#define CO_RE __attribute__((preserve_access_index))

/* ---- the kernel ---- */

struct list_head {
	struct list_head *next;
} CO_RE;

typedef struct {
	int counter;
} CO_RE atomic_t;

struct refcount_struct {
	atomic_t refs;
} CO_RE;

struct upid {
	int nr;
} CO_RE;

struct pid {
	struct upid numbers[1]; /* [0]: as the machine's own pid namespace numbers it */
} CO_RE;

struct task_struct {
	int pid, tgid;
} CO_RE;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
} CO_RE;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
} CO_RE;

/* ---- the module: kmod/dmp.h ---- */

enum dmp_wait_state { DMP_WAIT_ARMED = 1 };

struct dmp_waiter {
	enum dmp_wait_state state;
	bool asleep;
} CO_RE;

struct dmp_member {
	struct dmp_ring *ring;
	struct pid *tgid;
	__u32 index, role;
	__u64 incarnation;
	char name[DMP_MEMBER_NAME_MAX];
	bool left, held;
	struct dmp_waiter waiter;
	__u64 sleeps, woken;
	bool awaits_required;
} CO_RE;

struct dmp_stats {
	__u64 sleeps, woken;
} CO_RE;

struct dmp_ring {
	struct refcount_struct refs;
	struct list_head all;
	__u64 id;
	__u32 flags;
	__u64 slots;
	__u32 event_size, members;
	char name[DMP_NAME_MAX];
	struct dmp_meta *meta; /* mapped by processes, as are the next two */
	struct dmp_entry *table;
	struct dmp_cursor *cursor;
	struct dmp_member **member;
	__u32 joined;
	struct dmp_stats stats;
} CO_RE;

/* The pages of a member: the first has its own line, the second its counters. */
static inline char *member_pages(struct dmp_ring *ring, __u64 index)
{
	char *cursor = (char *)BPF_CORE_READ(ring, cursor);
	__u32 size = 0;

	bpf_probe_read_kernel(&size, sizeof(size), &BPF_CORE_READ(ring, meta)->member_size);
	return cursor + DMP_PAGE + index * size;
}

#endif /* DMP_BPF_KERNEL_H */
