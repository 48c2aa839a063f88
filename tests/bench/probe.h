/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * probe.h: is the machine as it was?
 *
 * A host can put both virtual CPUs on one core, and everything looks twice as fast; or on distant cores, or other work
 * runs, and it looks slow. All show in how long one cache line takes to the other CPU and back.
 *
 * A host moves a virtual CPU when it wakes up. So both CPUs are held: processes that run only when nothing else wants to
 * keep them from going idle. And when they are where they should not be, they are let go until they have moved.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdbool.h>

/* Start to hold, and to probe. usual: the line's usual round trip in ns; 0: the median of a number of moves. The caller
 * runs on CPU 0 from now on. */
void probe_start(double usual);
double probe_usual(void);

/* Is the round trip the usual one now? */
bool probe_is_usual(void);

/* Let both CPUs move until it is, for so many seconds at most. False: it never was. */
bool probe_regain(double seconds);

#endif /* BENCH_PROBE_H */
