/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* trace.h: what the files of 'dmp trace' share */
#ifndef DMP_TRACE_H
#define DMP_TRACE_H

#include "tool.h"

struct counters_bpf;
struct latency_bpf;

/* ---- trace.c ---- */

/* Ends, saying what it is, if something is missing that eBPF takes. */
void require_bpf(void);
/* The programs of latency.bpf.c and of counters.bpf.c, loaded and attached. */
struct latency_bpf *attach_latency(void);
struct counters_bpf *attach_counters(void);
/* What libbpf could not do, and the end. */
void fail_bpf(const char *what, int err) __attribute__((noreturn));

/* ---- trace_pin.c ---- */

void pin_all(const char *folder);
void unpin_all(const char *folder);

/* ---- trace_live.c ---- */

/* Every interval, until a signal. */
void show_latency(uint64_t interval_ms);

#endif /* DMP_TRACE_H */
