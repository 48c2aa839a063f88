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

struct upid {
	int nr;
} CO_RE;

struct pid {
	struct upid numbers[1]; /* [0]: as the machine's own pid namespace numbers it */
} CO_RE;

struct task_struct {
	int pid, tgid;
} CO_RE;

/* ---- the module: kmod/dmp.h ---- */

struct dmp_ring {
	__u64 id;
	char name[DMP_NAME_MAX];
} CO_RE;

struct dmp_member {
	struct dmp_ring *ring;
	struct pid *tgid;
	__u32 index, role;
} CO_RE;

#endif /* DMP_BPF_KERNEL_H */
