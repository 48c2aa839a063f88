/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* peers.h: ways for two processes to hand each other a message and sleep in between: what round_trip.c compares */
#ifndef BENCH_VM_PEERS_H
#define BENCH_VM_PEERS_H

#include <stddef.h>
#include <stdint.h>

/* What a line has room for beside a stamp. */
struct message {
	uint64_t seq;
	uint64_t last; /* no more after this one */
	uint64_t fill[5];
};

/*
 * Two channels: number 0 from the first process to the second, 1 back. Every hop wakes the receiver and every receive
 * sleeps if nothing is there; none spins.
 */
struct peer {
	const char *name;
	void (*create)(void);	 /* before the processes part */
	void (*enter)(int side); /* in each of them, before they meet; side sends on the channel of its number */
	void (*send)(int channel, const struct message *message);
	void (*receive)(int channel, struct message *message);
	void (*report)(double trips); /* what else there is to say of so many round trips; may be NULL */
};

extern const struct peer peers[];
extern const size_t peers_count;

#endif /* BENCH_VM_PEERS_H */
