/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* calls.h: exact counts of system calls, from the tracepoint that each of them passes. Needs root and tracefs. */
#ifndef BENCH_VM_CALLS_H
#define BENCH_VM_CALLS_H

#include <stdint.h>
#include <sys/types.h>

/* A counter of one task, 0: the caller; off. While it is on, system calls take longer: never time what is counted. */
int calls_open(pid_t pid);
void calls_start(int counter);
/* How many since the start. The ioctl that stops is in the count if the caller counts itself. */
uint64_t calls_stop(int counter);

#endif /* BENCH_VM_CALLS_H */
