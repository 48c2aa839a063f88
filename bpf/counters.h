/* SPDX-License-Identifier: GPL-2.0 */
/*
 * counters.h: what members have counted, as the maps of counters.bpf.c hold it
 *
 *   counters         struct dmp_member_key to struct dmp_member_counters: each member that is there and the last
 *                    DMP_GONE_KEPT that have left, whose values are their last; if there is no room left, fewer
 *   counters_missed  [0]: how many samples are not in it, because more than DMP_MEMBERS_MAX are there
 *
 * A value is stored while others may read it: each number is one that was there, but some of them may be of this sample
 * and others of the last one. Once `left` is 1 none changes any more.
 *
 * A key has no padding: zero it, then fill in all of it, and it can be looked up.
 */
#ifndef DMP_BPF_COUNTERS_H
#define DMP_BPF_COUNTERS_H

#include <dmp/counters.h>

#define DMP_MEMBERS_MAX 16384
#define DMP_GONE_KEPT	4096

struct dmp_member_key {
	__u64 ring;			/* its id */
	char ring_name[DMP_NAME_MAX];	/* empty: anonymous */
	char name[DMP_MEMBER_NAME_MAX]; /* names are made of A-Z a-z 0-9 _ . - and filled up with zeros */
	char role[12];			/* "producer", "consumer", "observer" */
	__u32 index;			/* of its place in the ring */
	__u64 incarnation;		/* who comes after it in that place has another */
};

struct dmp_member_counters {
#define DMP_COUNTER_FIELD_(NAME, id, name, unit, flags, help) __u64 name;
	DMP_COUNTERS(DMP_COUNTER_FIELD_)
#undef DMP_COUNTER_FIELD_
	__u64 sampled_ns; /* when: CLOCK_MONOTONIC */
	__u32 counted;	  /* bit DMP_COUNTER_AT_NAME: that one is counted; the others are 0 */
	__u32 left;	  /* 1: the member is there no more */
};

#endif /* DMP_BPF_COUNTERS_H */
