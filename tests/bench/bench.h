/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * bench.h: what every program of the benchmark is made with
 *
 * A cell is one measurement: TEST PEER SIZE SLOTS PUBLISH (SIZE: bytes of payload; SLOTS, PUBLISH: 0 where there are
 * none; no spaces inside). A program measures some cells, one per start, so that each has fresh memory:
 *
 *   PROGRAM                                  prints its cells, one per line
 *   PROGRAM TEST PEER SIZE SLOTS PUBLISH     measures this cell once and prints one line: value=NUMBER unit=UNIT and
 *                                            whatever else it has to say as key=NUMBER; exit status 0
 *
 * run.c (build/bench/run) starts all cells in turn, round by round, with a probe of the machine around each, and appends
 *
 *   ROUND TEST PEER SIZE SLOTS PUBLISH STATUS key=value ...     STATUS: ok, refused (the machine was disturbed), failed
 *
 * to build/bench/raw; tests/bench/report makes table, build/bench.json, plots and verdicts of that. Keys known to the
 * report: value, unit, p99, batch (mean messages per look), switches (involuntary). Others go to the JSON as they
 * are. A program in another language only has to keep to the two lines above; a driver that cannot be cut into cells
 * can append lines to build/bench/raw itself.
 *
 * A program in C: list its cells in a table, write a function for each kind, and call bench_main:
 *
 *   static const struct bench_cell cells[] = { { "pipeline", "dmp", 8, 65536, 1 } };
 *   static void run(const struct bench_cell *cell) { ...; bench_value("M/s", n / seconds / 1e6); }
 *   int main(int argc, char **argv) { return bench_main(argc, argv, cells, 1, run); }
 *
 * Rivals that send messages from one process to another are easier: see peer.h.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_cell {
	const char *test;
	const char *peer;
	uint32_t size;
	uint32_t slots;
	uint32_t publish;
};

/* List or measure. run is called in a process of its own, under an alarm. Returns the exit status. */
int bench_main(int argc, char **argv, const struct bench_cell *cells, size_t count,
	       void (*run)(const struct bench_cell *cell));

/* Results, from run: the one that counts, and others. */
void bench_value(const char *unit, double value);
void bench_also(const char *key, double value);

/* Ends the cell as failed, whichever process calls it. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#define bench_check(ok)                                                           \
	do {                                                                      \
		if (!(ok))                                                        \
			bench_fail("%s:%d: failed: %s", __FILE__, __LINE__, #ok); \
	} while (0)

/* How long to measure: BENCH_MS of the environment, 60 ms unless set. */
uint64_t bench_budget_ns(void);

/* Zeroed memory that a child shares, touched already. Lives as long as the process. */
void *bench_shared(size_t bytes);

void bench_pin(int cpu);
void bench_unpin(void); /* the harness keeps to one CPU, and whoever it starts */

/*
 * Run first(arg) here on CPU 0 and second(arg) in a child on CPU 1, and wait for both. Each calls bench_meet once
 * everything is open: it returns when both have. bench_pair
 * reports both's involuntary context switches since then: as "switches", by which a cell is refused, or as "preempted"
 * where they belong to it.
 */
enum {
	BENCH_THREADS = 1 /* two threads instead */,
	BENCH_SAME_CPU = 2,
	BENCH_CROWDED = 4 /* more threads than CPUs */
};
void bench_pair(void (*first)(void *), void (*second)(void *), void *arg, unsigned int flags);
void bench_meet(void);

uint64_t bench_now(void); /* CLOCK_MONOTONIC, ns */

/* The time stamp counter; fenced: of this very place in the program. */
static inline uint64_t bench_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static inline uint64_t bench_tsc_fenced(void)
{
	uint64_t tsc;

	__builtin_ia32_lfence();
	tsc = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return tsc;
}

double bench_tsc_per_ns(void); /* of this machine; takes 2 ms the first time */

/* What every loop does that finds nothing. */
static inline void bench_pause(void)
{
	__builtin_ia32_pause();
}

static inline uint64_t bench_load_acquire(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void bench_store_release(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/* The sample below which the given share of them lies; sorts them. */
double bench_percentile(uint32_t *samples, size_t count, double share);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_H */
