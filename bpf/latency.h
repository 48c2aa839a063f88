/* SPDX-License-Identifier: GPL-2.0 */
/*
 * latency.h: the histograms of latency.bpf.c, as its maps hold them: struct dmp_ring_key to struct dmp_latency
 *
 *   wake_to_run     from the moment a sleeper's barrier was crossed until it runs; as many as were woken, without polls
 *   time_asleep     from falling asleep until it runs, for whatever reason; as many as there were sleeps
 *   kill_to_ungate  from SIGKILL until the consumer, which the producers have waited for, gates no more
 */
#ifndef DMP_BPF_LATENCY_H
#define DMP_BPF_LATENCY_H

#include <linux/dmp.h>

#define DMP_BUCKETS 40 /* the last one has all from 2^39 ns (nine minutes) on */

struct dmp_ring_key {
	__u64 ring;
	char name[DMP_NAME_MAX]; /* empty: anonymous */
};

struct dmp_latency {
	__u64 count;
	__u64 total_ns;
	__u64 log2_ns[DMP_BUCKETS]; /* [i]: from 2^i ns on, and less than twice that; [0]: less than 2 ns */
};

#endif /* DMP_BPF_LATENCY_H */
