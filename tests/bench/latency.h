/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * latency.h: the channels that are compared under an open loop: dmp with each wait strategy, a pipe, a ring under a
 * mutex with condition variables
 */
#ifndef LATENCY_H
#define LATENCY_H

#include "bench.h"

#define MESSAGE_BYTES 56 /* with its stamp it fills a line of a stamped ring */
#define CHANNEL_SLOTS 1024

struct message {
	uint64_t intended; /* when it should have been sent: ticks */
	uint64_t seq;
	char rest[MESSAGE_BYTES - 16];
};

struct channel; /* what both processes share, and what each keeps for itself */

struct channel_kind {
	const char *name;
	/* Before the processes part. */
	struct channel *(*create)(const char *name);
	/* In each of them. */
	void (*open_sender)(struct channel *channel);
	void (*open_receiver)(struct channel *channel);
	/* Wait for room and send. */
	void (*send)(struct channel *channel, const struct message *message);
	/* Wait for at least one, hand each that is there to take, in order; how many. */
	uint64_t (*receive)(struct channel *channel, void (*take)(const struct message *message));
	/* When the other side has finished. */
	void (*close)(struct channel *channel);
};

extern const struct channel_kind channel_kinds[];
extern const size_t channel_kind_count;

const struct channel_kind *channel_kind_of(const char *name);

#endif /* LATENCY_H */
