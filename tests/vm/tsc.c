// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * tsc: the rate of the time stamp counter in kHz, measured here for the virtual machine, which shares it
 *
 * A guest measures it itself while it boots; under emulation on a loaded machine that comes out wrong by factors, and
 * then all its deadlines do. Fifty milliseconds, between two readings of the clock that took no time.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct moment {
	uint64_t ns, tsc;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The pair that was read the fastest of many. */
static struct moment moment(void)
{
	struct moment best = { 0, 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t before = now(), tsc = __rdtsc(), took = now() - before;

		if (took < least) {
			least = took;
			best = (struct moment){ before + took / 2, tsc };
		}
	}
	return best;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	struct moment a = moment(), b;

	nanosleep(&pause, NULL);
	b = moment();
	printf("%.0f\n", (double)(b.tsc - a.tsc) * 1e6 / (double)(b.ns - a.ns));
	return 0;
}
